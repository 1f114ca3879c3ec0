"""What answers of a node pass: its policy, its budget and the record of what it told."""

from datetime import timedelta
from pathlib import Path

from tessera.adapters.sqlite_disclosure import SqliteDisclosureLedger
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.node import NodeSettings
from tessera.bootstrap.stores import TOLD_FILE
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.node.answer import Gate
from tessera.ports.disclosure_ledger import Budget


def gate_of(home: Path, settings: NodeSettings) -> Gate:
    return Gate(
        policy=answer_policy(settings),
        budget=Budget(
            each=settings.questions_each,
            together=settings.questions_together,
            during=timedelta(days=settings.questions_days),
        ),
        ledger=SqliteDisclosureLedger(home / TOLD_FILE),
        clock=SystemClock(),
    )


def answer_policy(settings: NodeSettings) -> CountPolicy:
    return CountPolicy(settings.minimum_count, settings.count_step, settings.count_noise)
