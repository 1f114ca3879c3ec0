"""Wire the pixel pass of a node and the review of what it leaves to a person."""

import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tessera.adapters.files.take_in_pixels import TakeInPixels
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.adapters.sqlite_review import SqliteReviewQueue
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.ingest import gate_of, intake_of, only_one_ingest
from tessera.bootstrap.node import Node, NodeSettings
from tessera.bootstrap.pixel_stage import pixel_stage_of
from tessera.bootstrap.writing import writing_to
from tessera.domain.audit.events import pixels_reviewed
from tessera.domain.deid.pixels.findings import Decision
from tessera.node.pixel_pass import PixelPass, held_for_pixels, require_waiting
from tessera.ports.executor import Executor
from tessera.ports.ledger import LedgerEntry
from tessera.ports.review import Remembered, ReviewItem, SeenPixels, ToLookAt

_workers: dict[str, TakeInPixels] = {}


def can_read_pixels() -> bool:
    """Say whether the extra `pixels` is installed; without it pictures stay held."""
    return all(find_spec(name) for name in ("rapidocr", "onnxruntime", "cv2"))


def review_queue_of(home: Path) -> SqliteReviewQueue:
    return SqliteReviewQueue(home / "identified" / "review.sqlite")


def clean_held_pixels(
    node: Node, *, workers: int | None = None
) -> tuple[int, Iterator[LedgerEntry]]:
    """Return how many wait, and an iterator that looks at each. Raises Conflict while it runs."""
    entries = held_for_pixels(node.ledger)
    n = workers if workers is not None else node.settings.workers or os.cpu_count() or 1
    return len(entries), _cleaned(node, entries, n)


def _cleaned(node: Node, entries: Sequence[LedgerEntry], n: int) -> Iterator[LedgerEntry]:
    if not entries:
        return
    with _pixel_pass(node, n if len(entries) > 4 else 1) as work:
        yield from work.run(entries)


@contextmanager
def _pixel_pass(node: Node, n_workers: int) -> Iterator[PixelPass]:
    arguments = (node.settings, node.key(), node.research, node.identified)
    executor: Executor
    with writing_to(node.home), only_one_ingest(node):
        if n_workers <= 1:
            _start_worker(*arguments)
            executor = InProcess()
        else:
            executor = ProcessPool(n_workers, _start_worker, arguments)
        try:
            yield PixelPass(
                intake=intake_of(node, executor),
                look=_look,
                queue=review_queue_of(node.home),
                remove=lambda name: _remove(node.identified / "quarantine", name),
                now=SystemClock().now,
            )
        finally:
            executor.close()


def decide(
    node: Node, item_id: str, decisions: Sequence[Decision], *, remember: bool
) -> LedgerEntry:
    """Finish one item by a person's decisions; see `PixelPass.decide`."""
    by = getpass.getuser()
    item = require_waiting(review_queue_of(node.home), item_id)
    with _pixel_pass(node, 1) as work:
        entry = work.decide(item.item_id, decisions, by=by, remember=remember)
    write_down(node.home, pixels_reviewed(item.item_id, str(entry.state), remembered=remember))
    return entry


def refuse(node: Node, item_id: str) -> LedgerEntry:
    """Keep one instance out for good."""
    item = require_waiting(review_queue_of(node.home), item_id)
    with _pixel_pass(node, 1) as work:
        entry = work.refuse(item.item_id, by=getpass.getuser())
    write_down(node.home, pixels_reviewed(item.item_id, str(entry.state), remembered=False))
    return entry


def waiting(node: Node) -> tuple[ReviewItem, ...]:
    return review_queue_of(node.home).waiting()


def remembered(node: Node) -> tuple[Remembered, ...]:
    return review_queue_of(node.home).remembered()


def _remove(quarantine: Path, name: str) -> None:
    (quarantine / name).unlink(missing_ok=True)


def _start_worker(settings: NodeSettings, key: bytes, research: Path, identified: Path) -> None:
    gate = gate_of(settings, key, identified)
    queue = review_queue_of(identified.parent)
    stage = pixel_stage_of(settings, key, {r.layout.key: r.decisions for r in queue.remembered()})
    _workers["here"] = TakeInPixels(gate, stage, research, identified, SystemClock().now)


def _look(held: Sequence[ToLookAt]) -> Sequence[SeenPixels]:
    return _workers["here"](held)
