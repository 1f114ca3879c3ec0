"""Relations in time over tables as the node builds and writes them, from dates alone."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from tessera.adapters.columns.engine import ColumnCohortEngine
from tessera.adapters.parquet.table import write_table
from tessera.domain.clinical.build import build_tables
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entities import Treatment
from tessera.domain.cohort.exact import Matching
from tessera.domain.cohort.syntax import parse
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow

DAY_0 = date(2019, 5, 1)


def _record(name: str, diagnosed: date | None, surgery: int) -> ClinicalRecord:
    who = Pseudonym(name)
    return ClinicalRecord(
        Subject(subject=who, deceased=True, survival_days=400),
        (
            CancerCondition(
                condition_id=f"{name}/1", subject=who, cancer="prostate", diagnosis_date=diagnosed
            ),
        ),
        (
            Treatment(
                treatment_id=f"{name}/t",
                subject=who,
                type="surgery",
                start_date=DAY_0 + timedelta(days=surgery),
            ),
        ),
    )


def _study(name: str, day: int, modality: str) -> InstanceRow:
    uid = f"1.2.{ord(name)}.{day}"
    return InstanceRow(
        subject=Pseudonym(name),
        study_uid=StudyUid(uid),
        series_uid=SeriesUid(f"{uid}.1"),
        instance_uid=InstanceUid(f"{uid}.1.1"),
        sop_class_uid="1.2",
        transfer_syntax_uid="1.2",
        modality=modality,
        study_date=DAY_0 + timedelta(days=day),
    )


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A: diagnosed on day 0, operated on day 40. B: the same dates, but none of the diagnosis."""
    studies = [
        _study(name, day, modality)
        for name in "AB"
        for day, modality in ((10, "MR"), (45, "CT"), (300, "CT"))
    ]
    tables = build_tables([_record("A", DAY_0, 40), _record("B", None, 40)], studies)
    folder = tmp_path_factory.mktemp("versions") / "v1"
    folder.mkdir()
    for name, rows in tables.by_name.items():
        write_table(folder / f"{name}.parquet", rows)
    return folder


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("modality = MR within 30 days before treatment = surgery", "A"),
        ("modality = MR within 29 days before treatment = surgery", ""),
        ("modality = CT within 100 days before death", "A"),
        ("modality = CT more than 44 days after diagnosis", "A"),
        ("at least 2 (modality = CT) at least 255 days apart", "AB"),
        ("modality = CT more than 289 days after modality = MR", "AB"),
        ("day_zero = imaging and treatment = surgery", "B"),
    ],
)
def test_dates_become_days_that_a_query_compares(version: Path, text: str, subjects: str) -> None:
    found = ColumnCohortEngine(version.parent).matching(version, parse(text))
    assert isinstance(found, Matching)
    assert found.subjects == frozenset(subjects)
