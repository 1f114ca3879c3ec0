"""Contours as voxels: holes, keyholes, oblique planes, and what lies off the slices."""

import numpy as np
import pytest

from tessera.domain.imaging.grid import Grid
from tessera.domain.labels.contours import filled
from tessera.domain.labels.drawn import DrawnRegions, Region, on_grid
from tessera.domain.labels.errors import GridMismatch
from tessera.domain.labels.label_map import Named
from tests.labels_trial import KINDS

SHAPE = (6, 40, 50)


def at(grid: Grid, points: list[tuple[float, float]], place: float) -> np.ndarray:
    """Return points of (column, row) on a slice, in the patient."""
    index = np.array([(i, j, place, 1.0) for i, j in points])
    return (index @ grid.affine.T)[:, :3]


def box(low: float, high: float) -> list[tuple[float, float]]:
    return [(low, low), (high, low), (high, high), (low, high)]


def circle(i: float, j: float, radius: float, n: int = 720) -> list[tuple[float, float]]:
    turns = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return [(i + radius * np.cos(t), j + radius * np.sin(t)) for t in turns]


@pytest.fixture(params=["axial", "sagittal", "oblique"])
def grid(request: pytest.FixtureRequest) -> Grid:
    return Grid(KINDS[request.param].affine(), SHAPE)


def test_a_circle_holds_the_voxels_whose_centres_are_inside(grid: Grid) -> None:
    mask = filled([at(grid, circle(24.3, 19.6, 11.25), 2)], grid)
    j, i = np.mgrid[: SHAPE[1], : SHAPE[2]]
    inside = (i - 24.3) ** 2 + (j - 19.6) ** 2 < 11.25**2
    np.testing.assert_array_equal(mask[2], inside)
    assert not mask[[0, 1, 3, 4, 5]].any()


def test_a_contour_within_another_is_a_hole_and_one_within_that_is_not(grid: Grid) -> None:
    rings = [at(grid, box(low, 30.5 - low), 1) for low in (2.5, 6.5, 10.5)]
    mask = filled(rings, grid)[1]
    wanted = np.zeros(SHAPE[1:], bool)
    wanted[3:28, 3:28] = True
    wanted[7:24, 7:24] = False
    wanted[11:20, 11:20] = True
    np.testing.assert_array_equal(mask, wanted)


def test_a_keyhole_is_the_same_as_a_contour_and_its_hole(grid: Grid) -> None:
    outer, inner = box(3.5, 30.5), list(reversed(box(10.5, 20.5)))
    keyhole = [*outer, outer[0], *inner, inner[0], outer[0]]
    one = filled([at(grid, keyhole, 4)], grid)
    two = filled([at(grid, outer, 4), at(grid, inner, 4)], grid)
    np.testing.assert_array_equal(one, two)
    assert not one[4, 15, 15]
    assert one[4, 5, 5]


def test_a_contour_that_leaves_the_matrix_is_cut_there(grid: Grid) -> None:
    mask = filled([at(grid, [(-20, -20), (5.5, -20), (5.5, 90), (-20, 90)], 0)], grid)
    assert mask[0, :, :6].all()
    assert not mask[0, :, 6:].any()


def test_a_contour_between_slices_is_refused_unless_the_nearest_may_take_it(grid: Grid) -> None:
    between = [at(grid, box(3.5, 9.5), 2.3)]
    with pytest.raises(GridMismatch, match=r"0\.75 mm from the nearest slice"):
        filled(between, grid)
    assert filled(between, grid, nearest=True)[2].sum() == 36


def test_a_contour_turned_against_the_slices_is_refused(grid: Grid) -> None:
    points = at(grid, box(3.5, 9.5), 2)
    turned = points + np.outer([0, 1, 1, 0], grid.affine[:3, 2])
    for nearest in (False, True):
        with pytest.raises(GridMismatch, match=r"turned by \d+\.\d\d degrees"):
            filled([turned], grid, nearest=nearest)
    with pytest.raises(GridMismatch, match="outside of the slices"):
        filled([at(grid, box(3.5, 9.5), 6)], grid)


def test_regions_that_overlap_lie_in_two_layers() -> None:
    grid = Grid(KINDS["axial"].affine(), SHAPE)
    regions = tuple(
        Region(number, Named(name), (at(grid, box(low, low + 8), 1),))
        for number, name, low in ((3, "GTV", 2.5), (4, "PTV", 6.5), (9, "Cord", 20.5))
    )
    found = on_grid(DrawnRegions(regions), grid)
    assert found.values() == (3, 4, 9)
    assert len(found.layers) == 2
    assert [int((layer > 0).sum()) for layer in found.layers] == [128, 64]
    assert found.named[9].name == "Cord"
