"""What a model answered about a study, as DICOM objects beside its images (highdicom)."""

from tessera.adapters.highdicom.writer import HighdicomWriter

__all__ = ["HighdicomWriter"]
