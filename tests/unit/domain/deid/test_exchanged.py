"""The gate for records of another format: whatever a cell says, no text of it passes."""

from collections import Counter
from datetime import date, timedelta

import pytest

from tessera.domain.clinical.record_json import record_to_json
from tessera.domain.deid.exchanged import deidentify_exchanged
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.exchange.at_diagnosis import spelled_out
from tessera.domain.exchange.rows import (
    CLINICAL,
    SubjectRows,
    columns_of,
    key_of,
    record_of,
    rows_of,
)
from tessera.domain.zones import Identified
from tests.exchange_records import WHO, canonical, full_record

KEY = Pseudonymiser(b"k" * 32)
NAME = "Anna Andersson"
PLACES = [(table.name, column) for table in CLINICAL for column in columns_of(table.name)]


def gated(rows: SubjectRows) -> tuple[str, Counter[str]]:
    refused: Counter[str] = Counter()
    made = deidentify_exchanged([Identified(rows)], KEY, "", refused)
    return "".join(record_to_json(one.value) for one in made), refused


@pytest.mark.parametrize("value", [NAME, [NAME], {"text": NAME}])
def test_no_text_passes_in_any_column(value: object) -> None:
    for table, column in PLACES:
        rows = rows_of(full_record())
        changed = [{**row, column: value} for row in rows[table]]
        stored, _refused = gated(SubjectRows(NAME, {**rows.tables, table: changed}))
        assert stored
        assert NAME not in stored, (table, column)


def test_what_is_left_out_is_counted_by_its_column() -> None:
    rows = rows_of(full_record())
    sites = [{**row, "body_site": NAME} for row in rows["tumor"]]
    _, refused = gated(SubjectRows(WHO, {**rows.tables, "tumor": sites}))
    assert refused == {"tumor.body_site": 2}


def test_a_full_record_passes_whole_under_a_pseudonym_with_its_dates_moved_as_one() -> None:
    whole = spelled_out(rows_of(full_record()))
    refused: Counter[str] = Counter()
    made = next(iter(deidentify_exchanged([Identified(whole)], KEY, "", refused))).value
    who = KEY.pseudonym(WHO)
    days = timedelta(days=KEY.shift_days(who))
    assert not refused
    there, back = canonical(full_record()), record_of(rows_of(made), WHO)
    moved = rows_of(there).tables
    for table, rows in rows_of(back).tables.items():
        for before, after in zip(moved[table], rows, strict=True):
            for name, value in after.items():
                if name in (key_of(table), "study_uid") or name not in before:
                    continue
                same = before[name] - days if isinstance(value, date) else before[name]
                assert value == same, (table, name)


def test_the_second_of_two_who_are_one_person_is_left_out() -> None:
    rows = rows_of(full_record())
    refused: Counter[str] = Counter()
    twice = [Identified(SubjectRows(who, rows.tables)) for who in ("19121212-1212", "191212121212")]
    assert len(list(deidentify_exchanged(twice, KEY, "", refused))) == 1
    assert refused == {"patient.subject": 1}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), True, "4"])
def test_a_number_is_a_number(number: object) -> None:
    rows = rows_of(full_record())
    changed = [{**row, "value_number": number} for row in rows["tumor_marker_test"]]
    _, refused = gated(SubjectRows(WHO, {**rows.tables, "tumor_marker_test": changed}))
    assert refused == {"tumor_marker_test.value_number": 2}
