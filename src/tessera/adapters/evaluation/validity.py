"""Is an output a valid composite instance? The least that every reader needs (PS3.3 C.7, C.12)."""

import re
from collections.abc import Iterable, Iterator

from pydicom.multival import MultiValue

from tessera.adapters.evaluation.outputs import Output

_NOT_EMPTY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
_PRESENT = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"),
    *("ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
_IMAGE = ("Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel")
_UID = re.compile(r"(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+")
_FORMS = {
    "DA": re.compile(r"\d{8}"),
    "TM": re.compile(r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?"),
    "DT": re.compile(r"\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?"),
    "AS": re.compile(r"\d{3}[DWMY]"),
}
_NATIVE = frozenset(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))


def faults_of(output: Output) -> Iterator[str]:
    """Yield a code and an element, never a value, for each fault."""
    ds = output.dataset
    yield from output.faults
    if not output.syntax:
        yield "no-transfer-syntax"
    if str(ds.file_meta.get("MediaStorageSOPInstanceUID", "")) != str(ds.get("SOPInstanceUID", "")):
        yield "meta-uid-differs"
    if str(ds.file_meta.get("MediaStorageSOPClassUID", "")) != str(ds.get("SOPClassUID", "")):
        yield "meta-class-differs"
    yield from (f"empty {name}" for name in _NOT_EMPTY if not ds.get(name))
    yield from (f"absent {name}" for name in _PRESENT if name not in ds)
    for element in ds.iterall():
        form = _FORMS.get(element.VR)
        values = element.value if isinstance(element.value, MultiValue) else [element.value]
        if element.VR == "UI":
            for value in _written(values):
                if len(value) > 64 or not _UID.fullmatch(value):
                    yield f"uid-form {element.tag}"
        elif form:
            for value in _written(values):
                if not form.fullmatch(value.strip()):
                    yield f"{element.VR.lower()}-form {element.tag}"
    if "PixelData" in ds:
        yield from _pixel_faults(output)


def _written(values: Iterable[object]) -> Iterator[str]:
    """Yield the values that are there, as they were written."""
    for value in values:
        text = str(getattr(value, "original_string", None) or value or "")
        if text:
            yield text


def _pixel_faults(output: Output) -> Iterator[str]:
    ds = output.dataset
    absent = [name for name in _IMAGE if not ds.get(name)]
    yield from (f"empty {name}" for name in absent)
    if absent or output.syntax not in _NATIVE:
        return
    bits = ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated
    wanted = (bits * int(ds.get("NumberOfFrames") or 1) + 7) // 8
    if "422" in str(ds.get("PhotometricInterpretation", "")):
        wanted = wanted * 2 // 3
    if len(ds.PixelData) not in (wanted, wanted + wanted % 2):
        yield "pixel-length"
