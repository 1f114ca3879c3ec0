"""Checks of how slices make a volume: tilt, and thickness against spacing. Pure; mm, LPS+."""

from collections.abc import Iterator

import numpy as np

from tessera.domain.imaging.geometry import slice_normal
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.judging import judged
from tessera.domain.quality.registry import Looked
from tessera.domain.quality.stacks import Stack, is_localiser, orientations

_SHEAR_DEGREES = 0.5
"""Below this the slices lie straight above each other."""
_TILT_DEGREES = 0.3
_SPACING_RATIO = 0.02
"""Departure of SpacingBetweenSlices from the positions that is more than rounding."""
_GAP_RATIO = 1.5
"""Step over thickness above which much of the body lies between the slices."""
_OVERLAP_RATIO = 0.2
"""Step over thickness below which the slices cannot be that thick."""


def not_sheared(data: CheckInput) -> Looked:
    """Slices lie straight above each other along their normal. Source: PS3.3 C.7.6.2.1.1."""

    def judge(series: SeriesRows) -> Iterator[Finding] | None:
        stack = _longest(series)
        return None if stack is None else _tilt_findings(data, series, stack)

    return judged(data.series, judge)


def thickness_fits_spacing(data: CheckInput) -> Looked:
    """Thickness and stated spacing agree with where slices lie. Source: PS3.3 C.7.6.2, C.8.3.1."""

    def judge(series: SeriesRows) -> Iterator[Finding] | None:
        stack = _longest(series)
        return None if stack is None else _spacing_findings(data, series, stack)

    return judged(data.series, judge)


def _longest(series: SeriesRows) -> Stack | None:
    """Return the stack with most places, None where there are fewer than three or it is a scout."""
    if is_localiser(series):
        return None
    stacks = [stack for plane in orientations(series) for stack in plane.stacks]
    best = max(stacks, key=lambda stack: len(stack.slices), default=None)
    return best if best is not None and len(best.places()) > 2 else None


def _tilt_findings(data: CheckInput, series: SeriesRows, stack: Stack) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    places = stack.places()
    first, last = places[0].row, places[-1].row
    if first.position_mm is None or last.position_mm is None or first.orientation is None:
        return
    way = np.subtract(last.position_mm, first.position_mm)
    along = abs(float(way @ slice_normal(first.orientation))) / max(
        float(np.linalg.norm(way)), 1e-9
    )
    angle = float(np.degrees(np.arccos(min(1.0, along))))
    tilt = abs(data.facts_of(first).tilt_degrees or 0.0)
    facts: Evidence = {"angle_degrees": round(angle, 2), "tilt_degrees": round(tilt, 2)}
    if angle > _SHEAR_DEGREES:
        yield finding("slices-sheared", Severity.WARNING, where, facts)
    elif tilt > _TILT_DEGREES and _is_upright(first.orientation):
        yield finding("tilt-not-in-orientation", Severity.WARNING, where, facts)


def _is_upright(orientation: tuple[float, ...]) -> bool:
    """Return whether the slices are exactly axial, as if there were no tilt."""
    return bool(np.allclose(orientation, (1, 0, 0, 0, 1, 0), atol=1e-3))


def _spacing_findings(data: CheckInput, series: SeriesRows, stack: Stack) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    places = stack.places()
    step = float(np.median(np.diff([place.offset_mm for place in places])))
    row = places[0].row
    thickness, stated = row.slice_thickness_mm, data.facts_of(row).slice_step_mm
    facts: Evidence = {
        "step_mm": round(step, 3),
        "thickness_mm": round(thickness or 0.0, 3),
        "stated_mm": round(stated or 0.0, 3),
    }
    offsets = [round(place.offset_mm, 3) for place in places]
    if stated and abs(abs(stated) - step) > max(0.02, _SPACING_RATIO * step):
        yield finding("spacing-disagrees", Severity.WARNING, where, facts, slices_mm=offsets)
    if not thickness or not np.isfinite(thickness) or thickness <= 0 or step <= 0:
        return
    if step > _GAP_RATIO * thickness:
        yield finding("thickness-gap", Severity.NOTE, where, facts)
    elif step < _OVERLAP_RATIO * thickness:
        yield finding("thickness-overlap", Severity.NOTE, where, facts)
