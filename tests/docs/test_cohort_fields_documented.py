"""Every field of the cohort language is documented as it is, and every example can be asked."""

import json
import re

import pytest

from tessera.domain.clinical.cdm import TABLES
from tessera.domain.cohort.fields import FIELDS, Field
from tessera.domain.cohort.query import MAX_CONDITIONS, MAX_DEPTH, MAX_LENGTH, Operator, Query
from tessera.domain.cohort.syntax import parse
from tests.architecture.source import REPO

PAGE = (REPO / "docs" / "reference" / "cohort-language.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (\w+) \|([^|]*)\| (.+) \|$", re.MULTILINE)
ROWS = {name: (level, unit.strip(), values) for name, level, unit, values in ROW.findall(PAGE)}


def test_the_page_lists_every_field_once_and_in_order() -> None:
    assert [name for name, *_ in ROW.findall(PAGE)] == list(FIELDS)


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
def test_a_field_is_documented_with_its_level_unit_and_values(field: Field) -> None:
    level, unit, values = ROWS[field.name]
    assert (level, unit) == (field.level.value, field.unit)
    listed = re.findall(r"`([^`]+)`", values)
    if field.values and "…" not in values:
        assert listed == [concept.name for concept in field.values]
    for value in listed:
        assert parse(f'{field.name} = "{value}"')


@pytest.mark.parametrize("field", FIELDS.values(), ids=lambda field: field.name)
def test_a_field_names_a_column_of_the_common_data_model(field: Field) -> None:
    (table,) = (table for table in TABLES if table.name == field.table)
    assert field.column in {column.name for column in table.columns}


def test_every_operator_and_limit_is_on_the_page() -> None:
    for operator in Operator:
        for word in operator.split():
            assert word in PAGE
    assert f"{MAX_LENGTH:,} characters, {MAX_CONDITIONS} conditions and {MAX_DEPTH} levels" in PAGE


def test_every_example_query_can_be_asked() -> None:
    examples = re.findall(r"^\| `([^`]+)` \| [^|]+ \|$", PAGE, re.MULTILINE)
    queries = [text for text in examples if " " in text]
    assert len(queries) == 16
    queries += re.findall(r"^```\n(cancer .*)\n```$", PAGE, re.MULTILINE)
    assert len(queries) == 17
    for text in queries:
        whole = str(parse(text))
        assert parse(whole) == parse(text)
        if not {"before", "days"} & set(re.split(r"\W", text)):
            assert whole == text


def test_the_json_example_can_be_read() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    body = json.loads(text)
    assert Query.from_json(body).to_json() == body
