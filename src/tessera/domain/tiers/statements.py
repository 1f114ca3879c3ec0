"""The statements of the three tiers, each with a check of its own. Pure data.

Source: EUCAIM handbook, data preparation and federated nodes; the numbering and what is asked are
in docs/reference/tiers.md. Ours stands in where the system in use names a product: the link for
its broker, the run engine for its federated client.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What was found of one statement."""

    MET = "met"
    NOT_MET = "not-met"
    NOT_APPLICABLE = "not-applicable"
    NOT_LOOKED = "not-looked"
    """It could not be looked at; the evidence says why. It counts as not met."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a tier."""

    id: str
    asks: str
    is_advice: bool = False
    """The tier does not depend on it: the size of the host is advice for other software."""

    @property
    def tier(self) -> int:
        return int(self.id[1])


STATEMENTS: Final = (
    Statement("T1-01", "The catalogue record has every mandatory property of EUCAIM DCAT-AP 2.0."),
    Statement("T1-02", "Every series belongs to one subject, who is in the clinical table."),
    Statement("T1-03", "No patient, study, series, instance or picture is there twice."),
    Statement("T1-04", "The images are de-identified under a named profile, and were checked."),
    Statement("T1-05", "Every image series states the minimum attributes."),
    Statement("T1-06", "Every subject with cancer has the minimum clinical values."),
    Statement("T1-07", "Every subject without cancer has the minimum clinical values."),
    Statement("T1-08", "Where dates are shifted, days from a baseline stand beside each date."),
    Statement("T1-09", "Every segment says what it is, and how and by whom it was made."),
    Statement("T1-10", "The agreements and approvals are there, dated and signed."),
    Statement("T2-01", "The node is joined to a hub that it reaches, and its key is pinned there."),
    Statement("T2-02", "Every search key is answered, or said to be unsupported."),
    Statement("T2-03", "The ids in the answers are the ids in the catalogue."),
    Statement("T2-04", "The tables of the common data model are there, or a mapping is."),
    Statement("T2-05", "The host has 4 cores, 32 GB of memory and room for the data.", True),
    Statement("T3-01", "Objects are DICOM, segmentations DICOM SEG, UIDs those of the tables."),
    Statement("T3-02", "The tables are valid, and the two mandatory views can be made."),
    Statement("T3-03", "A folder of the dataset can be made for a permit."),
    Statement("T3-04", "Runs can be contained here, and tools are checked by their hash."),
    Statement("T3-05", "The host has 16 cores, 64 GB of memory and room for twice the data.", True),
)
TIERS: Final = (1, 2, 3)
BY_ID: Final = {statement.id: statement for statement in STATEMENTS}
