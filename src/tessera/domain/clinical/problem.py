"""What went wrong with one cell or row of a clinical table. Pure; identified zone."""

from dataclasses import dataclass, field
from typing import Final

from tessera.domain.zones import Identified

MENDS: Final[dict[str, str]] = {
    "missing-patient-id": "give the row the patient identifier that the images carry",
    "unknown-value": "add the value to `values` in the mapping file, or correct the table",
    "unreadable-date": "add the date's form to `dates` in the mapping file, or correct the table",
    "date-in-future": "correct the date in the table",
    "unreadable-number": "correct the number in the table; limits (<0.1) are for tests alone",
    "no-unit": "give the unit in the table, or `unit` in the mapping file",
    "not-a-row": "the row lacks what it is about (its code or kind); add it to `values`",
    "unknown-unit": "add the unit to `units` in the mapping file, or correct the table",
    "out-of-range": "correct the value in the table",
    "no-cancer": "give the cancer or its ICD-O-3 topography; the subject is kept without one",
    "cancer-not-in-vocabulary": "the common data model has no such cancer; the subject is kept",
    "topography-disagrees": "the topography is of another organ than the cancer; correct one",
    "gleason-not-prostate": "a Gleason score belongs to prostate cancer; correct the row",
    "psa-in-woman": "PSA belongs to men; correct the sex or the value",
    "sex-disagrees-with-cancer": "prostate cancer in a woman; correct the sex or the cancer",
    "diagnosis-after-death": "correct the date of diagnosis or of death",
    "diagnosis-before-birth": "correct the date of diagnosis or of birth",
    "contact-before-diagnosis": "correct the date of diagnosis or of last contact",
    "treatment-before-diagnosis": "correct the date of treatment or of diagnosis",
    "treatment-before-birth": "correct the date of treatment or of birth",
    "age-disagrees": "age and dates of birth and diagnosis differ by more than a year; correct one",
    "duplicate-row": "the same cancer of the same patient occurs again; the first row is used",
    "rows-disagree": "two rows of one patient differ here; the first row is used",
}
"""Reason code → what a person can do. The codes are stable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem. Its text form names row and column, never the value."""

    row: int
    """Row number as a spreadsheet counts: the header is row 1."""
    column: str
    """Column of the table; "" when the fault is in the row."""
    variable: str
    """Variable of the mapping that is null for it; "" when none is."""
    reason: str
    raw: Identified[str] = field(default_factory=lambda: Identified(""))
    place: int = 0
    """Which file of the delivery, from 0."""
    rejected: bool = False
    """The whole row was left out."""

    @property
    def mend(self) -> str:
        return MENDS[self.reason]
