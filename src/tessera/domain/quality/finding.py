"""A finding: what one check has to say about one place in the data. Pure values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tessera.domain.quality.texts import TEXTS

Evidence = Mapping[str, str | int | float]


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The data is wrong or a requirement is not met."""
    WARNING = "warning"
    """The data may be wrong; a person should look."""
    NOTE = "note"
    """Worth knowing; nothing to mend."""


class Level(StrEnum):
    """The level of the DICOM information model at which a check looks."""

    DATASET = "dataset"
    SUBJECT = "subject"
    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Where:
    """One place: a level and its identifier (PatientID or UID; "" where there is none)."""

    level: Level
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found at one place, with the facts that show it and what would mend it."""

    check: str
    """Id of the check, for example Q-GEO-01."""
    kind: str
    """Stable name of the case within the check; the key of its text in every language."""
    severity: Severity
    where: Where
    message: str
    evidence: Evidence = field(default_factory=dict)
    mend: str = ""
    slices_mm: tuple[float, ...] = ()
    """Places of the slices along their normal, mm, ascending; for geometry findings only."""
    pictures: tuple[str, ...] = ()
    """Instances that show it, by UID, for a person who would rather look."""


def finding(
    kind: str,
    severity: Severity,
    where: Where,
    evidence: Evidence | None = None,
    *,
    slices_mm: Sequence[float] = (),
    pictures: Sequence[str] = (),
) -> Finding:
    """Return the finding of `kind`, its English text filled in from `evidence`."""
    facts = dict(evidence or {})
    text = TEXTS[kind]
    return Finding(
        check=text.check,
        kind=kind,
        severity=severity,
        where=where,
        message=text.message.format_map(facts),
        evidence=facts,
        mend=text.mend.format_map(facts),
        slices_mm=tuple(slices_mm),
        pictures=tuple(pictures),
    )


def listed(items: Iterable[str], *, shown: int = 6) -> str:
    """Return at most `shown` of the distinct `items` in order, and how many more there are."""
    distinct = sorted(set(items))
    rest = len(distinct) - shown
    return ", ".join(distinct[:shown]) + (f" (+{rest})" if rest > 0 else "")
