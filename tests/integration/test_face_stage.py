"""The face stage on DICOM slices of a made head: what goes, what stays, and who decides."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless, generate_uid

from tessera.adapters.files.dicom_source import dataset_source
from tessera.adapters.pixels.face_stage import FaceStage
from tessera.domain.deid.pixels.faces import NoFaceFound
from tessera.domain.deid.pixels.heads import HEAD_TAGS, may_show_a_face
from tessera.domain.imaging.encoding import BytesSource, FileMeta, Source
from tessera.domain.imaging.header import Header, scan
from tessera.domain.zones import Identified
from tests.unit.domain.deid.pixels.test_faces import AIR, SPACING, Head, head

Slice = tuple[Identified[Source], FileMeta]


def series_uid(name: str) -> str:
    return str(generate_uid(entropy_srcs=[name]))


def slice_files(
    made: Head, *, syntax: str = ExplicitVRLittleEndian, series: str = "s", part: str = "HEAD"
) -> list[bytes]:
    """Axial CT slices from the vertex down, as files."""
    out = []
    for number, layer in enumerate(made.volume):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.Modality = CTImageStorage, "CT"
        ds.SOPInstanceUID = f"1.2.752.99.{ord(series)}.{number + 1}"
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID = series_uid("study"), series_uid(series)
        ds.PatientName, ds.PatientID = "Ångström^Åsa", "19640823-3234"
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.BodyPartExamined = part
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient = [0, 0, -SPACING[0] * number]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing = [SPACING[1], SPACING[2]]
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        ds.Rows, ds.Columns = layer.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.PixelData = (layer + 1024).astype("<u2").tobytes()
        if syntax != ExplicitVRLittleEndian:
            ds.compress(syntax, generate_instance_uid=False)
        raw = BytesIO()
        pydicom.dcmwrite(raw, ds, enforce_file_format=True)
        out.append(raw.getvalue())
    return out


def slices(made: Head, *, syntax: str = ExplicitVRLittleEndian) -> list[Slice]:
    """The same, opened, in the order in which nobody sends them."""
    out = []
    for content in slice_files(made, syntax=syntax):
        source, meta = dataset_source(BytesSource(content))
        out.append((Identified(source), meta))
    return out[::2] + out[1::2]


def pixels(source: Source, meta: FileMeta) -> np.ndarray:
    body = source.read(meta.dataset_offset, source.size)
    ds = pydicom.dcmread(BytesIO(_preamble(meta.transfer_syntax_uid) + body), force=True)
    return ds.pixel_array.astype(np.float32) - 1024


def _preamble(syntax: str) -> bytes:
    group = FileMetaDataset()
    group.TransferSyntaxUID = syntax
    group.MediaStorageSOPClassUID, group.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3"
    raw = BytesIO()
    raw.write(bytes(128) + b"DICM")
    pydicom.filewriter.write_file_meta_info(raw, group)
    return raw.getvalue()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGLSLossless])
def test_the_face_goes_from_the_pixels_and_the_rest_stays(syntax: str) -> None:
    made = head()
    series = slices(made, syntax=syntax)
    defaced = FaceStage().clean(series)
    assert len(defaced.checked) == len(series)
    order = [*range(0, len(made.volume), 2), *range(1, len(made.volume), 2)]
    after = np.empty_like(made.volume)
    for place, one in zip(order, defaced.checked, strict=True):
        assert one.proof.defaced
        assert one.meta.transfer_syntax_uid == syntax
        after[place] = pixels(one.source.value, one.meta)
    assert (after[made.nose] == AIR).all()
    changed = after != made.volume
    assert changed[made.brain].mean() < 0.005
    assert (after[changed] == AIR).all()
    assert not changed[:, 110:].any()
    assert defaced.after.startswith(b"\x89PNG")
    assert defaced.before.value != defaced.after


def test_slices_that_make_no_head_are_a_persons_to_decide() -> None:
    series = slices(head())
    for too_little in (series[:10], series[:40] + series[80:]):
        with pytest.raises(NoFaceFound):
            FaceStage().clean(too_little)
    with pytest.raises(NoFaceFound):
        FaceStage().clean(slices(head(has_nose=False)))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"BodyPartExamined": "HEAD"}, True),
        ({"BodyPartExamined": "CHEST"}, False),
        ({"BodyPartExamined": "CHEST", "StudyDescription": "CT Hals/thorax"}, True),
        ({"SeriesDescription": "t1_mprage hjärna"}, True),
        ({"ProtocolName": "Liver dynamic"}, False),
        ({"SeriesDescription": "頭部 単純"}, True),
        ({}, True),
        ({"BodyPartExamined": "HEAD", "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, False),
        ({"BodyPartExamined": "HEAD", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128"}, False),
    ],
)
def test_where_a_face_may_be(told: dict[str, object], expected: bool) -> None:
    assert may_show_a_face(_header(told)) is expected


def _header(told: dict[str, object]) -> Header:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = CTImageStorage
    for keyword, value in told.items():
        setattr(ds, keyword, value)
    raw = pydicom.filebase.DicomBytesIO()
    raw.is_little_endian, raw.is_implicit_VR = True, False
    pydicom.filewriter.write_dataset(raw, ds)
    source = BytesSource(raw.getvalue())
    return scan(source, FileMeta(ExplicitVRLittleEndian, "", "", 0), HEAD_TAGS)
