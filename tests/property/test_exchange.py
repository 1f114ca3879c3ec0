"""What a format can carry comes back as it was; what it cannot is what the loss table lists."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.entities import Treatment, TumorMarkerTest
from tessera.domain.exchange.eucaim import EucaimWriter
from tessera.domain.exchange.eucaim_in import LINE, rows_of_files
from tessera.domain.exchange.eucaim_tables import eucaim_files
from tessera.domain.exchange.fhir import resources_of
from tessera.domain.exchange.fhir_in import rows_of_resources
from tessera.domain.exchange.flat import (
    MEASURED,
    RESULT,
    columns_of_header,
    rows_of_flat,
    subject_columns,
    subject_row,
)
from tessera.domain.exchange.loss import KEPT_FLAT, LOST, LOST_FLAT
from tessera.domain.exchange.omop import OmopWriter
from tessera.domain.exchange.omop_in import rows_of_person
from tessera.domain.exchange.omop_tables import OMOP_COLUMNS
from tessera.domain.exchange.rows import (
    CLINICAL,
    SubjectRows,
    columns_of,
    from_text,
    is_made_anew,
    key_of,
    record_of,
    to_text,
)
from tests.exchange_records import (
    REPEATED,
    WHO,
    canonical,
    cells,
    differing,
    full_record,
    key,
    outgoing,
    plain_cancer,
    records,
    subject_only,
)

Trip = Callable[[SubjectRows], tuple[SubjectRows, Counter[str]]]


def by_eucaim(rows: SubjectRows) -> tuple[SubjectRows, Counter[str]]:
    files: dict[str, list[dict[str, str]]] = {}
    for name, line in EucaimWriter("set").lines(rows):
        held = files.setdefault(name, [])
        header = eucaim_files()[name].header
        held.append({**dict(zip(header, line, strict=True)), LINE: str(len(held) + 1)})
    unread: Counter[str] = Counter()
    return rows_of_files(WHO, files, unread), unread


def by_omop(rows: SubjectRows) -> tuple[SubjectRows, Counter[str]]:
    tables: dict[str, list[dict[str, str]]] = {}
    for name, line in OmopWriter(date(2026, 1, 1)).rows(rows):
        tables.setdefault(name, []).append(dict(zip(OMOP_COLUMNS[name], line, strict=True)))
    unread: Counter[str] = Counter()
    return rows_of_person(tables["person"][0], tables, unread), unread


def by_fhir(rows: SubjectRows) -> tuple[SubjectRows, Counter[str]]:
    resources = json.loads(json.dumps(list(resources_of(rows))))
    unread: Counter[str] = Counter()
    return rows_of_resources(resources[0], resources[1:], unread), unread


def by_flat(rows: SubjectRows) -> tuple[SubjectRows, Counter[str]]:
    results: dict[str, dict[str, list[str]]] = {}
    for table in MEASURED:
        for row in rows[table]:
            found = [name for name in RESULT if row.get(name) is not None]
            results.setdefault(table, {}).setdefault(row["code"], []).extend(found)
    columns = subject_columns(results)
    line = {name: to_text(value) for name, value in subject_row(rows, columns).items()}
    known = columns_of_header(list(line))
    assert {one.name for one in columns} == {one.name for one in known}
    read = {one.name: from_text(line[one.name], one.kind) for one in known}
    return rows_of_flat(read, known), Counter()


TRIPS: dict[str, Trip] = {"eucaim": by_eucaim, "omop": by_omop, "fhir": by_fhir}


def back(record: ClinicalRecord, trip: Trip) -> ClinicalRecord:
    rows, unread = trip(outgoing(record))
    assert not +unread
    return record_of(rows, WHO)


@pytest.mark.parametrize("form", TRIPS)
@settings(max_examples=30)
@given(record=records())
def test_what_a_format_carries_comes_back(form: str, record: ClinicalRecord) -> None:
    # What stands beside the cancer is made anew from rows that may have lost their cancer.
    repeated = {f"condition.{name}" for name in REPEATED}
    lost = differing(canonical(record), back(record, TRIPS[form])) - repeated
    assert lost <= LOST[form].keys()


@pytest.mark.parametrize("form", TRIPS)
def test_the_loss_table_is_exact(form: str) -> None:
    record = full_record()
    repeated = {f"condition.{name}" for name in REPEATED}
    lost = differing(canonical(record), back(record, TRIPS[form])) - repeated
    assert lost == LOST[form].keys()


def test_every_column_of_the_full_record_has_a_value() -> None:
    there = {(table, name) for table, _, name in cells(full_record())}
    for table in CLINICAL:
        for name in columns_of(table.name):
            anew = is_made_anew(name) or name in REPEATED
            assert anew or (table.name, name) in there, (table.name, name)


def test_the_flat_table_carries_the_first_row_of_what_it_keeps() -> None:
    full = full_record()
    firsts = [full.conditions[:1], [f for f in full.facts if getattr(f, _key(f)).endswith("/1")]]
    record = ClinicalRecord(full.subject, tuple(firsts[0]), tuple(firsts[1]))
    returned = record_of(by_flat(outgoing(record))[0], WHO)
    lost = differing(canonical(record), returned) - {f"condition.{name}" for name in REPEATED}
    kept = {one for one in lost if one.partition(".")[0] in KEPT_FLAT}
    assert kept == LOST_FLAT.keys()
    gone = {one.partition(".")[0] for one in lost} - {one.partition(".")[0] for one in kept}
    assert gone == {table.name for table in CLINICAL} - set(KEPT_FLAT)


def _key(fact: Any) -> str:
    return key_of(type(fact).TABLE.name)


@pytest.mark.parametrize("form", [*TRIPS, "flat"])
def test_values_beside_the_cancer_come_back(form: str) -> None:
    values = {"stage": "III", "gleason": 7, "psa_ng_ml": 1234.5, "her2": "negative"}
    record = plain_cancer(
        diagnosis_date=date(2020, 3, 1),
        age_at_diagnosis=64.5,
        first_treatment="surgery",
        **values,
    )
    trip = {**TRIPS, "flat": by_flat}[form]
    cancer = back(record, trip).conditions[0]
    assert {name: getattr(cancer, name) for name in values} == values
    assert cancer.first_treatment == "surgery"
    assert cancer.code_sct == "399068003"


@pytest.mark.parametrize("form", [*TRIPS, "flat"])
def test_a_limit_never_becomes_a_measured_number(form: str) -> None:
    limit = TumorMarkerTest(
        marker_test_id=key("tumor_marker_test", 1),
        subject=WHO,
        code="psa",
        condition_id=key("condition", 1),
        comparator="<",
        value_number=0.1,
        unit="ng/mL",
    )
    plain = plain_cancer(diagnosis_date=date(2020, 3, 1), age_at_diagnosis=64.5)
    record = ClinicalRecord(plain.subject, plain.conditions, (limit,))
    returned = back(record, {**TRIPS, "flat": by_flat}[form])
    assert [(f.comparator, f.value_number) for f in returned.facts] == [("<", 0.1)]  # type: ignore[union-attr]
    assert returned.conditions[0].psa_ng_ml is None


@pytest.mark.parametrize("form", [*TRIPS, "flat"])
def test_a_control_without_a_cancer_comes_back(form: str) -> None:
    record = subject_only()
    assert back(record, {**TRIPS, "flat": by_flat}[form]) == record


def test_what_was_not_given_is_no_treatment_in_an_eucaim_folder() -> None:
    not_given = Treatment(
        treatment_id=key("treatment", 1), subject=WHO, type="surgery", given=False
    )
    record = ClinicalRecord(subject_only().subject, (), (not_given,))
    assert back(record, by_eucaim).facts == ()
    assert back(record, by_omop).facts == back(record, by_fhir).facts == (not_given,)


def test_omop_tells_a_date_that_stands_in_from_a_known_one() -> None:
    lines = OmopWriter(date(2026, 1, 1)).rows(outgoing(plain_cancer(age_at_diagnosis=60.0)))
    rows = [dict(zip(OMOP_COLUMNS[n], r, strict=True)) for n, r in lines if n.startswith("cond")]
    assert [(r["condition_start_date"], r["condition_start_datetime"]) for r in rows] == [
        ("2020-03-01", "")
    ]


def test_a_number_of_a_thousand_is_written_in_full() -> None:
    rows = outgoing(plain_cancer(psa_ng_ml=12345.678))
    lines = dict(EucaimWriter("set").lines(rows))
    header = eucaim_files()["tumor_marker_test"].header
    line = dict(zip(header, lines["tumor_marker_test"], strict=True))
    assert line["tumor_marker_test_as_number"] == "12345.678"
    assert line["tumor_marker_test_code"] == "CLIN1033410"


def test_a_code_that_no_concept_has_becomes_null_and_is_counted() -> None:
    files = {
        "patient": [{"patient_id": "p", "patient_birth_sex": "NOT FOUND"}],
        "cancer_condition": [
            {"cancer_condition_id": "a", "cancer_condition_code": "NOT FOUND"},
            {"cancer_condition_id": "b", "cancer_condition_code": "CLIN1000060"},
        ],
        "tumor_marker_test": [
            {"tumor_marker_test_code": "CLIN1033410", "tumor_marker_test_as_number": "about 4"}
        ],
    }
    unread: Counter[str] = Counter()
    read = record_of(rows_of_files("p", files, unread), WHO)
    assert read.subject.sex is None
    assert [one.cancer for one in read.conditions] == ["breast"]
    assert [one.value_number for one in read.facts] == [None]  # type: ignore[union-attr]
    assert +unread == {
        "patient.patient_birth_sex": 1,
        "cancer_condition.cancer_condition_code": 1,
        "tumor_marker_test.tumor_marker_test_as_number": 1,
    }
