"""Go through things of one kind and count which are in order. Pure."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Finding, Severity
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.registry import Looked

T = TypeVar("T")
Judge = Callable[[T], Iterable[Finding] | None]

DERIVED: Final = frozenset(
    "SEG SR PR KO AU ANN REG RWV FID DOC PLAN RTSTRUCT RTPLAN RTDOSE RTRECORD".split()
)
"""Modalities of objects that are made from images."""
NO_HEADERS: Final = Looked(n_looked=0, n_passed=0, not_looked="no-headers")
NO_PICTURES: Final = Looked(n_looked=0, n_passed=0, not_looked="no-pictures")
NO_RECORDS: Final = Looked(n_looked=0, n_passed=0, not_looked="no-clinical-values")


def judged(things: Iterable[T], judge: Judge[T]) -> Looked:
    """Return what `judge` says of each; it answers None of a thing that it cannot judge.

    A thing is in order when nothing but notes was found.
    """
    n_looked, failed, found = 0, 0, list[Finding]()
    for thing in things:
        answer = judge(thing)
        if answer is None:
            continue
        items = list(answer)
        n_looked += 1
        failed += any(item.severity is not Severity.NOTE for item in items)
        found += items
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def images_of(series: SeriesRows) -> list[InstanceRow]:
    """Return the instances of the series that are images, not made from images."""
    return [
        row
        for row in series.distinct()
        if row.modality not in DERIVED and (row.has_pixels or row.rows)
    ]


def image_series(data: CheckInput) -> list[tuple[SeriesRows, list[InstanceRow]]]:
    """Return the series that hold images, each with those."""
    pairs = ((series, images_of(series)) for series in data.series)
    return [(series, images) for series, images in pairs if images]
