"""What a label in the research zone says of how it was made, as text in the object. Pure.

DICOM has no element for the number of annotators or their years of experience: they stand in
Image Comments (0020,4000) as `key=value` between semicolons, so that a program finds them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tessera.domain.labels.about import Annotation

MODEL: Final = "Imported annotation"
"""Manufacturer's Model Name of what is written; the manufacturer is Tessera."""
_KEYS: Final = (
    "annotators",
    "annotator_type",
    "years_of_experience",
    "annotated",
    "days_after_study",
)


def written(annotation: "Annotation", days_after_study: int | None) -> str:
    """Return the text of what is known."""
    values: Mapping[str, object] = {
        "annotators": annotation.annotators,
        "annotator_type": annotation.annotator_type,
        "years_of_experience": annotation.years_of_experience,
        "annotated": annotation.annotated,
        "days_after_study": days_after_study,
    }
    return "; ".join(f"{key}={values[key]}" for key in _KEYS if values[key] not in (None, ""))


def read_written(text: str) -> dict[str, str]:
    """Return key → value; what is none of the keys is left out."""
    pairs = (part.partition("=") for part in text.split(";"))
    found = {key.strip(): value.strip() for key, _, value in pairs}
    return {key: found[key] for key in _KEYS if found.get(key)}
