"""How items of the review queue are written in a database: values of JSON, and back."""

import json
from dataclasses import asdict
from datetime import datetime

from tessera.domain.deid.pixels.findings import Box, Decision, Finding, Layout, Picture
from tessera.domain.zones import Identified
from tessera.ports.ledger import LedgerEntry, SourceFile, State
from tessera.ports.review import ReviewItem


def item_of(row: tuple[str, ...], pictures: tuple[Picture, ...]) -> ReviewItem:
    """Return an item; `row` is source, quarantine, reason, layout, findings and since."""
    source, quarantine, reason, layout, findings, since = row
    entry = LedgerEntry(
        source=SourceFile(**json.loads(source)), state=State.HELD, quarantine=quarantine
    )
    return ReviewItem(
        entry=entry,
        reason=reason,
        layout=Layout(**json.loads(layout)),
        findings=tuple(_read_finding(raw) for raw in json.loads(findings)),
        pictures=pictures,
        since=datetime.fromisoformat(since),
    )


def source_fields(entry: LedgerEntry) -> dict[str, object]:
    """Return what names the source of an entry."""
    source = entry.source
    return {
        "path": source.path,
        "member": source.member,
        "size": source.size,
        "modified_ns": source.modified_ns,
    }


def finding_fields(one: Finding) -> dict[str, object]:
    """Return the values of a finding; its text names a patient."""
    return {
        "first": one.first,
        "last": one.last,
        "box": asdict(one.box),
        "text": one.text.value,
        "score": one.score,
        "action": one.action,
        "reason": one.reason,
    }


def _read_finding(raw: dict[str, object]) -> Finding:
    values: dict[str, object] = dict(raw)
    return Finding(**{**values, "box": Box(**raw["box"]), "text": Identified(raw["text"])})  # type: ignore[arg-type]


def decision_of(raw: dict[str, object]) -> Decision:
    """Return the decision that `asdict` made into values."""
    return Decision(**{**raw, "box": Box(**raw["box"])})  # type: ignore[arg-type]
