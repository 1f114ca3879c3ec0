"""What the checks look at: rows of instances, unreadable files, clinical values. Pure values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.facts import NO_FACTS, Facts
from tessera.domain.quality.source_table import SourceTable

if TYPE_CHECKING:
    from tessera.domain.quality.picture import Picture  # loads numpy


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is, or claims to be, DICOM and could not be read."""

    path: str
    reason: str
    """Stable short code."""
    message: str
    element: str = ""
    """As (gggg,eeee), or "" when the fault is not in one element."""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class NotDicom:
    """A file that is no DICOM instance, and does not look like a damaged one."""

    path: str


@dataclass(frozen=True, slots=True)
class ReadInstance:
    """An instance with more of its header than the index keeps."""

    row: InstanceRow
    facts: Facts


ReadOutcome = InstanceRow | ReadInstance | Unreadable | NotDicom
"""What came of reading one file."""


@dataclass(frozen=True, slots=True)
class ChangedContent:
    """A file whose content is not what the manifest says."""

    path: str
    expected_sha256: str
    found_sha256: str
    """Empty when the file is missing."""


@dataclass(frozen=True, slots=True)
class ManifestComparison:
    """Result of hashing everything a manifest names."""

    n_compared: int
    changed: tuple[ChangedContent, ...] = ()


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two pictures that look alike, and how far their finest texture is the same."""

    one: str
    other: str
    sameness: float


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """All instances of one series, by instance number, then instance UID."""

    series_uid: str
    rows: tuple[InstanceRow, ...]

    def distinct(self) -> tuple[InstanceRow, ...]:
        """Return one row per instance UID, so that a file present twice counts once."""
        return tuple({row.instance_uid: row for row in self.rows}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInput:
    """Everything a check may look at. None means "not known", and the check then says so."""

    rows: Sequence[InstanceRow]
    unreadable: Sequence[Unreadable] = ()
    n_not_dicom: int = 0
    """Files that are no DICOM instance at all; counted, not judged."""
    subjects: frozenset[str] | None = None
    """Subjects of the clinical table, by the identifier that PatientID carries."""
    records: Sequence[ClinicalRecord] | None = None
    """Clinical values in the common data model."""
    manifest: ManifestComparison | None = None
    facts: Mapping[str, Facts] | None = None
    """More of the headers, by instance UID."""
    pictures: "Sequence[Picture] | None" = None
    """Figures of the pictures that were decoded: a few of each series, or all."""
    alike: Sequence[AlikePair] = ()
    """Pairs of pictures of different studies that were compared whole."""
    table: SourceTable | None = None
    """The clinical table as it was delivered."""
    checked_on: date | None = None
    """The day of the check; None where dates are shifted."""
    series: tuple[SeriesRows, ...] = field(init=False)
    """The rows grouped by series, ascending UID; without those that name no series."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", tuple(_by_series(self.rows)))
        if self.subjects is None and self.records is not None:
            known = frozenset(record.subject.subject for record in self.records)
            object.__setattr__(self, "subjects", known)

    def facts_of(self, row: InstanceRow) -> Facts:
        """Return what more is known of the header, nothing where it was not read."""
        return (self.facts or {}).get(row.instance_uid, NO_FACTS)


def _by_series(rows: Iterable[InstanceRow]) -> Iterator[SeriesRows]:
    groups: dict[str, list[InstanceRow]] = {}
    for row in rows:
        if row.series_uid:
            groups.setdefault(row.series_uid, []).append(row)
    for uid, members in sorted(groups.items()):
        members.sort(key=lambda row: (row.instance_number or 0, row.instance_uid, row.path))
        yield SeriesRows(uid, tuple(members))
