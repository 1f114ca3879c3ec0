"""HighdicomWriter: an answer as the bytes of one DICOM object, the same each time."""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset as DicomDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from tessera.adapters.highdicom.report import report
from tessera.adapters.highdicom.segmentation import segmentation
from tessera.adapters.highdicom.sources import DEIDENTIFIED, day_and_time, read_sources
from tessera.domain.case.errors import InvalidCaseResult
from tessera.domain.case.model import ReleasedModel
from tessera.domain.case.result import CaseAnswer
from tessera.domain.deid.derived import derived_instance
from tessera.domain.deid.gate import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.ports.case import MadeObject

_OF_THE_STUDY = {"StudyDate", "StudyTime"}
_OF_A_CLOCK = {"DA", "TM", "DT"}
"""Value representations that would tell today's date beside the shifted ones."""


class HighdicomWriter:
    """An ObjectWriter. `path_of` finds an image's file, `place_of` a place for a new one."""

    def __init__(
        self,
        path_of: Callable[[InstanceRow], Path],
        place_of: Callable[[InstanceUid], str],
    ) -> None:
        self._path_of = path_of
        self._place_of = place_of

    def write(self, answer: CaseAnswer, model: ReleasedModel) -> MadeObject:
        sources = read_sources(answer.series, self._path_of)
        try:
            with warnings.catch_warnings():
                # A pseudonym has one component: highdicom asks whether that is meant. It is.
                warnings.simplefilter("ignore", UserWarning)
                if answer.mask is not None and answer.is_marked:
                    made = segmentation(answer, answer.mask, model, sources)
                else:
                    made = report(answer, model, sources)
        except (ValueError, TypeError, AttributeError, KeyError) as err:
            raise InvalidCaseResult(f"no DICOM object can be made of these images: {err}") from err
        content = part10(made, sources[0])
        place = self._place_of(InstanceUid(str(made.SOPInstanceUID)))
        return MadeObject(
            row=derived_instance(content, answer.series, place=place), content=content
        )


def part10(made: DicomDataset, source: DicomDataset) -> bytes:
    """Return the file, without any day but the study's and with its de-identification told."""
    _drop_times(made)
    made.ContentDate, made.ContentTime = day_and_time(source)
    for keyword in (*DEIDENTIFIED, "TimezoneOffsetFromUTC"):
        if keyword in source:
            made[keyword] = source[keyword]
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    made.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION.decode().strip()
    out = BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _drop_times(ds: DicomDataset) -> None:
    """Remove, in items too, every date and time but the study's and the birth date's place."""
    for element in list(ds):
        if element.VR == "SQ":
            for item in element.value or ():
                _drop_times(item)
        elif element.VR in _OF_A_CLOCK and element.value and element.keyword not in _OF_THE_STUDY:
            del ds[element.tag]
