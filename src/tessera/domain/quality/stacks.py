"""Sort the slices of a series into stacks: one orientation, one slice per place. Pure.

A series may hold several stacks: the planes of a localiser, the b-values of a diffusion
series, the phases of a dynamic one, the echoes of a multi-echo one. Only within one stack do
spacing and shared places mean anything.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.geometry import (
    SAME_PLACE_MM,
    is_plausible,
    is_same_orientation,
    offsets_along,
    slice_normal,
)
from tessera.domain.imaging.instance import Cosines6, InstanceRow, Vector3
from tessera.domain.quality.inputs import SeriesRows

LAYER_KEYS: tuple[tuple[str, Callable[[InstanceRow], object]], ...] = (
    ("b-value", lambda row: row.b_value),
    ("temporal position", lambda row: row.temporal_position),
    ("echo number", lambda row: row.echo_number),
    ("image type", lambda row: row.image_type),
    ("acquisition number", lambda row: row.acquisition_number),
    ("acquisition date", lambda row: row.acquisition_date),
    ("frame of reference", lambda row: row.frame_of_reference_uid),
)
"""What may tell slices at one place apart, in the order in which it is tried."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One single-frame instance with its place along the normal of its stack, mm."""

    row: InstanceRow
    offset_mm: float


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices of one orientation and one layer, ascending along their normal."""

    slices: tuple[Slice, ...]
    keys: tuple[str, ...] = ()
    """Names of the keys that tell this stack from others at the same places."""

    def places(self) -> tuple[Slice, ...]:
        """Return the first slice at each place along the normal."""
        kept: list[Slice] = []
        for item in self.slices:
            if not kept or item.offset_mm - kept[-1].offset_mm > SAME_PLACE_MM:
                kept.append(item)
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Orientation:
    """All slices of a series with one orientation, sorted into stacks."""

    cosines: Cosines6
    stacks: tuple[Stack, ...]

    def rows(self) -> tuple[InstanceRow, ...]:
        return tuple(item.row for stack in self.stacks for item in stack.slices)


def states_place(row: InstanceRow) -> bool:
    """Return whether the row is one slice with position and orientation of its own.

    Multi-frame instances keep both per frame (PS3.3 C.7.6.16), which a row does not hold.
    """
    return row.frames == 1 and row.position_mm is not None and row.orientation is not None


def is_placed(row: InstanceRow) -> bool:
    """Return whether the row states a place, in numbers that can be one."""
    return states_place(row) and is_plausible((*(row.position_mm or ()), *(row.orientation or ())))


def is_localiser(series: SeriesRows) -> bool:
    """Return whether the series is a localiser, by ImageType. Source: PS3.3 C.7.6.1.1.2."""
    return any("LOCALIZER" in row.image_type.upper().split("\\") for row in series.rows)


def orientations(series: SeriesRows) -> tuple[Orientation, ...]:
    """Return the stacks of the series by orientation; slices without a plane are left out."""
    groups: list[tuple[Cosines6, list[InstanceRow]]] = []
    known: dict[Cosines6, list[InstanceRow]] = {}
    for row in series.distinct():
        cosines = row.orientation
        if not is_placed(row) or cosines is None:
            continue
        if cosines not in known:
            for other, members in groups:
                if is_same_orientation(cosines, other):
                    known[cosines] = members
                    break
            else:
                known[cosines] = []
                groups.append((cosines, known[cosines]))
        known[cosines].append(row)
    found = []
    for cosines, rows in groups:
        try:
            slices = _placed(cosines, rows)
        except InvalidInput:
            continue
        found.append(Orientation(cosines, tuple(_split(slices, 0, ()))))
    return tuple(found)


def place_of(row: InstanceRow) -> Vector3:
    """Return the position of the slice rounded to 0.01 mm, to compare positions by."""
    x, y, z = row.position_mm or (0.0, 0.0, 0.0)
    return (round(x, 2) + 0.0, round(y, 2) + 0.0, round(z, 2) + 0.0)


def places_taken(slices: Sequence[Slice]) -> Counter[Vector3]:
    """Return how many slices lie at each place."""
    return Counter(place_of(item.row) for item in slices)


def _placed(cosines: Cosines6, rows: Sequence[InstanceRow]) -> list[Slice]:
    normal = slice_normal(cosines)
    offsets = offsets_along(normal, [row.position_mm for row in rows if row.position_mm])
    slices = [Slice(row, float(offset)) for row, offset in zip(rows, offsets, strict=True)]
    return sorted(slices, key=lambda item: (item.offset_mm, item.row.instance_uid))


def _split(slices: Sequence[Slice], start: int, keys: tuple[str, ...]) -> Iterator[Stack]:
    """Split where slices share places and a key tells them apart.

    A key is used only when it separates slices at one place, and when each of its values has
    more than a single slice: a number that differs from slice to slice is no layer.
    """
    taken = places_taken(slices)
    n_extra = len(slices) - len(taken)
    for index in range(start, len(LAYER_KEYS)) if n_extra else ():
        name, key = LAYER_KEYS[index]
        parts: dict[object, list[Slice]] = defaultdict(list)
        for item in slices:
            parts[key(item.row)].append(item)
        if len(parts) < 2 or (len(taken) > 2 and min(map(len, parts.values())) < 2):
            continue
        if sum(len(part) - len(places_taken(part)) for part in parts.values()) < n_extra:
            for part in parts.values():
                yield from _split(part, index + 1, (*keys, name))
            return
    yield Stack(tuple(slices), keys)
