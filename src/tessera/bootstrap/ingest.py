"""Wire ingest: the pool, its workers, the lock, the parts of the node."""

import fcntl
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tessera.adapters.files.rule_files import load_profile, names_finder, rule_texts, vocabulary
from tessera.adapters.files.take_in import (
    TakeInFiles,
    keep_in_quarantine,
    source_path,
)
from tessera.adapters.files.walk import sources_under
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import Node, NodeSettings, pseudonymiser_of
from tessera.bootstrap.writing import writing_to
from tessera.domain.audit.events import ingest_finished
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.rules import compile_rules
from tessera.domain.errors import Conflict, InvalidDicom
from tessera.node.ingest import Intake, ingest
from tessera.ports.executor import Executor
from tessera.ports.intake import Taken
from tessera.ports.ledger import LedgerEntry, SourceFile

_workers: dict[str, TakeInFiles] = {}
"""The one worker of this process; set by `_start_worker`."""


def _start_worker(settings: NodeSettings, key: bytes, research: Path, identified: Path) -> None:
    gate, probe = gate_of(settings, key, identified), None
    if settings.probe_series:
        from tessera.bootstrap.pixel_stage import probe_for

        probe = probe_for(gate, graphics=False)
    _workers["here"] = TakeInFiles(gate, research, identified, probe)


def gate_of(settings: NodeSettings, key: bytes, identified: Path) -> Deidentifier:
    """Return the one way from identified to de-identified, for one worker of a node."""
    texts = rule_texts()
    rules = compile_rules(load_profile(settings.profile), texts)
    return Deidentifier(
        rules,
        pseudonymiser_of(settings, key, rules),
        read_storage_classes(texts.storage_classes),
        vocabulary(),
        exclusions_of(identified.parent).excluded(),
        finder=names_finder(rules.profile),
    )


def _take_in(sources: Sequence[SourceFile]) -> Sequence[Taken]:
    return _workers["here"](sources)


def list_sources(paths: Iterable[Path]) -> list[SourceFile]:
    """Return all that ingest would look at under `paths`."""
    return list(sources_under(paths))


def ingest_sources(
    node: Node, sources: Sequence[SourceFile], *, workers: int | None = None
) -> Iterator[LedgerEntry | None]:
    """Ingest into the node; see `tessera.node.ingest.ingest`.

    Raises Conflict when another ingest runs on this home, or when the profile is not the
    one that the stored instances were de-identified with.
    """
    with writing_to(node.home), only_one_ingest(node):
        _clear(node)
        n = workers if workers is not None else node.settings.workers or os.cpu_count() or 1
        executor = _executor(node, n if len(sources) > 24 else 1)
        intake = intake_of(node, executor)
        try:
            counts: Counter[str] = Counter()
            for entry in ingest(sources, intake):
                counts["settled before" if entry is None else str(entry.state)] += 1
                yield entry
            write_down(node.home, ingest_finished(counts))
        finally:
            executor.close()


def arrivals_executor(node: Node) -> Executor:
    """Return workers for `ingest_round`; they are started when the first round needs them."""
    return _executor(node, node.settings.workers or os.cpu_count() or 1)


def ingest_round(
    node: Node, sources: Sequence[SourceFile], executor: Executor
) -> Iterator[LedgerEntry | None]:
    """Ingest with workers that outlive the round. Raises as `ingest_sources` does."""
    with writing_to(node.home), only_one_ingest(node):
        _clear(node)
        yield from ingest(sources, intake_of(node, executor))


def intake_of(node: Node, executor: Executor) -> Intake:
    """Return the parts that an ingest of this node works with."""
    return Intake(
        ledger=node.ledger,
        index=node.index,
        store=node.store,
        executor=executor,
        take_in=_take_in,
        quarantine=lambda source: _quarantine(node, source),
    )


def _executor(node: Node, n_workers: int) -> Executor:
    exclusions_of(node.home).excluded()  # an unreadable list stops here, not inside a worker
    arguments = (node.settings, node.key(), node.research, node.identified)
    if n_workers <= 1:
        _start_worker(*arguments)
        return InProcess()
    return ProcessPool(n_workers, _start_worker, arguments)


def _quarantine(node: Node, source: SourceFile) -> str:
    try:
        with source_path(source, node.identified / "inbox") as path:
            return keep_in_quarantine(source, path, node.identified / "quarantine")
    except InvalidDicom:
        return ""  # it is gone, or its zip is


def _same_profile(node: Node) -> None:
    """One home, one profile: else the same instance would have two contents."""
    label, record = node.rules.label, node.research / "profile.txt"
    if not record.exists():
        record.write_text(label + "\n", encoding="utf-8")
    elif (before := record.read_text(encoding="utf-8").strip()) != label:
        raise Conflict(
            f"this home's instances were de-identified with profile {before}, the settings now "
            f"give {label}; put the old profile back, or make a new home for the new one"
        )


def _clear(node: Node) -> None:
    """Remove copies that an interrupted run had not finished; their sources are taken again."""
    for unfinished in (node.identified / "inbox").iterdir():
        unfinished.unlink()
    for unfinished in (node.identified / "quarantine").glob("*.part"):
        unfinished.unlink()


@contextmanager
def only_one_ingest(node: Node) -> Iterator[None]:
    """Let one process at a time add to a home. Raises Conflict when one does, or the profile
    is not the one that the stored instances were de-identified with."""
    with (node.identified / "ingest.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise Conflict("another ingest is running on this home; wait for it") from err
        _same_profile(node)
        yield
