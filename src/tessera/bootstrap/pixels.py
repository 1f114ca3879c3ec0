"""Wire the pixel pass of a node and the review of what it leaves to a person."""

import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tessera.adapters.files.take_in_faces import TakeInFaces, series_of
from tessera.adapters.files.take_in_pixels import TakeInPixels
from tessera.adapters.pixels.face_stage import FaceStage
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.exclusions import store_settings_of
from tessera.bootstrap.ingest import gate_of, intake_of, only_one_ingest
from tessera.bootstrap.node import Node, NodeSettings
from tessera.bootstrap.pixel_stage import pixel_stage_of
from tessera.bootstrap.stores import review_of
from tessera.bootstrap.writing import writing_to
from tessera.domain.audit.events import pixels_reviewed
from tessera.domain.deid.pixels.findings import Decision
from tessera.domain.errors import NotFound
from tessera.node.pixel_pass import PixelPass, held_for_pixels, require_waiting
from tessera.ports.executor import Executor
from tessera.ports.ledger import LedgerEntry, State
from tessera.ports.review import (
    FACE_NOT_FOUND,
    Remembered,
    ReviewItem,
    ReviewQueue,
    SeenPixels,
    ToLookAt,
)

_workers: dict[str, TakeInPixels] = {}
_face_workers: dict[str, TakeInFaces] = {}


def can_read_pixels() -> bool:
    """Say whether the extra `pixels` is installed; without it pictures stay held."""
    return all(find_spec(name) for name in ("rapidocr", "onnxruntime", "cv2"))


def review_queue_of(home: Path) -> ReviewQueue:
    return review_of(home, store_settings_of(home))


def clean_held_pixels(
    node: Node, *, workers: int | None = None, limit: int | None = None
) -> tuple[int, Iterator[LedgerEntry]]:
    """Return how many wait, and an iterator that looks at each. Raises Conflict while it runs."""
    entries = held_for_pixels(node.ledger)[:limit]
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
    quarantine = node.identified / "quarantine"
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
                look_at_face=_look_at_face,
                series_of=lambda entry: series_of(quarantine / entry.quarantine),
                queue=review_queue_of(node.home),
                remove=lambda name: (quarantine / name).unlink(missing_ok=True),
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


def let_faceless_pass(node: Node, series: str) -> list[LedgerEntry]:
    """Take in the held slices of a series of which a person says that no face is in them.

    `series` is the start of its SeriesInstanceUID as the hospital has it. Raises NotFound.
    """
    quarantine = node.identified / "quarantine"
    held = [
        entry
        for entry in node.ledger.entries((State.HELD,))
        if entry.reason == FACE_NOT_FOUND and entry.quarantine
    ]
    chosen = [e for e in held if series and series_of(quarantine / e.quarantine).startswith(series)]
    if not chosen:
        raise NotFound("no slices of such a series are held because no face was found")
    with _pixel_pass(node, 1) as work:
        entries = list(work.let_pass(chosen))
    write_down(node.home, pixels_reviewed("series", str(entries[0].state), remembered=False))
    return entries


def waiting(node: Node) -> tuple[ReviewItem, ...]:
    return review_queue_of(node.home).waiting()


def remembered(node: Node) -> tuple[Remembered, ...]:
    return review_queue_of(node.home).remembered()


def _start_worker(settings: NodeSettings, key: bytes, research: Path, identified: Path) -> None:
    gate = gate_of(settings, key, identified)
    queue = review_queue_of(identified.parent)
    stage = pixel_stage_of(settings, key, {r.layout.key: r.decisions for r in queue.remembered()})
    _workers["here"] = TakeInPixels(gate, stage, research, identified, SystemClock().now)
    _face_workers["here"] = TakeInFaces(gate, FaceStage(), research, identified, text=stage)


def _look_at_face(held: Sequence[ToLookAt]) -> Sequence[SeenPixels]:
    return _face_workers["here"](held)


def _look(held: Sequence[ToLookAt]) -> Sequence[SeenPixels]:
    return _workers["here"](held)
