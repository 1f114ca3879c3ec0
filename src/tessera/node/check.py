"""Check files: sort what came of reading each, then run the checks. No pool, no terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from tessera.domain.catalogue.manifest import Manifest
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.facts import Facts
from tessera.domain.quality.inputs import (
    AlikePair,
    ChangedContent,
    CheckInput,
    ManifestComparison,
    ReadInstance,
    ReadOutcome,
    Unreadable,
)
from tessera.domain.quality.near_copies import Candidate, candidates
from tessera.domain.quality.picture import Picture
from tessera.domain.quality.registry import Check
from tessera.domain.quality.report import QualityReport, run_checks
from tessera.domain.quality.source_table import SourceTable

OnOutcome = Callable[[ReadOutcome], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureReader:
    """Decodes pictures, in this process or others. Two steps, so that few are decoded twice."""

    figures: Callable[[Sequence[InstanceRow]], Sequence[Picture]]
    """Of the rows chosen among all; those that cannot be decoded are left out."""
    sameness: Callable[[Sequence[Candidate], Mapping[str, InstanceRow]], Sequence[AlikePair]]
    """Of pairs whose looks agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What a check may have besides the instances; what is None is not looked at."""

    subjects: frozenset[str] | None = None
    """Identifiers of the clinical table, as PatientID carries them."""
    table: SourceTable | None = None
    pictures: PictureReader | None = None
    checked_on: date | None = None
    checks: Sequence[Check] = field(default=CHECKS)


NOTHING = Extras()


def check_files(
    outcomes: Iterable[ReadOutcome],
    *,
    on_outcome: OnOutcome,
    extras: Extras = NOTHING,
) -> QualityReport:
    """Return the report on files; `on_outcome` is told of each as it is read."""
    read = _sorted_out(outcomes, on_outcome)
    pictures, alike = _pictures(read.rows, extras)
    return run_checks(
        CheckInput(
            rows=read.rows,
            unreadable=read.unreadable,
            n_not_dicom=read.n_not_dicom,
            subjects=extras.subjects,
            facts=read.facts,
            pictures=pictures,
            alike=alike,
            table=extras.table,
            checked_on=extras.checked_on,
        ),
        extras.checks,
    )


def check_version(
    manifest: Manifest,
    outcomes: Iterable[ReadOutcome],
    *,
    on_outcome: OnOutcome,
    table_sha256: Mapping[str, str],
    file_sha256: Mapping[str, str],
    records: Sequence[ClinicalRecord] | None,
    extras: Extras = NOTHING,
) -> QualityReport:
    """Return the report on a dataset version: its instances, tables and manifest.

    `outcomes` are of the instances that exist; `table_sha256` and `file_sha256` are the hashes
    found, by table name and by the path in the manifest, without those that are missing.
    `file_sha256` is read when `outcomes` has run out. `records` is None when the clinical
    tables cannot be read.
    """
    read = _sorted_out(outcomes, on_outcome)
    pictures, alike = _pictures(read.rows, extras)
    return run_checks(
        CheckInput(
            rows=read.rows,
            unreadable=read.unreadable,
            n_not_dicom=read.n_not_dicom,
            records=records,
            manifest=_compare(manifest, table_sha256, file_sha256),
            facts=read.facts,
            pictures=pictures,
            alike=alike,
        ),
        extras.checks,
    )


def _pictures(
    rows: Sequence[InstanceRow], extras: Extras
) -> tuple[Sequence[Picture] | None, Sequence[AlikePair]]:
    if extras.pictures is None:
        return None, ()
    found = extras.pictures.figures(rows)
    by_uid: dict[str, InstanceRow] = {row.instance_uid: row for row in rows}
    return found, extras.pictures.sameness(candidates(rows, found), by_uid)


@dataclass(frozen=True, slots=True)
class _Read:
    rows: tuple[InstanceRow, ...]
    unreadable: tuple[Unreadable, ...]
    n_not_dicom: int
    facts: Mapping[str, Facts]


def _sorted_out(outcomes: Iterable[ReadOutcome], on_outcome: OnOutcome) -> _Read:
    rows: list[InstanceRow] = []
    unreadable: list[Unreadable] = []
    n_not_dicom = 0
    facts: dict[str, Facts] = {}
    for outcome in outcomes:
        if isinstance(outcome, ReadInstance):
            rows.append(outcome.row)
            facts[outcome.row.instance_uid] = outcome.facts
        elif isinstance(outcome, InstanceRow):
            rows.append(outcome)
        elif isinstance(outcome, Unreadable):
            unreadable.append(outcome)
        else:
            n_not_dicom += 1
        on_outcome(outcome)
    broken = tuple(sorted(unreadable, key=lambda bad: bad.path))
    return _Read(tuple(rows), broken, n_not_dicom, facts)


def _compare(
    manifest: Manifest, table_sha256: Mapping[str, str], file_sha256: Mapping[str, str]
) -> ManifestComparison:
    named = [
        (f"{name}.parquet", entry.sha256, table_sha256.get(name, ""))
        for name, entry in manifest.tables.items()
    ]
    named += [
        (item.path, item.sha256, file_sha256.get(item.path, "")) for item in manifest.instances
    ]
    changed = tuple(
        ChangedContent(path, expected, found)
        for path, expected, found in named
        if found != expected
    )
    return ManifestComparison(len(named), changed)
