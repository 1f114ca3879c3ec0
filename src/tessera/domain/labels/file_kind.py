"""In which format series and labels are written. Light: commands load it at their start."""

from enum import StrEnum


class FileKind(StrEnum):
    NIFTI = "nifti"
    NRRD = "nrrd"
