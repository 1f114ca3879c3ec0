"""Checks of series geometry."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality import geometry
from tessera.domain.quality.finding import Finding, Severity
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.registry import Looked
from tests.unit.domain.quality_rows import SAGITTAL, row, stack


def looked(check: object, rows: Sequence[InstanceRow]) -> Looked:
    assert callable(check)
    result = check(CheckInput(rows=rows))
    assert isinstance(result, Looked)
    return result


def only(result: Looked) -> Finding:
    (found,) = result.findings
    return found


def regular(n: int = 10, step: float = 3.0) -> list[float]:
    return [step * i for i in range(n)]


def test_a_regular_volume_passes_every_geometry_check() -> None:
    for check in (
        geometry.spacing_regular,
        geometry.one_orientation,
        geometry.one_matrix,
        geometry.one_slice_per_place,
    ):
        result = looked(check, stack(regular()))
        assert (result.n_looked, result.n_passed, result.findings) == (1, 1, ())


def test_missing_slices_are_counted_and_their_place_is_named() -> None:
    rows = [r for r in stack(regular(20)) if r.instance_number not in (5, 6, 12)]
    found = only(looked(geometry.spacing_regular, rows))
    assert (found.kind, found.severity) == ("slices-missing", Severity.ERROR)
    assert found.evidence["n_missing"] == 3
    assert found.evidence["places"] == "#4–#7: 9.00 mm; #11–#13: 6.00 mm"
    assert len(found.slices_mm) == 17


def test_a_change_of_spacing_is_not_called_missing_slices() -> None:
    places = regular(10, 1.0) + [9.0 + 2.0 * i for i in range(1, 8)]
    found = only(looked(geometry.spacing_regular, stack(places)))
    assert (found.kind, found.severity) == ("spacing-irregular", Severity.ERROR)


def test_a_small_departure_is_a_warning() -> None:
    places = regular(10)
    places[4] += 0.1
    found = only(looked(geometry.spacing_regular, stack(places)))
    assert (found.kind, found.severity) == ("spacing-uneven", Severity.WARNING)


def test_gantry_tilt_is_regular() -> None:
    turn = math.radians(15.0)
    tilted = (1.0, 0.0, 0.0, 0.0, math.cos(turn), math.sin(turn))
    rows = [replace(r, orientation=tilted) for r in stack(regular())]
    assert looked(geometry.spacing_regular, rows).findings == ()


def test_projections_and_multiframe_instances_are_not_looked_at() -> None:
    for rows in ([row(modality="DX")], [replace(r, frames=9) for r in stack(regular())]):
        result = looked(geometry.spacing_regular, rows)
        assert (result.n_looked, result.findings) == (0, ())


@pytest.mark.parametrize(
    "key", ["b_value", "temporal_position", "echo_number", "acquisition_number"]
)
def test_slices_that_a_key_tells_apart_may_share_a_place(key: str) -> None:
    rows = [
        replace(r, **{key: layer})
        for layer in (1, 2, 3)
        for r in stack(regular(), first=1 + 100 * layer)
    ]
    assert looked(geometry.one_slice_per_place, rows).findings == ()
    assert looked(geometry.spacing_regular, rows).findings == ()


def test_a_phase_that_lacks_its_last_slice_is_noticed() -> None:
    rows = [
        replace(r, temporal_position=phase)
        for phase in (1, 2, 3)
        for r in stack(regular(10 if phase != 2 else 9), first=1 + 100 * phase)
    ]
    found = only(looked(geometry.spacing_regular, rows))
    assert (found.kind, found.evidence["n_missing"]) == ("layers-uneven", 1)


def test_layers_that_nothing_tells_apart_are_a_warning() -> None:
    rows = stack(regular()) + stack(regular(), first=101)
    found = only(looked(geometry.one_slice_per_place, rows))
    assert (found.kind, found.severity) == ("place-layers", Severity.WARNING)
    assert found.evidence["n_layers"] == 2


def test_a_single_shared_place_is_an_error() -> None:
    rows = [*stack(regular()), *stack([12.0], first=101)]
    found = only(looked(geometry.one_slice_per_place, rows))
    assert (found.kind, found.severity) == ("place-shared", Severity.ERROR)
    assert (found.evidence["n_places"], found.evidence["n_extra"]) == (1, 1)


def test_a_number_that_differs_from_slice_to_slice_hides_no_shared_place() -> None:
    rows = [*stack(regular()), *stack([12.0], first=101)]
    rows = [replace(r, acquisition_number=r.instance_number) for r in rows]
    assert only(looked(geometry.one_slice_per_place, rows)).kind == "place-shared"


def test_the_same_file_twice_is_no_shared_place() -> None:
    rows = stack(regular())
    assert looked(geometry.one_slice_per_place, [*rows, rows[3]]).findings == ()


def test_planes_of_a_localiser_are_a_note_and_pass() -> None:
    rows = stack(regular(3)) + stack(regular(3), orientation=SAGITTAL, first=11)
    result = looked(geometry.one_orientation, rows)
    assert (only(result).kind, only(result).severity) == ("orientation-stacks", Severity.NOTE)
    assert result.n_passed == 1


def test_stacks_turned_a_little_are_a_warning() -> None:
    turn = math.radians(6.0)
    tilted = (1.0, 0.0, 0.0, 0.0, math.cos(turn), math.sin(turn))
    rows = stack(regular(5)) + [replace(r, orientation=tilted) for r in stack(regular(5), first=11)]
    found = only(looked(geometry.one_orientation, rows))
    assert (found.kind, found.severity) == ("orientation-groups", Severity.WARNING)


def test_one_slice_that_is_turned_is_an_error() -> None:
    rows = stack(regular())
    turn = math.radians(2.0)
    rows[4] = replace(rows[4], orientation=(1.0, 0.0, 0.0, 0.0, math.cos(turn), math.sin(turn)))
    found = only(looked(geometry.one_orientation, rows))
    assert (found.kind, found.severity) == ("orientation-varies", Severity.ERROR)
    assert found.evidence["angle_degrees"] == 2.0


def test_directions_that_are_not_perpendicular_are_an_error() -> None:
    rows = [replace(r, orientation=(1.0, 0.0, 0.0, 0.3, 0.9, 0.0)) for r in stack(regular())]
    assert only(looked(geometry.one_orientation, rows)).kind == "orientation-invalid"


def test_directions_without_a_plane_do_not_stop_the_check() -> None:
    rows = [replace(r, orientation=(0.0,) * 6) for r in stack(regular())]
    assert only(looked(geometry.one_orientation, rows)).kind == "orientation-invalid"
    assert looked(geometry.spacing_regular, rows).n_looked == 0


def test_another_matrix_or_pixel_spacing_within_a_stack_is_an_error() -> None:
    rows = stack(regular())
    rows[2] = replace(rows[2], rows=8)
    rows[3] = replace(rows[3], spacing_mm=(0.9, 0.9))
    kinds = [f.kind for f in looked(geometry.one_matrix, rows).findings]
    assert kinds == ["matrix-varies", "pixel-spacing-varies"]


def test_rounding_of_pixel_spacing_is_no_finding() -> None:
    rows = stack(regular())
    rows[2] = replace(rows[2], spacing_mm=(0.700001, 0.7))
    assert looked(geometry.one_matrix, rows).findings == ()


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_an_impossible_number_is_an_error_and_stops_nothing(value: float) -> None:
    rows = stack(regular())
    rows[2] = replace(rows[2], position_mm=(0.0, 0.0, value))
    rows.append(replace(rows[3], instance_uid=InstanceUid("2.25.99"), orientation=(math.inf,) * 6))
    assert only(looked(geometry.one_orientation, rows)).evidence["n_images"] == 2
    assert only(looked(geometry.spacing_regular, rows)).evidence["n_missing"] == 1
    assert looked(geometry.one_slice_per_place, rows).findings == ()
