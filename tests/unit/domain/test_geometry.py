"""Where slices lie."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.geometry import (
    angles_degrees,
    is_orthonormal,
    is_same_orientation,
    offsets_along,
    slice_normal,
    slice_spacing,
)
from tests.unit.domain.quality_rows import AXIAL, SAGITTAL


def test_a_regular_stack_has_its_step_and_no_gap() -> None:
    spacing = slice_spacing([0.0, 6.0, 3.0, 9.0])
    assert spacing.step_mm == 3.0
    assert spacing.gaps == ()
    assert spacing.worst_mm == 0.0


def test_a_hole_is_counted_in_missing_slices() -> None:
    spacing = slice_spacing([0.0, 2.0, 4.0, 10.0, 12.0, 14.0])
    assert [(gap.after, gap.width_mm, gap.n_missing) for gap in spacing.gaps] == [(2, 6.0, 2)]
    assert spacing.n_missing == 2


def test_a_gap_of_no_whole_number_of_steps_is_no_missing_slice() -> None:
    spacing = slice_spacing([0.0, 2.0, 4.0, 7.0, 9.0])
    assert spacing.n_missing == 0
    assert spacing.worst_mm == pytest.approx(1.0)


def test_rounding_of_decimal_text_is_no_gap() -> None:
    assert slice_spacing([round(0.625 * i, 2) for i in range(100)]).gaps == ()


@pytest.mark.parametrize("places", [[], [1.0], [1.0, 1.0, 2.0]])
def test_too_few_places_or_a_shared_one_are_refused(places: list[float]) -> None:
    with pytest.raises(InvalidInput):
        slice_spacing(places)


def test_the_normal_of_an_axial_slice_points_along_the_body() -> None:
    assert slice_normal(AXIAL).tolist() == [0.0, 0.0, 1.0]
    assert offsets_along(slice_normal(AXIAL), [(5.0, 6.0, 7.0)]).tolist() == [7.0]


def test_directions_that_span_no_plane_have_no_normal() -> None:
    with pytest.raises(InvalidInput):
        slice_normal((1.0, 0.0, 0.0, 1.0, 0.0, 0.0))


def test_angles_are_the_larger_of_row_and_column_turn() -> None:
    turn = math.radians(3.0)
    tilted = (1.0, 0.0, 0.0, 0.0, math.cos(turn), math.sin(turn))
    assert angles_degrees([AXIAL, tilted])[0, 1] == pytest.approx(3.0)
    assert not is_same_orientation(AXIAL, tilted)
    assert angles_degrees([AXIAL, SAGITTAL])[0, 1] == pytest.approx(90.0)


def test_only_perpendicular_unit_vectors_are_an_orientation() -> None:
    assert is_orthonormal(AXIAL)
    assert not is_orthonormal((1.0, 0.0, 0.0, 0.1, 0.9, 0.0))
    assert not is_orthonormal((2.0, 0.0, 0.0, 0.0, 1.0, 0.0))


@given(
    step=st.floats(0.3, 10.0),
    n=st.integers(5, 60),
    origin=st.floats(-1000.0, 1000.0),
    data=st.data(),
)
def test_taking_inner_slices_out_of_a_regular_stack_is_always_noticed(
    step: float, n: int, origin: float, data: st.DataObject
) -> None:
    lost = data.draw(st.integers(1, n - 2))
    places = [origin + step * i for i in range(n) if i != lost]
    shuffled = data.draw(st.permutations(places))
    spacing = slice_spacing(np.array(shuffled))
    if n > 5:
        assert spacing.n_missing == 1
        assert spacing.gaps[0].after == lost - 1
    else:
        assert spacing.gaps
