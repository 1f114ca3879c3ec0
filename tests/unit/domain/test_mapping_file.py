"""Mapping files: what is accepted, and that every fault is named."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.clinical.mapping_file import ClinicalMapping, parse_mapping
from tessera.domain.errors import InvalidMapping

SMALL = """
[mapping]
name = "small"
version = "1"
[source]
missing = ["n/a"]
dates = ["DD/MM/YYYY"]
[source.patient_id]
column = "pnr"
[columns.sex]
column = "sex"
values = { Woman = "female", Man = "male" }
"""


def test_mapping_file_is_read_into_values() -> None:
    mapping = parse_mapping(SMALL)
    assert mapping.columns() == ("pnr", "sex")
    assert mapping.readings["sex"][0].values == {"woman": "female", "man": "male"}
    assert mapping.source.missing == {"", "n/a"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[source]", "[source]\ndelimeter = ';'", "source.delimeter"),
        ("[columns.sex]", "[columns.gendre]", "columns.gendre"),
        ('"female"', '"woman"', "columns.sex.values.Woman"),
        ('version = "1"', "", "mapping.version"),
        ('version = "1"', "version = 1", "mapping.version"),
        ('column = "pnr"', "", "source.patient_id.column"),
        ("DD/MM/YYYY", "MM/YYYY", "source.dates"),
        ("[columns.sex]", '[columns.psa_ng_ml]\ncolumn="p"\nunit="inch"\n[columns.sex]', "inch"),
        ("[columns.sex]", "[columns.sex]\nunit = 'ng'", "columns.sex.unit"),
        ("[mapping]", "[mapping", "not TOML"),
        ('missing = ["n/a"]', 'format = "ods"', "source.format"),
        ('missing = ["n/a"]', 'decimal = ";"', "source.decimal"),
    ],
)
def test_mapping_file_with_a_fault_is_refused_and_the_fault_is_named(
    old: str, new: str, named: str
) -> None:
    assert old in SMALL
    with pytest.raises(InvalidMapping) as error:
        parse_mapping(SMALL.replace(old, new, 1), "small.toml")
    assert named in str(error.value)
    assert "small.toml" in str(error.value)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
def test_mapping_file_of_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, SMALL + text):
        with suppress(InvalidMapping):
            assert isinstance(parse_mapping(whole), ClinicalMapping)
