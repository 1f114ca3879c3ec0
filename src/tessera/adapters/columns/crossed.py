"""The cells of a cut over the columns of one version, each with the sketch of whom it counts."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.columns.sets import Bits, booleans_of
from tessera.adapters.columns.version import Rows, Version
from tessera.domain.cohort.exact import ExactSet
from tessera.domain.cohort.fields import FIELDS, Field, Value
from tessera.domain.cohort.sketch import N_PARTS, Marks, Sketch
from tessera.domain.statistics.cut import ENDED, REACHED, SPARED, Cut, Steps, cell

_NONE: Final = -1


def crossed(version: Version, cut: Cut, matching: Bits, marks: Marks) -> dict[str, ExactSet]:
    """Return the cells of `cut` that hold some of the subjects `matching`."""
    among = np.flatnonzero(booleans_of(matching, version.n_subjects))
    group = np.zeros(len(among), np.intp)
    for axis in cut.axes:
        place = _each(version, FIELDS[axis.field], axis.place_of)[among]
        group = group * (len(axis.values) + 1) + place + 1
    names = list(cut.groups())
    if cut.steps is None:
        sketches = marks.sketches(among, group, len(names))
        sizes = np.bincount(group, minlength=len(names)).tolist()
        return _filled(map(cell, names), sizes, sketches)
    return _stepped(version, cut.steps, names, among, group, marks)


def _stepped(
    version: Version,
    steps: Steps,
    names: list[tuple[str, ...]],
    among: Rows,
    group: Rows,
    marks: Marks,
) -> dict[str, ExactSet]:
    n_edges = len(steps.edges)
    shape = len(names), n_edges + 1

    def reached(value: Value) -> int:
        return sum(float(value) >= edge for edge in steps.edges)

    # Between which edges, 0 for below the first.
    between = _each(version, FIELDS[steps.field], reached)[among]
    known = between != _NONE
    found: dict[str, ExactSet] = {}

    def binned(chosen: NDArray[np.bool_]) -> tuple[Rows, NDArray[np.uint32]]:
        """Return subjects between edges, shape (n_groups, n_edges + 1), and their sketches."""
        bins = group[chosen] * shape[1] + between[chosen]
        sizes = np.bincount(bins, minlength=shape[0] * shape[1])
        sketches = marks.sketches(among[chosen], bins, shape[0] * shape[1])
        return sizes.reshape(shape), sketches.reshape(*shape, N_PARTS)

    def add(sign: str, sizes: Rows, sketches: NDArray[np.uint32]) -> None:
        cells = (cell(name, edge, sign) for name in names for edge in steps.edges)
        found.update(_filled(cells, sizes.ravel().tolist(), sketches.reshape(-1, N_PARTS)))

    ended = np.zeros(len(among), np.intp)
    if steps.until:
        ended = _each(version, FIELDS[steps.until], lambda value: int(value == "yes"))[among]
        known &= ended != _NONE
    sizes, sketches = binned(known)
    add(REACHED, sizes[:, ::-1].cumsum(1)[:, -2::-1], _sums(sketches[:, ::-1])[:, -2::-1])
    if steps.until:
        before, of_whom = binned(known & (ended == 1))
        before, of_whom = before.cumsum(1)[:, :-1], _sums(of_whom)[:, :-1]
        add(ENDED, before, of_whom)
        # A sketch is a sum, so that of the others is a difference.
        add(SPARED, sizes.sum(1, keepdims=True) - before, _sums(sketches)[:, -1:] - of_whom)
    return found


def _sums(sketches: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return sketches.cumsum(axis=1, dtype=np.uint32)


def _filled(
    names: Iterable[str], sizes: list[int], sketches: Iterable[Sketch]
) -> dict[str, ExactSet]:
    found = zip(names, sizes, sketches, strict=True)
    return {name: ExactSet(size, sketch) for name, size, sketch in found if size}


def _each(version: Version, field: Field, place_of: Callable[[Value], int]) -> Rows:
    """Return for each subject the place of its value, -1 without one or with several places."""
    found = version.column(field)
    each = (_NONE if isinstance(one, tuple) else place_of(one) for one in found.values)
    places = np.array([_NONE, *each], np.intp)[found.codes]
    subject = version.tables[field.level].subject
    has = (places != _NONE) & (subject >= 0)
    subject, places = subject[has], places[has]
    most = np.full(version.n_subjects, _NONE, np.intp)
    np.maximum.at(most, subject, places)
    least = np.full(version.n_subjects, np.iinfo(np.intp).max, np.intp)
    np.minimum.at(least, subject, places)
    return np.where(least == most, most, _NONE)
