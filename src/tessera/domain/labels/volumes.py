"""The volumes of a series: which frame of which instance is which slice. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tessera.domain.errors import InvalidInput
from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.grid import Grid, stacked
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import SeriesRows
from tessera.domain.quality.stacks import Stack, orientations


@dataclass(frozen=True, slots=True)
class Frame:
    """One plane of a series."""

    source: InstanceRow
    """The instance that it is in."""
    number: int
    """0-based frame of that instance."""
    plane: InstanceRow
    """The same as if it were a single frame: its own position, orientation and spacing."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Evenly spaced parallel slices of one series."""

    grid: Grid
    frames: tuple[Frame, ...]
    """By slice, ascending along the normal."""
    keys: tuple[str, ...] = ()
    """What tells it from other volumes at the same place: "b-value", "temporal position", …"""
    n_left_out: int = 0
    """Further frames at the same places, that nothing tells apart."""

    @property
    def series_uid(self) -> str:
        return self.frames[0].source.series_uid


@dataclass(frozen=True, slots=True)
class Volumes:
    found: tuple[Volume, ...]
    problems: tuple[str, ...]
    """Why some frames are no volume."""


def whole(row: InstanceRow) -> Frame:
    """Return a single-frame instance as the frame that it is."""
    return Frame(row, 0, row)


def volumes(frames: Sequence[Frame]) -> Volumes:
    """Sort the frames of one series into volumes, by orientation and by what tells them apart."""
    known: dict[str, Frame] = {}
    for frame in frames:
        name = f"{frame.source.instance_uid}#{frame.number}"
        plane = replace(frame.plane, instance_uid=InstanceUid(name), frames=1)
        known[name] = Frame(frame.source, frame.number, plane)
    planes = tuple(one.plane for one in known.values())
    found, problems, n_placed = [], [], 0
    uid = frames[0].source.series_uid if frames else ""
    for turned in orientations(SeriesRows(uid, planes)):
        for stack in turned.stacks:
            n_placed += len(stack.slices)
            try:
                found.append(_volume(stack, known))
            except InvalidInput as err:
                problems.append(str(err))
    if n_placed < len(frames):
        problems.append(f"{len(frames) - n_placed} frames have no place in space")
    return Volumes(tuple(found), tuple(problems))


def _volume(stack: Stack, known: dict[str, Frame]) -> Volume:
    slices = stack.places()
    frames = tuple(known[str(one.row.instance_uid)] for one in slices)
    first = frames[0].plane
    if first.orientation is None or first.spacing_mm is None or not first.rows or not first.columns:
        raise InvalidInput("its images tell no matrix or no pixel spacing")
    kinds = {(f.plane.rows, f.plane.columns, f.plane.spacing_mm) for f in frames}
    if len(kinds) > 1:
        raise InvalidInput("its images differ in matrix or pixel spacing")
    stack_of = stacked(
        [frame.plane.position_mm for frame in frames if frame.plane.position_mm],
        first.orientation,
        first.spacing_mm,
        (first.rows, first.columns),
        thickness_mm=first.slice_thickness_mm,
    )
    ordered = tuple(frames[index] for index in stack_of.order)
    return Volume(stack_of.grid, ordered, stack.keys, len(stack.slices) - len(slices))
