"""`tessera check` on a dataset version: manifest, instances, linkage to its own tables."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tessera.adapters.files.check_source import Source, read_sources
from tessera.adapters.parquet.store import FolderDatasetStore
from tessera.bootstrap.check import CheckRequest, check
from tessera.domain.catalogue.manifest import InstanceEntry, Manifest
from tessera.domain.clinical.build import build_tables
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.domain.quality.finding import Severity
from tessera.domain.quality.inputs import ReadInstance
from tessera.domain.quality.report import QualityReport, Verdict
from tests.integration.dicom_files import write_series

WHO = Pseudonym("P1")
CONDITION = CancerCondition(
    condition_id="c1",
    subject=WHO,
    cancer="lung",
    topography="C34.1",
    age_at_diagnosis=60.5,
    diagnosis_date=date(2020, 1, 1),
)
RECORD = ClinicalRecord(Subject(subject=WHO, sex="male", population="cancer"), (CONDITION,))


def checked(folder: Path) -> QualityReport:
    request = CheckRequest(target=folder)
    return check(request, on_total=lambda _: None, on_outcome=lambda _: None)


def make_version(home: Path, records: list[ClinicalRecord]) -> Path:
    """Write a node's research zone with one dataset version of one series; return its folder."""
    store = home / "research" / "instances"
    rows = []
    for read in read_sources([Source(path) for path in write_series(store / "ab", 5)]):
        assert isinstance(read, ReadInstance)
        rows.append(replace(read.row, path=str(Path(read.row.path).relative_to(store))))
    tables = build_tables(records, rows)
    datasets = FolderDatasetStore(home / "research" / "datasets")
    with datasets.stage() as staged:
        manifest = Manifest(
            dataset_id=DatasetId("lung"),
            version=1,
            created=datetime(2026, 5, 1, tzinfo=UTC),
            tables=staged.write_tables(tables),
            instances=tuple(
                InstanceEntry(row.instance_uid, row.sha256, row.n_bytes, row.path) for row in rows
            ),
            deid_profile="test",
            mappings=(),
            vocabulary="test",
            where="",
            about={},
            software="test",
        )
        return staged.commit(manifest)


def test_a_sound_version_meets_every_statement(tmp_path: Path) -> None:
    report = checked(make_version(tmp_path, [RECORD]))
    assert {item.severity for item in report.findings} <= {Severity.NOTE}
    coverage = {item.check.id: item for item in report.coverage}
    assert coverage["Q-INT-03"].n_looked == 10
    assert coverage["Q-LNK-01"].n_passed == 1
    verdicts = report.statements()
    assert {verdicts[name] for name in ("T1-02", "T1-03", "T1-05", "T1-06")} == {Verdict.MET}


def test_a_changed_and_a_missing_instance_are_found_by_the_manifest(tmp_path: Path) -> None:
    folder = make_version(tmp_path, [RECORD])
    store = tmp_path / "research" / "instances" / "ab"
    raw = bytearray((store / "IM00002").read_bytes())
    raw[-1] ^= 1
    (store / "IM00002").write_bytes(raw)
    (store / "IM00003").write_bytes(b"gone")
    (store / "IM00005").unlink()
    found = [f for f in checked(folder).findings if f.check == "Q-INT-03"]
    assert [(f.kind, f.evidence["path"]) for f in found] == [
        ("content-changed", "ab/IM00002"),
        ("content-changed", "ab/IM00003"),
        ("content-missing", "ab/IM00005"),
    ]


def test_a_changed_table_is_found_by_the_manifest(tmp_path: Path) -> None:
    folder = make_version(tmp_path, [RECORD])
    table = folder / "patient.parquet"
    table.chmod(0o644)
    table.write_bytes(table.read_bytes() + b"\0")
    report = checked(folder)
    assert [f.evidence["path"] for f in report.findings if f.check == "Q-INT-03"] == [
        "patient.parquet"
    ]


def test_a_subject_without_clinical_record_is_not_linked(tmp_path: Path) -> None:
    report = checked(make_version(tmp_path, []))
    assert [(f.kind, f.where.uid) for f in report.findings] == [("image-without-row", WHO)]


def test_a_version_without_its_instances_says_where_they_are_looked_for(tmp_path: Path) -> None:
    folder = make_version(tmp_path, [RECORD])
    shutil.rmtree(tmp_path / "research" / "instances")
    with pytest.raises(NotFound, match="looked for here"):
        checked(folder)


def test_a_version_takes_no_other_clinical_table(tmp_path: Path) -> None:
    folder = make_version(tmp_path, [RECORD])
    request = CheckRequest(target=folder, clinical=tmp_path / "x.csv", id_column="id")
    with pytest.raises(InvalidInput, match="its own clinical table"):
        check(request, on_total=lambda _: None, on_outcome=lambda _: None)
