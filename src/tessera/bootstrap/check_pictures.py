"""Wire the decoding of pictures for a check: which are chosen, and the processes that decode."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from enum import StrEnum
from itertools import islice
from multiprocessing import get_context
from typing import Final, TypeVar

from tessera.adapters.files.check_pictures import Pictured, png_of, read_pictures, sameness_of
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import AlikePair
from tessera.domain.quality.judging import DERIVED
from tessera.domain.quality.near_copies import Candidate
from tessera.domain.quality.picture import Picture
from tessera.domain.quality.report import QualityReport
from tessera.node.check import PictureReader

T = TypeVar("T")
R = TypeVar("R")

_OF_A_SERIES: Final = 3
"""Pictures of a series that stand for it."""
_SLIDE: Final = "SM"
"""A slide is many small frames; one of them says nothing of it."""
_BATCH: Final = 16
_WORTH_A_POOL: Final = 150
"""Fewer pictures are decoded sooner here than worker processes start."""
_SHOWN: Final = 12
"""Pictures per kind of finding in a report."""


class Pixels(StrEnum):
    """Which pictures a check decodes."""

    NONE = "none"
    FEW = "few"
    ALL = "all"


def picture_reader(pixels: Pixels, workers: int) -> PictureReader | None:
    """Return what decodes pictures for `check_files`; None for `Pixels.NONE`."""
    if pixels is Pixels.NONE:
        return None
    n_workers = workers or len(os.sched_getaffinity(0))

    def figures(rows: Sequence[InstanceRow]) -> Sequence[Picture]:
        wanted = [_pictured(row) for row in chosen(rows, pixels)]
        return [one for one in _spread(read_pictures, wanted, n_workers) if one is not None]

    def sameness(
        pairs: Sequence[Candidate], by_uid: Mapping[str, InstanceRow]
    ) -> Sequence[AlikePair]:
        wanted = [(_pictured(by_uid[p.one]), _pictured(by_uid[p.other])) for p in pairs]
        found = _spread(sameness_of, wanted, n_workers)
        return [
            AlikePair(pair.one, pair.other, value) for pair, value in zip(pairs, found, strict=True)
        ]

    return PictureReader(figures=figures, sameness=sameness)


def chosen(rows: Sequence[InstanceRow], pixels: Pixels) -> list[InstanceRow]:
    """Return the rows whose pictures are decoded: of each series three, spread evenly, or all."""
    series: dict[str, dict[str, InstanceRow]] = {}
    for row in rows:
        if row.has_pixels and row.modality not in DERIVED and row.modality != _SLIDE:
            series.setdefault(row.series_uid, {})[row.instance_uid] = row
    found: list[InstanceRow] = []
    for _, by_uid in sorted(series.items()):
        members = sorted(
            by_uid.values(), key=lambda row: (row.instance_number or 0, row.instance_uid)
        )
        if pixels is Pixels.FEW and len(members) > _OF_A_SERIES:
            step = len(members) / (_OF_A_SERIES + 1)
            members = [members[round(step * n)] for n in range(1, _OF_A_SERIES + 1)]
        found += members
    return found


def shown_pictures(report: QualityReport, rows: Mapping[str, InstanceRow]) -> dict[str, bytes]:
    """Return a PNG of each picture that findings show, a dozen per kind, by instance UID."""
    by_kind: dict[str, list[str]] = {}
    for item in report.findings:
        by_kind.setdefault(item.kind, []).extend(item.pictures)
    wanted = dict.fromkeys(uid for uids in by_kind.values() for uid in uids[:_SHOWN])
    made = {uid: png_of(_pictured(rows[uid])) for uid in wanted if uid in rows}
    return {uid: png for uid, png in made.items() if png}


def _pictured(row: InstanceRow) -> Pictured:
    return Pictured(row.path, row.instance_uid, row.modality)


def _spread(work: Callable[[Sequence[T]], list[R]], things: Sequence[T], n_workers: int) -> list[R]:
    """Return what `work` makes of each, in order, by processes where there are many."""
    if n_workers == 1 or len(things) < _WORTH_A_POOL:
        return work(things)
    with ProcessPoolExecutor(n_workers, get_context("spawn")) as pool:
        done = pool.map(work, list(_batches(things)))
        return [item for batch in done for item in batch]


def _batches(things: Sequence[T]) -> Iterator[Sequence[T]]:
    rest = iter(things)
    while batch := list(islice(rest, _BATCH)):
        yield batch
