"""The shape of a dataset tells of no one; a twin drawn from it is valid and of that shape."""

import json
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.adapters.twin.draw import DAY_0, draw
from tessera.domain.clinical.build import CdmTables, build_tables
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entities import LabTestResult, Treatment
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.tiers.tables import problems
from tessera.domain.twin.gate import shape_of
from tessera.domain.twin.shape import Shape, shape_from_json

POLICY = CountPolicy(minimum=10, step=10)


def hospital(cancers: list[str], odd: int = 0) -> CdmTables:
    """A subject with each of `cancers`; the first `odd` of them differ in everything."""
    records, rows = [], []
    for n, cancer in enumerate(cancers):
        who, is_odd = Pseudonym(f"TES-{n:04}"), n < odd
        day = date(2019, 1, 1) + timedelta(days=n)
        value = 999.0 if is_odd else 130.0 + n % 20
        records.append(
            ClinicalRecord(
                Subject(subject=who, sex="other" if is_odd else "male", population="cancer"),
                (
                    CancerCondition(
                        condition_id=f"{who}/1",
                        subject=who,
                        cancer=cancer,
                        age_at_diagnosis=104.0 if is_odd else 60.0 + n % 15,
                        diagnosis_date=day,
                        topography="C61.9",
                    ),
                ),
                (
                    LabTestResult(
                        lab_test_id=f"{who}/l",
                        subject=who,
                        code="haemoglobin",
                        value_number=value,
                        unit="g/L",
                        lab_date=day,
                    ),
                    Treatment(
                        treatment_id=f"{who}/t",
                        subject=who,
                        condition_id=f"{who}/1",
                        type="surgery",
                        start_date=day + timedelta(days=20 + n % 5),
                    ),
                ),
            )
        )
        rows += [
            InstanceRow(
                subject=who,
                study_uid=StudyUid(f"1.2.{n}"),
                series_uid=SeriesUid(f"1.2.{n}.{series}"),
                instance_uid=InstanceUid(f"1.2.{n}.{series}.{place}"),
                sop_class_uid="1.2",
                transfer_syntax_uid="1.2",
                modality="XX" if is_odd else modality,
                manufacturer="ODD" if is_odd else f"Maker of {modality}",
                study_date=day + timedelta(days=3),
                rows=64,
                columns=64,
            )
            for series, modality in enumerate(("CT", "PT"))
            for place in range(4)
        ]
    return build_tables(records, rows)


def shape(tables: CdmTables, policy: CountPolicy = POLICY) -> Shape:
    released = shape_of(tables, policy, dataset_id="d", version=1, manifest_sha256="ab" * 32)
    return released.value


def test_what_fewer_than_the_minimum_have_is_not_in_the_shape() -> None:
    text = shape(hospital(["prostate"] * 60 + ["breast"] * 9, odd=9)).to_json()
    for word in ("breast", "other", "ODD", "XX", "999", "104", "TES-", "1.2.", "2019"):
        assert word not in text.replace("1.2.0", ""), word
    assert "Maker of CT" in text


@given(st.integers(0, 9), st.integers(10, 40))
def test_one_person_more_or_less_below_the_minimum_changes_no_word(odd: int, n: int) -> None:
    """The values of a few cannot be told from the words of the shape, however many there are."""
    few = shape(hospital(["prostate"] * (n + odd), odd=odd))
    words = {
        word
        for stratum in few.strata
        for rows in stratum.tables.values()
        for kind in rows.kinds
        for column in kind.columns.values()
        for word, _ in column.words
    }
    assert not words & {"other", "ODD", "XX"}


def test_shape_survives_its_json_form() -> None:
    made = shape(hospital(["prostate"] * 40))
    assert shape_from_json(made.to_json()) == made


@pytest.mark.parametrize("text", ["", "[]", '{"format": "tessera-twin/1"}', '{"format": "x"}'])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        shape_from_json(text)


def test_twin_is_valid_and_of_the_same_shape() -> None:
    made = draw(shape(hospital(["prostate"] * 40 + ["lung"] * 30)), seed=3, n_subjects=140)
    assert problems(made) == ()
    assert Counter(made["condition"].column("cancer")) == {"prostate": 80, "lung": 60}
    assert len(made["study"].rows) == 140
    makers = set(
        zip(made["series"].column("modality"), made["series"].column("manufacturer"), strict=True)
    )
    assert makers == {("CT", "Maker of CT"), ("PT", "Maker of PT")}
    values = [float(str(v)) for v in made["lab_test_result"].column("value_number") if v]
    assert all(120 < value < 160 for value in values)
    assert all(str(subject).startswith("TWIN-") for subject in made["patient"].column("subject"))
    days = [day for day in made["study"].column("study_date") if isinstance(day, date)]
    assert days and all(DAY_0 <= day < DAY_0 + timedelta(days=800) for day in days)


def test_same_seed_same_twin_and_another_seed_another() -> None:
    told = shape(hospital(["prostate"] * 40))
    one, again, other = draw(told, seed=1), draw(told, seed=1), draw(told, seed=2)
    assert one["series"].rows == again["series"].rows != other["series"].rows


def test_dataset_of_few_has_no_twin() -> None:
    told = shape(hospital(["prostate"] * 9))
    assert json.loads(told.to_json())["strata"] == []
    with pytest.raises(InvalidInput):
        draw(told, seed=1)
