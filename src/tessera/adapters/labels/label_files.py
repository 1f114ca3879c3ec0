"""Reads a file of labels, whatever its format."""

from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset as DicomDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import RTStructureSetStorage

from tessera.domain.labels.drawn import DrawnRegions, Region
from tessera.domain.labels.errors import InvalidLabels
from tessera.domain.labels.label_map import Colour, LabelMap, Named, as_labels
from tessera.domain.labels.nifti import MOST_BYTES, is_nifti, read_nifti, unpacked
from tessera.domain.labels.nrrd import is_nrrd, read_nrrd
from tessera.domain.zones import Identified

_CLOSED = frozenset(("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"))


def read_labels(path: Path) -> LabelMap | DrawnRegions:
    """Return what a NIfTI, NRRD or RTSTRUCT file holds. Raises InvalidLabels."""
    if path.stat().st_size > MOST_BYTES:
        raise InvalidLabels(f"the file is larger than {MOST_BYTES} bytes")
    content = path.read_bytes()
    if is_nrrd(content):
        return read_nrrd(content)
    if content[128:132] == b"DICM":
        return _structures(content)
    plain = unpacked(content)
    if not is_nifti(plain):
        raise InvalidLabels("the file is none of NIfTI (.nii, .nii.gz), NRRD and RTSTRUCT")
    image = read_nifti(plain)
    arrays = image.array if image.array.ndim == 4 else image.array[None]
    try:
        return LabelMap(image.grid, tuple(as_labels(array) for array in arrays))
    except ValueError as err:
        raise InvalidLabels(f"NIfTI: {err}; is it an image rather than labels?") from err


def _structures(content: bytes) -> DrawnRegions:
    try:
        ds = dcmread(BytesIO(content))
        if ds.get("SOPClassUID") != RTStructureSetStorage:
            raise InvalidLabels(
                "a DICOM object that is no RTSTRUCT: take it in with tessera node ingest"
            )
        return regions_of(ds)
    except (InvalidDicomError, ValueError, TypeError, AttributeError, KeyError, EOFError) as err:
        if isinstance(err, InvalidLabels):
            raise
        raise InvalidLabels("the RTSTRUCT is damaged: export it again") from err


def regions_of(ds: DicomDataset) -> DrawnRegions:
    """Return the closed contours of an RTSTRUCT. Raises InvalidLabels when it has none."""
    names = {
        int(roi.ROINumber): str(roi.get("ROIName", ""))
        for roi in ds.get("StructureSetROISequence") or ()
    }
    regions, n_left_out = [], 0
    for drawn in ds.get("ROIContourSequence") or ():
        number = int(drawn.ReferencedROINumber)
        contours = []
        for contour in drawn.get("ContourSequence") or ():
            kind = str(contour.get("ContourGeometricType", ""))
            points = np.array(contour.ContourData, dtype=np.float64)
            if kind not in _CLOSED or len(points) % 3 or len(points) < 9:
                n_left_out += 1
                continue
            contours.append(points.reshape(-1, 3))
        if contours:
            said = Named(names.get(number, ""), _colour(drawn))
            regions.append(Region(number, said, tuple(contours)))
    if not regions:
        raise InvalidLabels("the RTSTRUCT has no closed contour")
    series = {
        str(one.SeriesInstanceUID)
        for frame in ds.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for one in study.get("RTReferencedSeriesSequence") or ()
        if "SeriesInstanceUID" in one
    }
    return DrawnRegions(tuple(regions), Identified(frozenset(series)), n_left_out)


def _colour(drawn: DicomDataset) -> Colour | None:
    parts = drawn.get("ROIDisplayColor")
    if parts is None or len(parts) != 3:
        return None
    red, green, blue = (min(255, max(0, int(part))) for part in parts)
    return red, green, blue
