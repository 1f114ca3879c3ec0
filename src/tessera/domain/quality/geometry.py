"""Checks of geometry: where the slices of a series lie. Pure; millimetres, LPS+."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from tessera.domain.imaging.geometry import (
    SliceSpacing,
    angles_degrees,
    is_orthonormal,
    slice_spacing,
)
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.registry import Looked
from tessera.domain.quality.stacks import (
    Orientation,
    Slice,
    Stack,
    is_localiser,
    is_placed,
    orientations,
    places_taken,
    states_place,
)

_PLANES_APART_DEGREES = 10.0
"""Stacks turned by at least this much are different planes on purpose."""
_UNEVEN_RATIO = 0.1
"""A departure below this part of the step is reported as small."""
_FEW_GAPS_RATIO = 0.2
"""Above this part of all gaps, wide gaps are another spacing, not missing slices."""
_SHOWN = 4


def spacing_regular(data: CheckInput) -> Looked:
    """Slices of a stack follow each other at one distance, and none is missing.

    Source: PS3.3 C.7.6.2.1.1.
    """
    n_looked, found, failed = 0, [], 0
    for series in data.series:
        if is_localiser(series):
            continue
        planes = orientations(series)
        stacks = [s for plane in planes for s in plane.stacks if len(s.places()) > 2]
        if not stacks:
            continue
        n_looked += 1
        items = [*_gaps(series, stacks), *_uneven_layers(series, planes)]
        failed += bool(items)
        found += items
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def one_orientation(data: CheckInput) -> Looked:
    """The slices of a series lie in parallel planes. Source: PS3.3 C.7.6.2.1.1."""
    n_looked, found, failed = 0, [], 0
    for series in data.series:
        placed = [row for row in series.distinct() if states_place(row)]
        if not placed:
            continue
        n_looked += 1
        items = list(_orientation_findings(series, placed))
        failed += any(item.severity is not Severity.NOTE for item in items)
        found += items
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def one_matrix(data: CheckInput) -> Looked:
    """Slices of one orientation have the same rows, columns and pixel spacing.

    Source: PS3.3 C.7.6.3 and 10.7.
    """
    n_looked, found, failed = 0, [], 0
    for series in data.series:
        planes = [plane.rows() for plane in orientations(series)]
        planes = [rows for rows in planes if len(rows) > 1]
        if not planes:
            continue
        n_looked += 1
        items = [item for rows in planes for item in _matrix_findings(series, rows)]
        failed += bool(items)
        found += items
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def one_slice_per_place(data: CheckInput) -> Looked:
    """No two slices of a stack lie at one place.

    Slices that b-value, temporal position, echo, image type or acquisition tell apart are in
    different stacks. Source: PS3.3 C.7.6.2.1.1.
    """
    n_looked, found, failed = 0, [], 0
    for series in data.series:
        stacks = [s for plane in orientations(series) for s in plane.stacks]
        if sum(len(stack.slices) for stack in stacks) < 2:
            continue
        n_looked += 1
        crowded = [s for s in stacks if len(s.slices) > len(places_taken(s.slices))]
        if crowded:
            failed += 1
            found.append(_shared_places(series, crowded))
    return Looked(n_looked=n_looked, n_passed=n_looked - failed, findings=tuple(found))


def _gaps(series: SeriesRows, stacks: Sequence[Stack]) -> Iterator[Finding]:
    """Yield one finding per series: the stack with the most missing, else the worst spacing."""
    judged: list[tuple[SliceSpacing, tuple[Slice, ...]]] = []
    for stack in stacks:
        places = stack.places()
        spacing = slice_spacing([item.offset_mm for item in places])
        if spacing.gaps:
            judged.append((spacing, places))
    if not judged:
        return
    spacing, places = max(judged, key=lambda item: (item[0].n_missing, item[0].worst_mm))
    kind, severity = "spacing-irregular", Severity.ERROR
    many = len(spacing.gaps) > max(3, _FEW_GAPS_RATIO * len(places))
    if all(gap.n_missing for gap in spacing.gaps) and not many:
        kind = "slices-missing"
    elif spacing.worst_mm <= _UNEVEN_RATIO * spacing.step_mm:
        kind, severity = "spacing-uneven", Severity.WARNING
    facts: Evidence = {
        "step_mm": round(spacing.step_mm, 3),
        "worst_mm": round(spacing.worst_mm, 3),
        "n_missing": spacing.n_missing if kind == "slices-missing" else 0,
        "n_gaps": len(spacing.gaps),
        "n_slices": len(places),
        "n_stacks": len(stacks),
        "n_stacks_affected": len(judged),
        "places": _places_text(spacing, places),
    }
    offsets = [round(item.offset_mm, 3) for item in places]
    yield finding(kind, severity, Where(Level.SERIES, series.series_uid), facts, slices_mm=offsets)


def _places_text(spacing: SliceSpacing, places: Sequence[Slice]) -> str:
    """Name each gap by the instance numbers of the slices beside it."""
    parts = []
    for gap in spacing.gaps[:_SHOWN]:
        before, after = places[gap.after], places[gap.after + 1]
        ends = [str(item.row.instance_number or "?") for item in (before, after)]
        parts.append(f"#{ends[0]}–#{ends[1]}: {gap.width_mm:.2f} mm")
    rest = len(spacing.gaps) - _SHOWN
    return "; ".join(parts) + (f" (+{rest})" if rest > 0 else "")


def _uneven_layers(series: SeriesRows, planes: Sequence[Orientation]) -> Iterator[Finding]:
    for plane in planes:
        keys = {stack.keys for stack in plane.stacks}
        if len(plane.stacks) < 2 or len(keys) != 1:
            continue
        sizes = [len(stack.places()) for stack in plane.stacks]
        short = [size for size in sizes if size < max(sizes)]
        if short:
            facts: Evidence = {
                "key": " + ".join(next(iter(keys))),
                "n_stacks": len(sizes),
                "n_short": len(short),
                "n_missing": sum(max(sizes) - size for size in short),
                "n_slices_fullest": max(sizes),
            }
            where = Where(Level.SERIES, series.series_uid)
            yield finding("layers-uneven", Severity.WARNING, where, facts)


def _orientation_findings(series: SeriesRows, placed: Sequence[InstanceRow]) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    wild = [row for row in placed if not is_placed(row)]
    if wild:
        facts: Evidence = {"n_images": len(wild), "first_instance": wild[0].instance_uid}
        yield finding("position-invalid", Severity.ERROR, where, facts)
    sane = [row for row in placed if is_placed(row)]
    bad = [row for row in sane if row.orientation and not is_orthonormal(row.orientation)]
    if bad:
        facts = {"n_images": len(bad), "first_instance": bad[0].instance_uid}
        yield finding("orientation-invalid", Severity.ERROR, where, facts)
    planes = orientations(series)
    if len(planes) < 2:
        return
    angles = angles_degrees([plane.cosines for plane in planes])
    nearest = float(angles[~np.eye(len(planes), dtype=bool)].min())
    sizes = [len(plane.rows()) for plane in planes]
    facts = {
        "n_orientations": len(planes),
        "n_images": sum(sizes),
        "angle_degrees": round(float(angles.max()), 2),
        "smallest_angle_degrees": round(nearest, 2),
        "images_per_orientation": ", ".join(map(str, sizes[:12])),
    }
    if is_localiser(series) or nearest >= _PLANES_APART_DEGREES:
        yield finding("orientation-stacks", Severity.NOTE, where, facts)
    elif min(sizes) >= 3:
        yield finding("orientation-groups", Severity.WARNING, where, facts)
    else:
        yield finding("orientation-varies", Severity.ERROR, where, facts)


def _matrix_findings(series: SeriesRows, rows: Sequence[InstanceRow]) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    sizes = Counter((row.rows, row.columns) for row in rows)
    if len(sizes) > 1:
        facts: Evidence = {
            "n_sizes": len(sizes),
            "sizes": _counted([(f"{a} x {b}", n) for (a, b), n in sizes.most_common()]),
        }
        yield finding("matrix-varies", Severity.ERROR, where, facts)
    spacings = Counter(_spacing_text(row) for row in rows)
    if len(spacings) > 1:
        facts = {
            "n_spacings": len(spacings),
            "spacings": _counted(spacings.most_common()),
        }
        yield finding("pixel-spacing-varies", Severity.ERROR, where, facts)


def _spacing_text(row: InstanceRow) -> str:
    """Four significant digits: less is rounding of the header's decimal text."""
    if row.spacing_mm is None:
        return "none"
    return f"{row.spacing_mm[0]:.4g} x {row.spacing_mm[1]:.4g} mm"


def _counted(items: Sequence[tuple[str, int]]) -> str:
    rest = len(items) - _SHOWN
    text = ", ".join(f"{name} ({n})" for name, n in items[:_SHOWN])
    return text + (f" (+{rest})" if rest > 0 else "")


def _shared_places(series: SeriesRows, crowded: Sequence[Stack]) -> Finding:
    taken = [places_taken(stack.slices) for stack in crowded]
    shared = [n for counts in taken for n in counts.values() if n > 1]
    layers = {n for counts in taken for n in counts.values()}
    uniform = len(layers) == 1 and all(len(counts) > 2 for counts in taken)
    worst = max(crowded, key=lambda stack: len(stack.slices))
    facts: Evidence = {
        "n_places": len(shared),
        "n_extra": sum(n - 1 for n in shared),
        "n_layers": max(layers),
        "n_images": sum(len(stack.slices) for stack in crowded),
    }
    return finding(
        "place-layers" if uniform else "place-shared",
        Severity.WARNING if uniform else Severity.ERROR,
        Where(Level.SERIES, series.series_uid),
        facts,
        slices_mm=[round(item.offset_mm, 3) for item in worst.slices],
    )
