"""Whole slide images by hand: volume tiles, label and overview, as JPEG in fragments."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
JPEG = "1.2.840.10008.1.2.4.50"
TILE = 128


def tissue(seed: int, side: int = TILE) -> Image.Image:
    """Return a tile of round purple cells on pink."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (side, side), (240, 214, 226))
    draw = ImageDraw.Draw(image)
    for x, y, radius in rng.integers((0, 0, 4), (side, side, 12), (14, 3)):
        shade = int(rng.integers(90, 150))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), (shade, 70, shade + 40))
    return image


def slide(
    kind: str, pictures: list[Image.Image], *, number: int = 1, sparse: bool = False
) -> bytes:
    """Return one instance of a slide: kind is VOLUME, LABEL or OVERVIEW."""
    ds = ct_slice(number, study=5, series=2)
    for keyword in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    ):  # fmt: skip
        delattr(ds, keyword)
    ds.SOPClassUID, ds.Modality = SLIDE, "SM"
    ds.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    ds.FrameOfReferenceUID = "1.2.826.0.1.3680043.10.99.5.77"
    ds.Rows, ds.Columns = pictures[0].height, pictures[0].width
    ds.SamplesPerPixel, ds.PlanarConfiguration = 3, 0
    ds.PhotometricInterpretation = "YBR_FULL_422"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.NumberOfFrames = len(pictures)
    ds.BurnedInAnnotation = "NO"
    ds.SpecimenLabelInImage = "NO" if kind == "VOLUME" else "YES"
    ds.LossyImageCompression = "01"
    ds.TotalPixelMatrixColumns = ds.Columns * len(pictures)
    ds.TotalPixelMatrixRows = ds.Rows
    ds.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
    ds.ContainerIdentifier = "S19121212-1212"
    ds.DimensionOrganizationType = "TILED_SPARSE" if sparse else "TILED_FULL"
    shared, measures = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.0005, 0.00025], 0.001
    shared.PixelMeasuresSequence = Sequence([measures])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    if sparse:
        frames = []
        for index in range(len(pictures)):
            own, place = Dataset(), Dataset()
            place.ColumnPositionInTotalImagePixelMatrix = 1 + index * ds.Columns
            place.RowPositionInTotalImagePixelMatrix = 1
            own.PlanePositionSlideSequence = Sequence([place])
            frames.append(own)
        ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    coded = []
    for picture in pictures:
        out = BytesIO()
        picture.save(out, "JPEG", quality=90)
        coded.append(out.getvalue())
    ds.PixelData = encapsulate(coded)
    ds["PixelData"].VR = "OB"
    return encoded(ds, JPEG)


def label_picture(name: str) -> Image.Image:
    """Return the paper label of a slide."""
    image = Image.new("RGB", (320, 200), (250, 250, 245))
    ImageDraw.Draw(image).text((20, 60), name, fill=(0, 0, 0), font_size=36)
    return image
