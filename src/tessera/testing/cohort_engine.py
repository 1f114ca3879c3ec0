"""The specification of CohortEngine, as tests any implementation can inherit."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import process_time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tessera.domain.clinical.cdm import TABLES
from tessera.domain.cohort.exact import ExactCounts, Matching, NotSupported
from tessera.domain.cohort.query import Query
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import Unavailable
from tessera.domain.ids import Pseudonym
from tessera.ports.cohort_engine import CohortEngine

Rows = Mapping[str, Sequence[Mapping[str, object]]]
"""Table name → its rows; a column that a row does not name is null."""
_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "texts": pa.list_(pa.string()),
}


def write_version(folder: Path, tables: Rows, *, without: Sequence[str] = ()) -> Path:
    """Write the tables of a version as Parquet files with the CDM's columns.

    `without` names columns (`series.body_part`) to leave out. Tables that `tables`
    does not name get no file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        if table.name not in tables:
            continue
        columns = [c for c in table.columns if f"{table.name}.{c.name}" not in without]
        arrays = {
            c.name: pa.array([row.get(c.name) for row in tables[table.name]], _TYPES[c.kind])
            for c in columns
        }
        pq.write_table(pa.table(arrays), folder / f"{table.name}.parquet")
    return folder


def _series(study: str, subject: str, modality: str, **more: object) -> dict[str, object]:
    return {"study_uid": study, "subject": subject, "modality": modality, **more}


HOSPITAL: Rows = {
    "patient": (
        {"subject": "A", "sex": "male", "population": "cancer", "deceased": True},
        {"subject": "B", "sex": "female", "population": "cancer", "deceased": False},
        {"subject": "C", "sex": "unknown", "population": "screening"},
        {"subject": "D", "sex": "male", "population": "cancer", "survival_days": 400},
    ),
    "condition": (
        {"subject": "A", "cancer": "prostate", "topography": "C61.9", "age_at_diagnosis": 50.0}
        | {"psa_ng_ml": 10.0, "gleason": 7, "stage": "II"},
        {"subject": "B", "cancer": "colon", "topography": "C18.2", "age_at_diagnosis": 70.0}
        | {"stage": "IV", "morphology": "8140/3"},
        {"subject": "B", "cancer": "breast", "topography": "C50.9", "age_at_diagnosis": 61.5}
        | {"stage": "I"},
        {"subject": "D", "cancer": "rectum", "topography": "C20.9", "stage": None},
    ),
    "study": (
        {"study_uid": "A1", "subject": "A", "diagnosis_offset_days": -5},
        {"study_uid": "A2", "subject": "A", "diagnosis_offset_days": 100},
        {"study_uid": "B1", "subject": "B", "diagnosis_offset_days": 0},
        {"study_uid": "C1", "subject": "C"},
        {"study_uid": "D1", "subject": "D", "diagnosis_offset_days": 30},
    ),
    "series": (
        _series("A1", "A", "MR", b_values=["0", "800"], slice_thickness_mm=3.0, n_instances=20),
        _series("A2", "A", "PT", manufacturer="GE MEDICAL SYSTEMS", n_instances=90),
        _series("B1", "B", "CT", manufacturer="SIEMENS", body_part="ABDOMEN"),
        _series("B1", "B", "PT", manufacturer="Siemens Healthineers", body_part="Abdomen"),
        _series("C1", "C", "MG", manufacturer="Imagenation", n_instances=4),
        _series("D1", "D", "CT", manufacturer="Philips", slice_thickness_mm=5.0),
    ),
}
"""Four subjects. A: MR and PT in two studies. B: CT and PT in one. C: a control. D: CT only."""

_WHO = (
    ("sex = male", 2, 3),
    ("sex != male", 1, 1),
    ("sex is unknown", 1, 1),
    ("sex = unknown", 1, 1),
    ("deceased = yes", 1, 2),
    ("deceased is unknown", 2, 2),
    ("survival_days > 365", 1, 1),
    ("cancer = colorectum", 2, 2),
    ("cancer != colorectum", 2, 3),
    ("not (cancer = colorectum)", 2, 3),
    ("cancer in (prostate, breast)", 2, 3),
    ("cancer not in (prostate, colon, rectum)", 1, 1),
    ("topography = C61", 1, 2),
    ("topography = C61.9", 1, 2),
    ("topography != C61", 2, 2),
    ("morphology = 8140", 1, 1),
    ("age_at_diagnosis between 50 and 70", 2, 3),
    ("age_at_diagnosis > 50 and age_at_diagnosis < 70", 1, 1),
    ("stage >= II", 2, 3),
    ("stage between I and II", 2, 3),
    ("stage is unknown", 1, 1),
    ("psa >= 10 ng/mL", 1, 2),
    ("modality = MR and modality = PT", 1, 2),
    ("modality = CT and modality = PT", 1, 1),
    ("in one study (modality = CT and modality = PT)", 1, 1),
    ("in one study (modality = MR and modality = PT)", 0, 0),
    ("in one series (modality = MR and slice_thickness <= 3)", 1, 1),
    ("in one series (modality = PT and slice_thickness <= 3)", 0, 0),
    ("in one study (modality = PT and days_from_diagnosis > 0)", 1, 1),
    ("in one study (in one series (modality = CT and manufacturer = siemens))", 1, 1),
    ("in one study (modality = CT and not (modality = PT))", 1, 1),
    ("in one condition (cancer = colon and stage = I)", 0, 0),
    ("in one condition (cancer = colon and stage = IV)", 1, 1),
    ("cancer = colon and stage = I", 1, 1),
    ("modality = MR", 1, 1),
    ("modality != CT", 3, 4),
    ("not (modality = CT)", 2, 3),
    ("modality = CT or modality = MG", 3, 3),
    ("cancer = prostate or modality = MG", 2, 1),
    ("not (not (modality = MR))", 1, 1),
    ("manufacturer = ge", 1, 1),
    ("manufacturer = 'Siemens'", 1, 1),
    ("body_part = abdomen", 1, 1),
    ("b_value = 800", 1, 1),
    ("b_value >= 1000", 0, 0),
    ("b_value != 0", 1, 1),
    ("b_value is known", 1, 1),
    ("b_value is unknown", 4, 4),
    ("days_from_diagnosis <= 0", 2, 2),
    ("n_instances >= 20", 1, 2),
    ("stage is unknown and cancer = rectum", 1, 1),
)


def _dated(subject: str, *studies: tuple[int | None, str]) -> list[dict[str, object]]:
    return [
        {"study_uid": f"{subject}{i}", "subject": subject, "study_offset_days": day, "of": modality}
        for i, (day, modality) in enumerate(studies)
    ]


_STUDIES = [
    *_dated("A", (-90, "MR"), (0, "CT"), (200, "CT")),
    *_dated("B", (10, "MR"), (10, "CT"), (None, "CT")),
    *_dated("C", (0, "CT"), (181, "CT"), (400, "CT")),
    *_dated("D", (-1, "MR")),
]
COURSES: Rows = {
    "patient": (
        {"subject": "A", "baseline": "diagnosis", "deceased": True, "survival_days": 200},
        {"subject": "B", "baseline": "diagnosis", "deceased": False, "survival_days": 30},
        {"subject": "C", "baseline": "imaging", "deceased": True, "survival_days": 400},
        {"subject": "D", "baseline": "diagnosis", "deceased": True},
    ),
    "study": _STUDIES,
    "series": [{**one, "modality": one["of"]} for one in _STUDIES],
    "treatment": (
        {"treatment_id": "1", "subject": "A", "type": "surgery", "start_offset_days": 0},
        {"treatment_id": "2", "subject": "A", "type": "hormone", "start_offset_days": 30},
        {"treatment_id": "3", "subject": "B", "type": "surgery", "start_offset_days": 10},
        {"treatment_id": "4", "subject": "B", "type": "surgery", "start_offset_days": 90}
        | {"given": False},
        {"treatment_id": "5", "subject": "C", "type": "surgery", "start_offset_days": 0},
        {"treatment_id": "6", "subject": "D", "type": "surgery"},
    ),
}
"""Four subjects. A: MR 90 days before an operation. B: MR, CT and operation on one day; a later
operation was not made. C: counted from the first study. D: an operation without a day."""

_WHEN = (
    ("modality = MR within 90 days before treatment = surgery", 2, 2),
    ("modality = MR within 89 days before treatment = surgery", 1, 1),
    ("modality = MR more than 89 days before treatment = surgery", 1, 1),
    ("modality = MR more than 90 days before treatment = surgery", 0, 0),
    ("modality = MR at least 1 day before treatment = surgery", 1, 1),
    ("modality = MR between 1 and 90 days before treatment = surgery", 1, 1),
    ("modality = MR within 0 days of treatment = surgery", 1, 1),
    ("modality = MR before treatment = surgery", 2, 2),
    ("modality = MR after treatment = surgery", 1, 1),
    ("treatment = surgery before modality = CT", 2, 3),
    ("not (modality = MR before treatment = surgery)", 2, 4),
    ("treatment = surgery and treatment_day > 89", 0, 0),
    ("in one treatment (treatment = surgery and treatment_day = 30)", 0, 0),
    ("treatment = surgery before treatment = hormone", 1, 3),
    ("modality = CT within 0 days of modality = MR", 1, 2),
    ("modality = CT within 0 days of modality = CT", 0, 0),
    ("modality = CT within 200 days after diagnosis", 2, 3),
    ("modality = MR before diagnosis", 2, 2),
    ("modality = CT within 0 days before death", 1, 1),
    ("death within 200 days after treatment = surgery", 1, 3),
    ("death after diagnosis", 1, 3),
    ("at least 2 (modality = CT) more than 180 days apart", 2, 5),
    ("at least 2 (modality = CT) more than 400 days apart", 0, 0),
    ("at least 3 (modality = CT) at least 181 days apart", 1, 3),
    ("at least 3 (modality = CT) within 399 days apart", 0, 0),
    ("at least 2 (study_day is known) within 0 days apart", 1, 2),
    ("not (at least 2 (modality = CT) more than 180 days apart)", 2, 4),
    ("at least 2 (treatment_day >= 0) between 30 and 30 days apart", 1, 3),
)


class CohortEngineContract:
    """Inherit, and say how to make an engine that may read below `root`."""

    @abstractmethod
    def make(self, root: Path) -> CohortEngine: ...

    @pytest.mark.parametrize(("text", "n_subjects", "n_studies"), _WHO)
    def test_a_query_counts_the_subjects_and_studies_it_means(
        self, tmp_path: Path, text: str, n_subjects: int, n_studies: int
    ) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        found = self.make(tmp_path).count(version, parse(text))
        assert isinstance(found, ExactCounts)
        assert (found.n_subjects, found.n_studies) == (n_subjects, n_studies)

    @pytest.mark.parametrize(("text", "n_subjects", "n_studies"), _WHEN)
    def test_a_relation_in_time_counts_the_subjects_and_studies_it_means(
        self, tmp_path: Path, text: str, n_subjects: int, n_studies: int
    ) -> None:
        version = write_version(tmp_path / "v1", COURSES)
        found = self.make(tmp_path).count(version, parse(text))
        assert isinstance(found, ExactCounts)
        assert (found.n_subjects, found.n_studies) == (n_subjects, n_studies)

    def test_a_relation_in_time_needs_days(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        engine = self.make(tmp_path)
        for text, lacking in (
            ("modality = MR before diagnosis", ("day_zero", "study_day")),
            ("at least 2 (modality = CT) within 9 days apart", ("study_day",)),
            ("treatment = surgery before death", ("day_zero", "treatment", "treatment_day")),
        ):
            assert engine.count(version, parse(text)) == NotSupported(lacking)

    def test_days_that_are_no_whole_numbers_are_counted(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", COURSES)
        path = version / "study.parquet"
        table = pq.read_table(path)
        days = table.column("study_offset_days").cast(pa.float64()).to_pylist()
        days[0] = -90.5
        place = table.column_names.index("study_offset_days")
        pq.write_table(table.set_column(place, "study_offset_days", pa.array(days)), path)
        engine = self.make(tmp_path)
        for n_days, n_subjects in ((90, 1), (91, 2)):
            query = parse(f"modality = MR within {n_days} days before treatment = surgery")
            found = engine.count(version, query)
            assert isinstance(found, ExactCounts)
            assert found.n_subjects == n_subjects

    def test_counted_studies_come_with_the_number_of_their_subjects(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        found = self.make(tmp_path).count(version, parse("sex is known or modality = MG"))
        assert found == ExactCounts(n_subjects=4, n_studies=1, n_study_subjects=1)

    def test_a_field_with_no_value_in_any_row_is_not_supported(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        query = parse("cancer = breast and (her2 = positive or age_at_imaging > 5)")
        found = self.make(tmp_path).count(version, query)
        assert found == NotSupported(("age_at_imaging", "her2"))

    def test_a_field_without_a_column_is_not_supported(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL, without=["series.body_part"])
        found = self.make(tmp_path).count(version, parse("body_part is unknown"))
        assert found == NotSupported(("body_part",))

    def test_a_field_whose_table_has_no_file_is_not_supported(self, tmp_path: Path) -> None:
        tables = {name: rows for name, rows in HOSPITAL.items() if name != "condition"}
        version = write_version(tmp_path / "v1", tables)
        engine = self.make(tmp_path)
        assert engine.count(version, parse("cancer = breast")) == NotSupported(("cancer",))
        assert engine.count(version, parse("modality = MR")) == ExactCounts(1, 1, 1)

    def test_a_study_group_needs_the_study_table(self, tmp_path: Path) -> None:
        tables = {name: rows for name, rows in HOSPITAL.items() if name != "study"}
        version = write_version(tmp_path / "v1", tables)
        engine = self.make(tmp_path)
        group = parse("in one study (modality = MR)")
        assert engine.count(version, group) == NotSupported(("modality",))
        assert engine.count(version, parse("modality = MR")) == ExactCounts(1, 0, 0)

    def test_a_field_of_a_later_version_is_not_supported(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        conditions: list[object] = [
            {"field": "ki67", "op": ">=", "values": [20]},
            {"field": "cancer", "op": "=", "values": ["appendix"]},
            {"field": "sex", "op": "=", "values": ["male"]},
        ]
        query = Query.from_json({"version": 1, "where": {"or": conditions}})
        assert self.make(tmp_path).count(version, query) == NotSupported(("cancer", "ki67"))

    def test_not_a_number_is_unknown(self, tmp_path: Path) -> None:
        thickness = (float("nan"), 3.0, float("nan"), None, 5.0, 5.0)
        series = [
            {**row, "slice_thickness_mm": mm}
            for row, mm in zip(HOSPITAL["series"], thickness, strict=True)
        ]
        version = write_version(tmp_path / "v1", {**HOSPITAL, "series": series})
        engine = self.make(tmp_path)
        for text, n_subjects in (
            ("slice_thickness is known", 3),
            ("slice_thickness is unknown", 2),
            ("slice_thickness != 3", 2),
            ("slice_thickness > 3", 2),
        ):
            found = engine.count(version, parse(text))
            assert isinstance(found, ExactCounts)
            assert found.n_subjects == n_subjects

    @pytest.mark.parametrize(
        ("text", "out", "counts"),
        [
            ("sex = male", "A", (1, 1, 1)),
            ("sex = male", "AD", (0, 0, 0)),
            ("modality = PT", "B", (1, 1, 1)),
            ("not (modality = CT)", "A", (1, 1, 1)),
            ("in one study (modality = CT)", "BX", (1, 1, 1)),
            ("stage is unknown", "C", (1, 1, 1)),
            ("sex = male", "x' OR '1'='1", (2, 3, 2)),
        ],
    )
    def test_excluded_subjects_and_their_studies_are_in_no_count(
        self, tmp_path: Path, text: str, out: str, counts: tuple[int, int, int]
    ) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        names = {out} if "'" in out else set(out)
        excluded = frozenset(Pseudonym(name) for name in names)
        found = self.make(tmp_path).count(version, parse(text), excluded)
        assert found == ExactCounts(*counts)

    def test_those_whom_it_counts_have_names(self, tmp_path: Path) -> None:
        engine, version = self.make(tmp_path), write_version(tmp_path / "v1", HOSPITAL)
        found = engine.matching(version, parse("modality = PT"))
        assert found == Matching(frozenset("AB"), frozenset({"A2", "B1"}))
        assert "B1" not in repr(found)
        but_b = engine.matching(version, parse("modality = PT"), frozenset({Pseudonym("B")}))
        assert but_b == Matching(frozenset("A"), frozenset({"A2"}))
        assert engine.matching(version, parse("her2 = positive")) == NotSupported(("her2",))

    def test_what_is_supported_does_not_tell_that_somebody_is_excluded(
        self, tmp_path: Path
    ) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        engine, everybody = self.make(tmp_path), frozenset(map(Pseudonym, "ABCD"))
        for text in ("psa >= 10 ng/mL", "survival_days > 1", "slice_thickness > 1"):
            assert engine.count(version, parse(text), everybody) == ExactCounts(0, 0, 0)

    def test_ten_thousand_exclusions_take_under_a_second(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        engine = self.make(tmp_path)
        excluded = frozenset(Pseudonym(f"TES-{i:016}") for i in range(10_000)) | {Pseudonym("A")}
        begun = process_time()
        assert engine.count(version, parse("sex = male"), excluded) == ExactCounts(1, 1, 1)
        assert process_time() - begun < 1

    def test_values_that_look_like_sql_are_only_values(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        query = parse("""body_part = "x' OR 1=1 --" or body_part = '"; DROP TABLE patient' """)
        assert self.make(tmp_path).count(version, query) == ExactCounts(0, 0, 0)

    @pytest.mark.parametrize("name", ["it's", "a*b", "x[1]", "what?", "Målmö ' OR 1"])
    def test_any_folder_name_will_do(self, tmp_path: Path, name: str) -> None:
        version = write_version(tmp_path / name / "v1", HOSPITAL)
        assert self.make(tmp_path).count(version, parse("modality = MR")) == ExactCounts(1, 1, 1)

    def test_a_damaged_file_is_unavailable_and_its_bytes_are_not_in_the_error(
        self, tmp_path: Path
    ) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        (version / "series.parquet").write_bytes(b"PAR1 Svensson PAR1")
        with pytest.raises(Unavailable, match=r"series\.parquet") as caught:
            self.make(tmp_path).count(version, parse("modality = MR"))
        assert "Svensson" not in str(caught.value)

    def test_a_folder_without_a_patient_table_is_unavailable(self, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match=r"patient\.parquet"):
            self.make(tmp_path).count(tmp_path, parse("modality = MR"))

    def test_an_empty_dataset_supports_no_field(self, tmp_path: Path) -> None:
        empty: Rows = dict.fromkeys(HOSPITAL, ())
        version = write_version(tmp_path / "v1", empty)
        assert self.make(tmp_path).count(version, parse("sex = male")) == NotSupported(("sex",))

    def test_nothing_is_written(self, tmp_path: Path) -> None:
        version = write_version(tmp_path / "v1", HOSPITAL)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
        self.make(tmp_path).count(version, parse("modality = MR"))
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
