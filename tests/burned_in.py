"""Small DICOM pictures with text burned in, for tests of the pixel stage."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import read_dataset

from tessera.adapters.files.dicom_source import dataset_source
from tessera.domain.imaging.encoding import IMPLICIT_LE, BytesSource, FileMeta, Source

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG = "1.2.840.10008.1.2.4.50"
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = "1.2.840.10008.1.2.4.80"
J2K = "1.2.840.10008.1.2.4.90"
_ENCODERS = {RLE: "pylibjpeg", JPEG_LS: "pyjpegls", J2K: "pylibjpeg"}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
Picture = NDArray[np.generic]
Line = tuple[int, int, str, int]
"""x, y, text, size of the letters in pixels."""


def anatomy(rows: int, columns: int, *, seed: int = 1) -> NDArray[np.uint8]:
    """Return a dark picture with a brighter, grainy, soft-edged ellipse."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :columns]
    inside = ((y - rows * 0.55) / (rows * 0.3)) ** 2 + ((x - columns / 2) / (columns * 0.3)) ** 2
    level = 22 + 90 / (1 + np.exp(8 * (inside - 1)))
    return np.clip(level + random.normal(0, 4 + level / 14), 0, 255).astype(np.uint8)


def with_text(
    picture: NDArray[np.uint8], lines: list[Line], ink: int | tuple[int, int, int] = 255
) -> NDArray[np.uint8]:
    """Return the picture with lines of text in it; in colour when the ink is."""
    image = Image.fromarray(picture)
    if isinstance(ink, tuple) and picture.ndim == 2:
        image = image.convert("RGB")
    draw = ImageDraw.Draw(image)
    for x, y, text, size in lines:
        draw.text((x, y), text, fill=ink, font=ImageFont.load_default(size))
    return np.array(image)


def instance(
    pixels: Picture,
    *,
    photometric: str = "MONOCHROME2",
    syntax: str = EXPLICIT,
    stored: int | None = None,
    frames: int = 1,
    modality: str = "US",
    sop_class: str = ULTRASOUND,
    more: Dataset | None = None,
) -> bytes:
    """Return a DICOM file of these stored values; `frames` > 1: the first axis is the frame."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, "1.2.826.0.1.3680043.10.99.7.1"
    ds.Modality, ds.PatientName, ds.PatientID = modality, "Lindqvist^Karin", "19640823-3234"
    ds.StudyInstanceUID = ds.SeriesInstanceUID = "1.2.826.0.1.3680043.10.99.7"
    ds.Manufacturer, ds.ManufacturerModelName = "ACME", "SONO 9"
    shape = pixels.shape[1:] if frames > 1 else pixels.shape
    ds.Rows, ds.Columns = shape[:2]
    ds.SamplesPerPixel = 3 if len(shape) == 3 else 1
    ds.PhotometricInterpretation = photometric
    if len(shape) == 3:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = stored or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    for element in more or ():
        ds.add(element)
    raw = pixels.tobytes()
    ds.add_new(0x7FE00010, "OW" if ds.BitsAllocated > 8 else "OB", raw + b"\0" * (len(raw) % 2))
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = EXPLICIT
    if syntax == JPEG:
        planes = pixels if frames > 1 else pixels[None]
        ds.PixelData = encapsulate([jpeg(plane) for plane in planes])
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = JPEG
        if len(shape) == 3:
            ds.PhotometricInterpretation = "YBR_FULL_422"
    elif syntax != EXPLICIT:
        ds.compress(syntax, encoding_plugin=_ENCODERS[syntax])
    out = BytesIO()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def jpeg(picture: Picture, **options: object) -> bytes:
    """Return a baseline JPEG, chroma halved in width for colour."""
    out = BytesIO()
    Image.fromarray(picture).save(out, "JPEG", **{"quality": 92, "subsampling": 1, **options})
    return out.getvalue()


def opened(data: bytes) -> tuple[Source, FileMeta]:
    return dataset_source(BytesSource(data))


def read_back(source: Source, meta: FileMeta) -> Dataset:
    """Return what a stage gave back as a data set that can be decoded."""
    raw = source.read(meta.dataset_offset, source.size)
    ds = read_dataset(BytesIO(raw), meta.transfer_syntax_uid == IMPLICIT_LE, True)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = meta.transfer_syntax_uid
    return ds


def pixels_of(data: bytes) -> Picture:
    return np.asarray(dcmread(BytesIO(data)).pixel_array)
