"""The data quality and utility label of a dataset, each element with what it was computed from.

Source: Regulation (EU) 2025/327 (EHDS), Article 78(3). The Commission's implementing act will set
the form; until then the grades are these: `high`, `medium`, `low` by the limits in `graded`,
`stated` and `not-stated` where the element is a description, `unknown` where nothing could be
computed. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Grade(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    STATED = "stated"
    NOT_STATED = "not-stated"
    UNKNOWN = "unknown"


LABEL: Final[dict[str, tuple[str, str]]] = {
    "documentation": ("a", "Data documentation: metadata, dictionary, format, source"),
    "completeness": ("b", "Technical quality: completeness"),
    "uniqueness": ("b", "Technical quality: uniqueness"),
    "accuracy": ("b", "Technical quality: accuracy"),
    "validity": ("b", "Technical quality: validity"),
    "timeliness": ("b", "Technical quality: timeliness"),
    "consistency": ("b", "Technical quality: consistency"),
    "management": ("c", "Quality management: review, audit, and the look for bias"),
    "coverage": ("d", "Coverage: the people, and how they represent the population"),
    "provision": ("e", "Time from collection to the dataset, and from a permit to the data"),
    "enrichment": ("f", "Enrichment: labels, mapped codes, links with other data"),
}
"""Element → the letter of Article 78(3), and what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of the label. Numbers in the evidence are exact and stay inside the node."""

    name: str
    grade: Grade
    evidence: Mapping[str, str | int | float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        letter, says = LABEL[self.name]
        return {
            "element": self.name,
            "article": f"78(3)({letter})",
            "says": says,
            "grade": self.grade.value,
            "evidence": dict(self.evidence),
        }


def graded(name: str, share: float | None, **evidence: str | int | float) -> Element:
    """Return an element graded by a share of 1: from 0.99 on high, from 0.95 on medium."""
    if share is None:
        return Element(name=name, grade=Grade.UNKNOWN, evidence=evidence)
    grade = Grade.HIGH if share >= _HIGH else Grade.MEDIUM if share >= _MEDIUM else Grade.LOW
    return Element(name=name, grade=grade, evidence={"share": round(share, 4), **evidence})


def described(name: str, *, is_stated: bool, **evidence: str | int | float) -> Element:
    """Return an element that is a description."""
    grade = Grade.STATED if is_stated else Grade.NOT_STATED
    return Element(name=name, grade=grade, evidence=evidence)


_HIGH: Final = 0.99
_MEDIUM: Final = 0.95
