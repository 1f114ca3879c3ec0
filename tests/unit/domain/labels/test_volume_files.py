"""NIfTI and NRRD: what is written is read, and other forms than ours are too."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.imaging.grid import Grid, fit, placed, stacked
from tessera.domain.labels.errors import InvalidLabels
from tessera.domain.labels.nifti import read_nifti, write_nifti
from tessera.domain.labels.nrrd import read_nrrd, write_nrrd
from tests.labels_trial import KINDS, some_mask


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("name", list(KINDS))
def test_a_volume_is_read_as_it_was_written(name: str, kind: str) -> None:
    grid = Grid(KINDS[name].affine(), some_mask().shape)
    array = some_mask(2).astype(kind)
    image = read_nifti(write_nifti(array, grid))
    np.testing.assert_array_equal(image.array, array)
    np.testing.assert_allclose(image.grid.affine, grid.affine, atol=1e-4)
    labels = read_nrrd(write_nrrd(array, grid))
    np.testing.assert_array_equal(labels.layers[0], array)
    np.testing.assert_array_equal(labels.grid.affine, grid.affine)


@pytest.mark.parametrize("name", list(KINDS))
def test_qform_alone_tells_the_same_place(name: str) -> None:
    grid = Grid(KINDS[name].affine(), some_mask().shape)
    head = bytearray(write_nifti(some_mask(), grid, packed=False))
    struct.pack_into("<h", head, 254, 0)  # sform_code
    struct.pack_into("<12f", head, 280, *[9.0] * 12)
    np.testing.assert_allclose(read_nifti(bytes(head)).grid.affine, grid.affine, atol=1e-4)
    struct.pack_into("<h", head, 252, 0)  # qform_code
    with pytest.raises(InvalidLabels, match="no place in space"):
        read_nifti(bytes(head))


def test_a_large_axis_makes_it_nifti_2() -> None:
    grid = Grid(KINDS["oblique"].affine(), (1, 2, 40_000))
    array = np.arange(80_000, dtype=np.int32).reshape(1, 2, 40_000)
    content = write_nifti(array, grid)
    assert gzip.decompress(content)[4:8] == b"n+2\0"
    image = read_nifti(content)
    np.testing.assert_array_equal(image.array, array)
    np.testing.assert_allclose(image.grid.affine, grid.affine, atol=1e-9)


def test_nrrd_in_other_spaces_and_bytes_is_read() -> None:
    array = some_mask(3).astype(">u2")
    for space, signs in {"RAS": (-1, -1, 1), "left-anterior-superior": (1, -1, 1)}.items():
        head = (
            f"NRRD0005\r\n# made elsewhere\r\ntype: unsigned short\r\ndimension: 3\r\n"
            f"space: {space}\r\nsizes: 18 14 6\r\n"
            "space directions: (0.5,0,0) (0,0.75,0) (0,0,3)\r\n"
            f"endian: big\r\nencoding: raw\r\nspace origin: (1,2,3)\r\n\r\n"
        )
        found = read_nrrd(head.encode() + array.tobytes())
        np.testing.assert_array_equal(found.layers[0], array)
        np.testing.assert_array_equal(found.grid.affine[:3, 3], np.array((1, 2, 3)) * signs)
        assert found.grid.spacing_mm == (0.5, 0.75, 3.0)


@given(st.binary(max_size=400), st.integers(0, 360), st.integers(1, 40))
def test_a_damaged_file_is_refused_and_never_breaks_the_program(
    noise: bytes, where: int, n: int
) -> None:
    grid = Grid(np.eye(4), (2, 3, 4))
    array = np.ones((2, 3, 4), np.uint8)
    for content, read in (
        (write_nifti(array, grid, packed=False), read_nifti),
        (write_nrrd(array, grid), read_nrrd),
    ):
        for broken in (noise, content[:where], content[:where] + noise[:n] + content[where + n :]):
            try:
                read(broken)  # type: ignore[operator]
            except InvalidLabels:
                continue


@pytest.mark.parametrize("name", list(KINDS))
def test_a_part_turned_any_way_comes_to_lie_where_it_was(name: str) -> None:
    rng = np.random.default_rng(5)
    whole = Grid(KINDS[name].affine(), (6, 14, 18))
    for _ in range(24):
        order = rng.permutation(3)
        flips = rng.integers(0, 2, 3).astype(bool)
        part = some_mask()[1:5, 2:12, 3:15]
        affine = whole.affine.copy()
        affine[:3, 3] = (whole.affine @ (3, 2, 1, 1))[:3]
        array = part.transpose(order)
        affine[:, :3] = affine[:, [2 - order[2], 2 - order[1], 2 - order[0]]]
        for axis in range(3):
            if flips[axis]:
                array = np.flip(array, axis)
                column = 2 - axis
                affine[:3, 3] += affine[:3, column] * (array.shape[axis] - 1)
                affine[:3, column] *= -1
        how = fit(Grid(affine, array.shape), whole)  # type: ignore[arg-type]
        assert how is not None
        found, n_outside = placed(array, how, whole)
        assert n_outside == 0
        np.testing.assert_array_equal(found[1:5, 2:12, 3:15], part)
        assert np.count_nonzero(found) == np.count_nonzero(part)


def test_slices_of_a_tilted_gantry_are_a_sheared_grid_and_a_missing_one_is_told() -> None:
    places = [(0.0, 0.4 * k, 2.0 * k) for k in (3, 0, 1, 2)]
    found = stacked(places, (1, 0, 0, 0, 1, 0), (1.0, 1.0), (4, 4))
    assert found.order == (1, 2, 3, 0)
    np.testing.assert_allclose(found.grid.affine[:3, 2], (0.0, 0.4, 2.0))
    sheared = read_nifti(write_nifti(np.zeros((4, 4, 4), np.uint8), found.grid))
    np.testing.assert_allclose(sheared.grid.affine, found.grid.affine, atol=1e-6)
    with pytest.raises(ValueError, match="is one missing"):
        stacked([*places, (0.0, 2.0, 10.0)], (1, 0, 0, 0, 1, 0), (1.0, 1.0), (4, 4))
