"""A dataset as the sandbox shows it: made-up subjects, T2-weighted MR, SEG of a dark lesion."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription
from pydicom.dataset import Dataset as DicomDataset
from pydicom.dataset import FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from tessera.adapters.parquet.table import write_table
from tessera.domain.clinical.build import TableRows
from tessera.domain.clinical.cdm import CORE

SIDE, SLICES, PIXEL_MM, SPACING_MM = 48, 6, 3.0, 4.0
NOISE = 14.0
ROOT = "1.2.826.0.1.3680043.10.98"
MAKERS = ("SIEMENS", "Philips")
_LESION = Code("86049000", "SCT", "Malignant neoplasm, primary")
_CATEGORY = Code("49755003", "SCT", "Morphologically abnormal structure")


@dataclass
class MadeSite:
    """`data` is what /data is; rows and masks are kept to compare with."""

    data: Path
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    """Series UID → what was drawn (slice, row, column)."""
    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    @property
    def dataset(self) -> Path:
        return self.data / "made-up"

    def add(self, table: str, **row: object) -> None:
        self.rows.setdefault(table, []).append(row)

    def write_tables(self) -> None:
        for table in CORE:
            rows = [
                tuple(row.get(column.name) for column in table.columns)
                for row in self.rows.get(table.name, ())
            ]
            path = self.dataset / "tables" / f"{table.name}.parquet"
            path.parent.mkdir(exist_ok=True)
            write_table(path, TableRows(table, tuple(rows)))


def make_site(folder: Path, *, subjects: int, site: int, contrast: float = 1.0) -> MadeSite:
    """Write `subjects` subjects with one MR series and its SEG each. `site` sets all chance."""
    made = MadeSite(folder)
    (made.dataset / "instances").mkdir(parents=True)
    for number in range(subjects):
        add_subject(made, site, number, contrast)
    made.write_tables()
    return made


def add_subject(made: MadeSite, site: int, number: int, contrast: float) -> None:
    rng = np.random.default_rng([site, number])
    pseudonym = f"TES-{sha256(f'{site}/{number}'.encode()).hexdigest()[:16].upper()}"
    root = f"{ROOT}.{site}.{number + 1}"
    maker = MAKERS[number % len(MAKERS)]
    volume, mask = _volume(rng, contrast)
    sources = [_slice(volume[i], i, root, pseudonym, maker) for i in range(SLICES)]
    for ds in sources:
        _put(made, ds, f"{root}.1")
    seg = Segmentation(
        source_images=sources,
        pixel_array=mask.astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[
            SegmentDescription(
                segment_number=1,
                segment_label="Lesion",
                segmented_property_category=_CATEGORY,
                segmented_property_type=_LESION,
                algorithm_type=SegmentAlgorithmTypeValues.MANUAL,
            )
        ],
        series_instance_uid=f"{root}.2",
        series_number=2,
        sop_instance_uid=f"{root}.2.1",
        instance_number=1,
        manufacturer="made up",
        manufacturer_model_name="made up",
        software_versions="1",
        device_serial_number="0",
    )
    _put(made, seg, f"{root}.2")
    made.masks[f"{root}.1"] = mask
    made.add("patient", subject=pseudonym, sex=("female", "male")[number % 2], population="cancer")
    made.add(
        "condition",
        condition_id=f"c{number}",
        subject=pseudonym,
        cancer="prostate",
        stage=("I", "II", "III")[number % 3],
        age_at_diagnosis=50.0 + number,
    )
    made.add("study", study_uid=root, subject=pseudonym, modalities=("MR", "SEG"))
    for series, modality, n in ((f"{root}.1", "MR", SLICES), (f"{root}.2", "SEG", 1)):
        made.add(
            "series",
            series_uid=series,
            study_uid=root,
            subject=pseudonym,
            modality=modality,
            manufacturer=maker,
            n_instances=n,
        )


def _volume(rng: np.random.Generator, contrast: float) -> tuple[np.ndarray, np.ndarray]:
    """A bright ellipse in air with a dark lesion, slow texture and noise; and the lesion."""
    z, y, x = np.meshgrid(np.arange(SLICES), np.arange(SIDE), np.arange(SIDE), indexing="ij")
    body = ((y - 24) / 20) ** 2 + ((x - 24) / 17) ** 2 < 1
    cy, cx, cz = rng.uniform(17, 31), rng.uniform(17, 31), rng.uniform(2, 4)
    reach = ((y - cy) * PIXEL_MM) ** 2 + ((x - cx) * PIXEL_MM) ** 2 + ((z - cz) * SPACING_MM) ** 2
    mask = reach < rng.uniform(7, 12) ** 2
    texture = 60 * np.sin(x / 5 + rng.uniform(0, 6)) * np.cos(y / 6 + rng.uniform(0, 6))
    signal = body * (420 + texture) - mask * 180 * contrast * rng.uniform(0.6, 1.2)
    noise = rng.normal(0, NOISE, (2, *signal.shape))
    return np.hypot(signal + noise[0], noise[1]), mask


def _slice(pixels: np.ndarray, index: int, root: str, pseudonym: str, maker: str) -> DicomDataset:
    ds = DicomDataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{root}.1.{index + 1}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = root, f"{root}.1"
    ds.FrameOfReferenceUID = f"{root}.9"
    ds.PatientID, ds.PatientName = pseudonym, ""
    ds.PatientBirthDate = ds.PatientSex = ds.StudyID = ds.AccessionNumber = ""
    ds.StudyDate, ds.StudyTime, ds.ReferringPhysicianName = "20200101", "101112", ""
    ds.PositionReferenceIndicator = ""
    ds.Modality, ds.Manufacturer = "MR", maker
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    ds.ScanningSequence, ds.EchoTime, ds.RepetitionTime = "SE", "101", "4200"
    ds.SeriesNumber, ds.InstanceNumber = 1, index + 1
    ds.ImagePositionPatient = [0, 0, SPACING_MM * index]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [PIXEL_MM, PIXEL_MM], SPACING_MM
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = SIDE
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
    ds.PixelData = pixels.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def _put(made: MadeSite, ds: DicomDataset, series_uid: str) -> None:
    uid = str(ds.SOPInstanceUID)
    place = f"{sha256(uid.encode()).hexdigest()[:2]}/{uid}.dcm"
    path = made.dataset / "instances" / place
    path.parent.mkdir(exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    made.add(
        "instance",
        instance_uid=uid,
        series_uid=series_uid,
        sop_class_uid=str(ds.SOPClassUID),
        transfer_syntax_uid=str(ExplicitVRLittleEndian),
        instance_number=int(ds.InstanceNumber),
        n_bytes=len(content),
        sha256=sha256(content).hexdigest(),
        path=place,
    )


def environment(data: Path, out: Path, **more: str) -> dict[str, str]:
    """Return what a tool's process is told; nothing of Tessera can be imported in it."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
    return kept | {
        "TESSERA_DATA": str(data),
        "TESSERA_OUT": str(out),
        "TESSERA_MINIMUM": "5",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **more,
    }


def run_entry(tool: str, entry: str, told: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a built-in tool's file as the sandbox does: by path, in a process of its own."""
    with as_file(files("tessera.toolbox") / tool / entry) as path:
        return subprocess.run(
            [sys.executable, str(path)],
            env=dict(told),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
