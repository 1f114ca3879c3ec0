"""A node with series of every geometry, and masks written by the tests' own hand."""

import gzip
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
N, ROWS, COLUMNS = 6, 14, 18
DOWN, ACROSS, STEP = 1.25, 0.75, 2.5


@dataclass(frozen=True)
class Kind:
    """A geometry: row and column directions, and which way the instance numbers run."""

    row: tuple[float, float, float]
    column: tuple[float, float, float]
    reversed: bool = False
    enhanced: bool = False

    def affine(self) -> np.ndarray:
        """(column, row, slice) → LPS, slices ascending along row x column."""
        found = np.eye(4)
        found[:3, 0] = np.array(self.row) * ACROSS
        found[:3, 1] = np.array(self.column) * DOWN
        found[:3, 2] = np.cross(self.row, self.column) * STEP
        found[:3, 3] = (-30.0, 12.5, 101.25)
        return found


def _turned(degrees_x: float, degrees_z: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    x, z = np.radians(degrees_x), np.radians(degrees_z)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    turn = np.round(about_z @ about_x, 8)
    return tuple(map(float, turn[:, 0])), tuple(map(float, turn[:, 1]))


KINDS: Mapping[str, Kind] = {
    "axial": Kind((1, 0, 0), (0, 1, 0)),
    "reversed": Kind((1, 0, 0), (0, 1, 0), reversed=True),
    "sagittal": Kind((0, 1, 0), (0, 0, -1)),
    "oblique": Kind(*_turned(23, 11)),  # type: ignore[arg-type]
    "enhanced": Kind(*_turned(-17, 31), reversed=True, enhanced=True),  # type: ignore[arg-type]
}


def make_node(home: Path, names: tuple[str, ...] = tuple(KINDS)) -> tuple[Node, dict[str, str]]:
    """Return a node with one series of each kind, and kind → de-identified series UID."""
    node = init_node(home, NodeSettings(name="Linköping", country="SE"))
    pacs = home.parent / "pacs"
    pacs.mkdir()
    uids = {}
    for number, name in enumerate(names, start=1):
        kind = KINDS[name]
        objects = [enhanced(kind, number)] if kind.enhanced else slices(kind, number)
        for index, ds in enumerate(objects):
            (pacs / f"{name}{index}").write_bytes(encoded(ds))
        uids[name] = node.pseudonymiser().uid(str(objects[0].SeriesInstanceUID))
    entries = list(ingest_sources(node, list_sources([pacs]), workers=1))
    assert all(entry is not None and entry.state == "stored" for entry in entries), entries
    return node, uids


def slices(kind: Kind, series: int) -> list[Dataset]:
    found = []
    for index in range(N):
        place = N - 1 - index if kind.reversed else index
        ds = ct_slice(index + 1, study=1, series=series)
        ds.FrameOfReferenceUID = f"1.2.826.0.1.3680043.10.99.{series}.77"
        ds.PositionReferenceIndicator = ""
        ds.ImageOrientationPatient = [*kind.row, *kind.column]
        ds.ImagePositionPatient = [round(float(v), 6) for v in kind.affine()[:3, 2] * place
                                   + kind.affine()[:3, 3]]  # fmt: skip
        ds.PixelSpacing = [DOWN, ACROSS]
        ds.Rows, ds.Columns = ROWS, COLUMNS
        ds.RescaleSlope, ds.RescaleIntercept = "1", "-1024"
        ds.PixelData = values()[place].astype("<u2").tobytes()
        found.append(ds)
    return found


def values() -> np.ndarray:
    """Return what the pixels hold, before the rescale: each voxel its own number."""
    return np.arange(N * ROWS * COLUMNS).reshape(N, ROWS, COLUMNS)


def enhanced(kind: Kind, series: int) -> Dataset:
    """Return one Enhanced MR object of N frames, the frames in the order of `kind`."""
    ds = slices(kind, series)[0]
    for keyword in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
        "RescaleSlope", "RescaleIntercept",
    ):  # fmt: skip
        delattr(ds, keyword)
    ds.SOPClassUID, ds.Modality = ENHANCED_MR, "MR"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    ds.NumberOfFrames = N
    shared = Dataset()
    measures = Dataset()
    measures.PixelSpacing, measures.SliceThickness = [DOWN, ACROSS], STEP
    shared.PixelMeasuresSequence = Sequence([measures])
    facing = Dataset()
    facing.ImageOrientationPatient = [*kind.row, *kind.column]
    shared.PlaneOrientationSequence = Sequence([facing])
    change = Dataset()
    change.RescaleSlope, change.RescaleIntercept, change.RescaleType = "2", "-10", "US"
    shared.PixelValueTransformationSequence = Sequence([change])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames, pixels = [], b""
    for index in range(N):
        place = N - 1 - index if kind.reversed else index
        own, position, content = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = [
            round(float(v), 6) for v in kind.affine()[:3, 2] * place + kind.affine()[:3, 3]
        ]
        content.DimensionIndexValues = [1, index + 1]
        content.StackID, content.InStackPositionNumber = "1", index + 1
        own.PlanePositionSequence = Sequence([position])
        own.FrameContentSequence = Sequence([content])
        frames.append(own)
        pixels += values()[place].astype("<u2").tobytes()
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    organisation = Dataset()
    organisation.DimensionOrganizationUID = f"1.2.826.0.1.3680043.10.99.{series}.55"
    ds.DimensionOrganizationSequence = Sequence([organisation])
    pointers = []
    for pointer in (0x00209056, 0x00209057):
        index_item = Dataset()
        index_item.DimensionOrganizationUID = organisation.DimensionOrganizationUID
        index_item.DimensionIndexPointer = pointer
        index_item.FunctionalGroupPointer = 0x00209111
        pointers.append(index_item)
    ds.DimensionIndexSequence = Sequence(pointers)
    ds.PixelData = pixels
    return ds


def some_mask(seed: int = 1, most: int = 3) -> np.ndarray:
    """Return labels 0 to `most`, all of them there, in no symmetric pattern."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, most + 1, (N, ROWS, COLUMNS)).astype(np.uint8)


def write_mask(path: Path, mask: np.ndarray, lps: np.ndarray, *, order: str = "") -> Path:
    """Write a NIfTI-1 by hand. `order` turns the array before: "flip" or "swap"."""
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
    array = mask
    if order == "flip":
        array = array[::-1, :, ::-1]
        affine = affine.copy()
        affine[:3, 3] += affine[:3, 2] * (mask.shape[0] - 1) + affine[:3, 0] * (mask.shape[2] - 1)
        affine[:3, 2] *= -1
        affine[:3, 0] *= -1
    if order == "swap":  # files from Python tools hold the slice axis anywhere
        array = array.transpose(1, 2, 0)
        affine = affine[:, [2, 0, 1, 3]]
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, *array.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 2, 8)
    struct.pack_into("<f", head, 108, 352.0)
    struct.pack_into("<h", head, 254, 1)
    struct.pack_into("<12f", head, 280, *affine[:3].reshape(-1))
    head[123] = 2
    head[344:348] = b"n+1\0"
    content = bytes(head) + np.ascontiguousarray(array).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read_volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return array (slice, row, column) and LPS affine of a NIfTI-1, read by hand."""
    content = gzip.decompress(path.read_bytes())
    dim = struct.unpack_from("<8h", content, 40)
    (code,) = struct.unpack_from("<h", content, 70)
    kind = {2: "u1", 4: "<i2", 512: "<u2", 8: "<i4", 16: "<f4"}[code]
    sizes = dim[1 : dim[0] + 1]
    array = np.frombuffer(content, kind, int(np.prod(sizes)), 352).reshape(sizes[::-1])
    affine = np.eye(4)
    affine[:3] = np.array(struct.unpack_from("<12f", content, 280)).reshape(3, 4)
    return array, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
