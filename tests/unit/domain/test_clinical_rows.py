"""Tables whose rows are entities, several tables in one mapping, limits and TNM."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.clinical.mapping import RowReader, SourceRow
from tessera.domain.clinical.mapping_file import parse_mapping, parse_mapping_file
from tessera.domain.clinical.record_json import differences, record_from_json, record_to_json
from tessera.domain.clinical.tnm import Tnm, read_tnm
from tessera.domain.deid.clinical import deidentify_clinical, deidentify_rows
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import InvalidMapping, TesseraError
from tessera.domain.zones import Identified

GATE = Pseudonymiser(bytes(32))
TODAY = date(2025, 1, 1)
HEAD = '[mapping]\nname = "t"\nversion = "1"\n'
PATIENT = '[source.patient_id]\ncolumn = "id"\n'


def records(mapping: str, *rows: dict[str, str]) -> tuple[list[Any], list[str]]:
    reader = RowReader(parse_mapping(mapping), today=TODAY)
    read = [reader.read({"id": "A1", **row}, number) for number, row in enumerate(rows, 2)]
    made, between = deidentify_clinical([one.row for one in read if one.row], GATE)
    problems = [p.reason for one in read for p in one.problems] + [p.reason for p in between]
    return [one.value for one in made], problems


def test_every_part_of_a_tnm_text_tells_the_column_that_it_came_from() -> None:
    mapping = f"""{HEAD}{PATIENT}[columns.cancer]
column = "dx"
[columns.tnm]
column = "TNM"
[columns.n]
column = "N"
"""
    reader = RowReader(parse_mapping(mapping), today=TODAY)
    row = reader.read({"id": "A1", "dx": "prostate", "TNM": "cT3bM0", "N": "1"}, 2).row
    assert row is not None
    (gated,) = deidentify_rows([row], GATE)
    (trail,) = gated.trails
    staged = {c.column: c.source_column for c in trail.cells if c.table == "cancer_stage"}
    assert staged == {"t": "TNM", "n": "N", "m": "TNM", "basis": "TNM"}


def test_rows_about_what_the_mapping_has_no_use_for_are_passed_over() -> None:
    mapping = LABS.replace('Hb = "haemoglobin"', 'Hb = ""')
    reader = RowReader(parse_mapping(mapping), today=TODAY)
    cells = {"id": "A1", "value": "120", "unit": "g/L", "day": ""}
    passed = reader.read({**cells, "test": " hb"}, 2)
    assert (passed.row, passed.problems) == (None, ())
    unknown = reader.read({**cells, "test": "Zzz"}, 3)
    assert [one.reason for one in unknown.problems] == ["unknown-value"]


LABS = f"""{HEAD}rows = "lab_test_result"
{PATIENT}[columns.code]
column = "test"
values = {{ Krea = "creatinine", Hb = "haemoglobin" }}
[columns.value]
column = "value"
unit_column = "unit"
[columns.date]
column = "day"
"""


def test_each_row_of_a_laboratory_is_a_result_in_the_unit_of_its_analysis() -> None:
    rows = (
        {"test": "Krea", "value": "1", "unit": "mg/dL", "day": "2020-01-02"},
        {"test": "Hb", "value": "<70", "unit": "g/L", "day": ""},
        {"test": "Zzz", "value": "4", "unit": "g/L"},
        {"test": "Hb", "value": "120", "unit": ""},
    )
    (record,), problems = records(LABS, *rows)
    first, second, third = record.facts
    assert (first.code, first.unit) == ("creatinine", "umol/L")
    assert first.value_number == pytest.approx(88.4, abs=0.1)
    assert first.lab_date == GATE.shifted(date(2020, 1, 2), record.subject.subject)
    assert (second.comparator, second.value_number, second.unit) == ("<", 70, "g/L")
    assert third.value_number is None
    assert problems == ["unknown-value", "not-a-row", "no-unit"]


def test_a_unit_and_whole_numbers_of_an_entity_are_read() -> None:
    tumor = (
        f'{HEAD}rows = "tumor"\n{PATIENT}[columns.maximum_diameter_mm]\ncolumn = "d"\nunit = "cm"'
    )
    (record,), problems = records(tumor, {"d": "2.5"})
    assert (record.facts[0].maximum_diameter_mm, problems) == (25.0, [])
    dose = f'{HEAD}rows = "radiotherapy"\n{PATIENT}[columns.fractions]\ncolumn = "n"'
    (record,), problems = records(dose, {"n": "25"})
    treatment, radiotherapy = record.facts
    assert (radiotherapy.fractions, type(radiotherapy.fractions), problems) == (25, int, [])
    assert radiotherapy.treatment_id == treatment.treatment_id


def test_several_tables_are_chosen_by_the_name_of_the_file() -> None:
    whole = parse_mapping_file(
        f"""{HEAD}
[[tables]]
file = "reg*.csv"
[tables.source.patient_id]
column = "id"
[tables.columns.sex]
column = "sex"
[[tables]]
file = "labs.parquet"
rows = "lab_test_result"
[tables.source.patient_id]
column = "id"
[tables.columns.code]
column = "test"
"""
    )
    assert [one.rows for one in whole.of_file("labs.parquet")] == ["lab_test_result"]
    assert whole.of_file("register.csv")[0].columns() == ("id", "sex")
    with pytest.raises(InvalidMapping, match=r"other\.csv"):
        whole.of_file("other.csv")
    with pytest.raises(InvalidMapping, match="it maps 2 tables"):
        parse_mapping(LABS.split("rows")[0] + "[[tables]]\n[tables.source.patient_id]\n"
                      'column = "a"\n[tables.columns]\n' * 1 + "[[tables]]\n"
                      '[tables.source.patient_id]\ncolumn = "a"\n[tables.columns]\n')  # fmt: skip


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("cT3bN1M0", Tnm(basis="clinical", t="T3b", n="N1", m="M0")),
        ("ypT2 N0", Tnm(basis="post_therapy_pathological", t="T2", n="N0")),
        ("pT1c, pN1a(sn), cM0", Tnm(basis="pathological", t="T1c", n="N1a", m="M0")),
        ("TisN0M0", Tnm(t="Tis", n="N0", m="M0")),
        ("Τ4Ν2Μ1", Tnm(t="T4", n="N2", m="M1")),
        ("T9N0", None),
        ("T2T3", None),
        ("Anna Andersson", None),
        ("", None),
    ],
)
def test_tnm_is_read_as_people_write_it_or_not_at_all(text: str, read: Tnm | None) -> None:
    assert read_tnm(text) == read


@given(st.text(max_size=30))
def test_no_text_is_too_odd_for_tnm(text: str) -> None:
    read_tnm(text)


ODD = st.sampled_from(["Anna Andersson", "19121212-1212", "se journal", "A1", "prostate; Anna"])
NAMES = ["sex", "cancer", "topography", "stage", "er", "icd10", "tnm_basis", "marker.her2_ihc",
         "surgery", "medication", "history.diabetes", "score.birads", "laterality"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(NAMES), ODD, min_size=1))
def test_no_text_of_a_source_gets_through_the_gate(values: dict[str, str]) -> None:
    """Even where the reading before it had let free text through as a value."""
    row = SourceRow(number=2, patient_id="A1", issuer="", values={"cancer": "lung"} | values)
    try:
        gated = list(deidentify_rows([Identified(row)], GATE))
    except (TesseraError, KeyError):
        return
    body = record_to_json(gated[0].record.value)
    assert not any(word in body for word in ("Anna", "1912", "journal", '"A1"'))


def test_differences_name_the_columns_and_a_record_reads_back() -> None:
    (one,), _ = records(LABS, {"test": "Hb", "value": "120", "unit": "g/L"})
    (other,), _ = records(LABS, {"test": "Hb", "value": "121", "unit": "g/L"})
    before, after = record_to_json(one), record_to_json(other)
    assert differences(before, after) == ("lab_test_result.value_number",)
    assert differences(before, before) == ()
    assert record_from_json(before) == one
