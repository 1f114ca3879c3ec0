"""Check files: sort what came of reading each, then run the checks. No pool, no terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tessera.domain.catalogue.manifest import Manifest
from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import (
    ChangedContent,
    CheckInput,
    ManifestComparison,
    ReadOutcome,
    Unreadable,
)
from tessera.domain.quality.report import QualityReport, run_checks

OnOutcome = Callable[[ReadOutcome], None]


def check_files(
    outcomes: Iterable[ReadOutcome],
    *,
    on_outcome: OnOutcome,
    subjects: frozenset[str] | None = None,
) -> QualityReport:
    """Return the report on files; `on_outcome` is told of each as it is read.

    `subjects` are the identifiers of the clinical table, None when there is none.
    """
    read = _sorted_out(outcomes, on_outcome)
    return run_checks(
        CheckInput(
            rows=read.rows,
            unreadable=read.unreadable,
            n_not_dicom=read.n_not_dicom,
            subjects=subjects,
        )
    )


def check_version(
    manifest: Manifest,
    outcomes: Iterable[ReadOutcome],
    *,
    on_outcome: OnOutcome,
    table_sha256: Mapping[str, str],
    file_sha256: Mapping[str, str],
    records: Sequence[ClinicalRecord] | None,
) -> QualityReport:
    """Return the report on a dataset version: its instances, tables and manifest.

    `outcomes` are of the instances that exist; `table_sha256` and `file_sha256` are the hashes
    found, by table name and by the path in the manifest, without those that are missing.
    `file_sha256` is read when `outcomes` has run out. `records` is None when the clinical
    tables cannot be read.
    """
    read = _sorted_out(outcomes, on_outcome)
    return run_checks(
        CheckInput(
            rows=read.rows,
            unreadable=read.unreadable,
            n_not_dicom=read.n_not_dicom,
            records=records,
            manifest=_compare(manifest, table_sha256, file_sha256),
        )
    )


@dataclass(frozen=True, slots=True)
class _Read:
    rows: tuple[InstanceRow, ...]
    unreadable: tuple[Unreadable, ...]
    n_not_dicom: int


def _sorted_out(outcomes: Iterable[ReadOutcome], on_outcome: OnOutcome) -> _Read:
    rows: list[InstanceRow] = []
    unreadable: list[Unreadable] = []
    n_not_dicom = 0
    for outcome in outcomes:
        if isinstance(outcome, InstanceRow):
            rows.append(outcome)
        elif isinstance(outcome, Unreadable):
            unreadable.append(outcome)
        else:
            n_not_dicom += 1
        on_outcome(outcome)
    return _Read(tuple(rows), tuple(sorted(unreadable, key=lambda bad: bad.path)), n_not_dicom)


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
