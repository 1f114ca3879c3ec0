"""k over headers and clinical table together, and what would lower the risk."""

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.deid.risk import COLUMNS, known_of, risk_of
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow


def row(who: str, *, sex: str = "F", age: float | None = 61.0, modality: str = "CT") -> InstanceRow:
    return InstanceRow(
        subject=Pseudonym(who),
        study_uid=StudyUid("1"),
        series_uid=SeriesUid("1"),
        instance_uid=InstanceUid(who + modality),
        sop_class_uid="1",
        transfer_syntax_uid="1",
        sex=sex,
        age_years=age,
        modality=modality,
    )


def record(
    who: str, cancer: str, age: float | None = None, sex: str | None = None
) -> ClinicalRecord:
    subject = Subject(
        subject=Pseudonym(who), sex=sex, population=None, deceased=None, survival_days=None
    )
    condition = CancerCondition(
        condition_id=who,
        subject=Pseudonym(who),
        cancer=cancer,
        code_sct=None,
        code_eucaim=None,
        topography=None,
        morphology=None,
        age_at_diagnosis=age,
        diagnosis_date=None,
        stage=None,
        gleason=None,
        psa_ng_ml=None,
        er=None,
        pr=None,
        her2=None,
        first_treatment=None,
        treatment_offset_days=None,
    )
    return ClinicalRecord(subject, (condition,))


def test_headers_and_table_are_joined() -> None:
    (values,) = known_of(
        [row("A", age=61), row("A", modality="MR")], [record("A", "breast", 58.2, "female")]
    ).values()
    told = dict(zip(COLUMNS, values, strict=True))
    assert told == {
        "sex": "female",
        "age": "55-59",
        "cancer": "breast",
        "topography": "",
        "deceased": "",
        "modalities": "CT MR",
        "body_parts": "",
    }


def test_the_one_with_the_rare_cancer_stands_out() -> None:
    rows = [row(f"S{n}") for n in range(12)]
    alike = risk_of(rows, [])
    assert (alike.k, alike.unique, alike.small, alike.highest) == (12, 0, 0, 1 / 12)
    told = risk_of(rows, [record("S3", "sarcoma"), *(record(f"S{n}", "breast") for n in range(3))])
    assert (told.k, told.unique, told.small) == (1, 1, 4)
    assert told.sizes == ((1, 1), (3, 1), (8, 1))
    assert told.mean == 3 / 12
    assert told.coarser[0].column == "cancer"
    assert (told.coarser[0].unique, told.coarser[0].small) == (0, 0)


def test_wider_bands_of_age_are_weighed() -> None:
    risk = risk_of([row(str(n), age=60 + n) for n in range(7)], [])
    assert (risk.k, risk.small) == (2, 2)
    weighed = {(c.column, c.change): (c.unique, c.small) for c in risk.coarser}
    assert weighed == {("age", "ten-years"): (0, 0), ("age", "left-out"): (0, 0)}


def test_nobody_is_no_risk() -> None:
    nobody = risk_of([], [])
    assert (nobody.k, nobody.highest, nobody.mean, nobody.coarser) == (0, 0.0, 0.0, ())


def test_very_old_ages_are_one_band() -> None:
    assert {
        values[1] for values in known_of([row("A", age=90), row("B", age=101)], []).values()
    } == {"90+"}
