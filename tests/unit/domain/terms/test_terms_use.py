"""Search, units, migration between versions, and the `tessera terms` commands."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tessera.bootstrap.terms import migrate_table
from tessera.cli import terms as command
from tessera.domain.errors import InvalidInput
from tessera.domain.terms.errors import UnknownVersion
from tessera.domain.terms.migration import Move, migrated, migrations
from tessera.domain.terms.search import search
from tessera.domain.terms.terminology import version
from tessera.domain.terms.units import NotConvertible, UnknownUnit, factor, parse, ucum_of


@pytest.mark.parametrize(
    ("text", "language", "first"),
    [
        ("prostate cancer", "en", ("cancer", "prostate")),
        ("prostatacancer", "sv", ("cancer", "prostate")),
        ("bröstcanser", "sv", ("cancer", "breast")),
        ("colorectal", "en", ("cancer", "colorectum")),
        ("strålbehandling", "sv", ("treatment_type", "radiotherapy")),
        ("haemoglobn", "en", ("lab_test", "haemoglobin")),
        ("363406005", "en", ("cancer", "colon")),
        ("αιμοσφαιρίνη", "en", ("lab_test", "haemoglobin")),
    ],
)
def test_search_finds_the_best_first(text: str, language: str, first: tuple[str, str]) -> None:
    found = search(text, language)
    assert (found[0].concept.group, found[0].concept.name) == first
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_search_keeps_to_the_group_and_to_the_limit() -> None:
    assert {one.concept.group for one in search("lung", group="body_part")} == {"body_part"}
    assert len(search("cancer", limit=3)) == 3
    assert search("qqqqqqqq") == ()
    assert search("  ") == ()


@pytest.mark.parametrize(
    ("source", "goal", "marker", "expected"),
    [
        ("ng/mL", "ug/L", "", 1),
        ("g/dL", "g/L", "", 10),
        ("mg/dL", "umol/L", "creatinine", 88.40),
        ("mg/dL", "mmol/L", "glucose", 0.05551),
        ("ng/dL", "nmol/L", "testosterone", 0.03467),
        ("nmol/L", "ng/mL", "testosterone", 0.28842),
        ("/uL", "10*9/L", "", 0.001),
        ("10*3/uL", "10*9/L", "", 1),
        ("cm", "mm", "", 10),
        ("mL", "mm3", "", 1000),
        ("a", "d", "", 365.25),
        ("wk", "d", "", 7),
        ("ukat/L", "U/L", "", 60),
        ("m[IU]/mL", "[IU]/L", "", 1),
        ("mCi", "MBq", "", 37),
        ("mm[Hg]", "kPa", "", 0.133322),
        ("mL/min/{1.73_m2}", "mL/min", "", 1),
        ("10*-6.mm2/s", "mm2/s", "", 1e-6),
    ],
)
def test_units_convert(source: str, goal: str, marker: str, expected: float) -> None:
    assert factor(source, goal, marker) == pytest.approx(expected, rel=2e-4)
    assert factor(goal, source, marker) == pytest.approx(1 / expected, rel=2e-4)


def test_what_does_not_convert_is_refused() -> None:
    with pytest.raises(NotConvertible):
        factor("mg/dL", "mmol/L")
    with pytest.raises(NotConvertible):
        factor("[IU]/L", "ng/mL", "psa")
    for text in ("", "furlong", "mg/", "mg//dL", "{open", "kmg"):
        with pytest.raises(UnknownUnit):
            parse(text)
    assert ucum_of("µmol/l") == "umol/L"
    assert ucum_of("kg.m2") == "kg.m2"
    assert ucum_of("furlong") is None


def test_every_name_of_version_1_is_led_to_one_that_is_there() -> None:
    moves = migrations("1.0.0")
    old = {(move.old_group, move.old_name) for move in moves}
    cancers = {name for group, name in old if group == "cancer"}
    assert cancers >= {
        *("prostate", "breast", "lung", "colon", "rectum", "liver", "brain"),
        *("pancreas", "kidney", "bladder", "stomach"),
    }
    assert {("sex", "male"), ("er", "positive"), ("first_treatment", "surgery")} <= old
    assert ("cancer", "thyroid") not in old
    assert not [move for move in moves if move.is_change]
    assert migrations(version()) == ()
    with pytest.raises(UnknownVersion):
        migrations("0.1")


def test_a_value_that_was_renamed_or_retired_is_told() -> None:
    moves = (Move("cancer", "bowel", "cancer", "colorectum", ""), Move("sex", "n", "sex", "", ""))
    assert migrated(moves, "cancer", "bowel") == "colorectum"
    assert migrated(moves, "sex", "n") is None
    assert migrated(moves, "sex", "male") == "male"


def test_a_table_is_migrated_and_what_is_not_known_is_told(tmp_path: Path) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("id,cancer,er\n1,colon,positive\n2,gut,\n", encoding="utf-8")
    report = migrate_table(old, "1.0.0", new)
    assert report["rows"] == 2
    assert report["unknown"] == [{"column": "cancer", "value": "gut", "rows": 1}]
    assert new.read_text(encoding="utf-8").replace("\r\n", "\n") == old.read_text("utf-8")
    with pytest.raises(InvalidInput):
        migrate_table(old, "1.0.0", old)


def test_the_commands_print_people_and_programs_what_they_need(tmp_path: Path) -> None:
    run = CliRunner().invoke
    shown = run(command.terms_app, ["show", "cancer/colorectum"])
    assert shown.exit_code == 0
    assert "includes colon, rectum" in shown.output
    listed = json.loads(run(command.terms_app, ["groups", "--json"]).output)
    assert listed["version"] == version()
    found = json.loads(
        run(command.terms_app, ["search", "lungcancer", "--language", "sv", "--json"]).output
    )
    assert found[0]["name"] == "lung"
    assert run(command.terms_app, ["show", "nothing-of-the-kind"]).exit_code != 0
    table = tmp_path / "t.csv"
    table.write_text("sex\nmale\n", encoding="utf-8")
    assert run(command.terms_app, ["migrate", str(table), "--from", "1.0.0"]).exit_code == 0
