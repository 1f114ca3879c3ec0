"""`tessera deid explain`: the words are those of the rules that are applied."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tessera.adapters.files.rule_files import load_profile, packaged_profiles, rule_texts
from tessera.bootstrap.deid_explain import class_named
from tessera.cli.deid_explain import register
from tessera.domain.deid.actions import ACTION_WORDS
from tessera.domain.deid.explain import explain_attribute, explain_profile
from tessera.domain.deid.rules import RuleSet, compile_rules
from tessera.domain.errors import InvalidSettings
from tessera.domain.imaging.dictionary import DICTIONARY_VR

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture(scope="module")
def research() -> RuleSet:
    return compile_rules(load_profile("research"), rule_texts())


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    group = typer.Typer()
    register(group)
    group.command("other")(lambda: None)
    return group


@pytest.mark.parametrize("name", packaged_profiles())
def test_every_attribute_has_an_action_a_reason_and_a_source(name: str) -> None:
    rules = compile_rules(load_profile(name), rule_texts())
    actions = rules.actions_for(CT)
    for tag in DICTIONARY_VR:
        found = explain_attribute(rules, f"{tag:08X}", CT)
        assert found.why and found.source and found.clause, found
        if tag not in (0x00100010, 0x00100020):
            assert found.action == ACTION_WORDS[actions[tag]]


@pytest.mark.parametrize(
    ("asked", "action", "source", "clause"),
    [
        ("SeriesDescription", "cleaned", "Clean Descriptors has C", "PS3.15 E.3.5"),
        ("(0008,0020)", "shifted", "Retain Longitudinal Modified Dates has C", "E.3.6"),
        ("00181000", "emptied", "Basic Profile has X/Z/D", "PS3.15 E.2"),
        ("PatientName", "pseudonym", "rule of the engine", "(Basic Profile: Z)"),
        ("SegmentLabel", "cleaned", "reviewed list", "not in PS3.15"),
        ("Modality", "code string", "VR CS", "not in PS3.15"),
        ("(0008,0000)", "removed", "group lengths", "not in"),
        ("(6000,3000)", "removed", "overlays", "rows 60xx"),
        ("(5000,3000)", "removed", "curves", "row 50xx"),
        ("(0019,100A)", "removed", "private elements", "row of private"),
        ("(0008,FFFE)", "removed", "unknown attributes", "not in"),
        ('(0019,"SIEMENS MR HEADER",0C)', "kept", "Table E.3.10-1", "E.3.10"),
        ('(0019,"SIEMENS MR HEADER",FF)', "removed", "no list has it", "E.3.10"),
    ],
)
def test_an_attribute_is_explained_by_what_decided(
    research: RuleSet, asked: str, action: str, source: str, clause: str
) -> None:
    found = explain_attribute(research, asked, CT)
    assert action in found.action
    assert source in found.source
    assert clause in found.clause


def test_the_type_in_the_class_is_told(research: RuleSet) -> None:
    found = explain_attribute(research, "PatientID", CT)
    assert (found.iod, found.type_top, found.type_inside) == ("ct-image", "2", "1")
    serial = explain_attribute(research, "DeviceSerialNumber", "1.2.840.10008.5.1.4.1.1.2.1")
    assert "Type 1 in this kind of object" in serial.why
    assert explain_attribute(research, "PatientID").iod == ""


def test_a_site_s_own_words_are_told(tmp_path: Path) -> None:
    place = tmp_path / "site.toml"
    place.write_text(
        'name="s"\nversion="1"\nextends="research"\n[overrides]\nStudyID="keep"\n'
        '\'(0019,"SIEMENS MR HEADER",0C)\' = "empty"\n',
        encoding="utf-8",
    )
    rules = compile_rules(load_profile(str(place)), rule_texts())
    assert explain_attribute(rules, "StudyID").source == "override of the profile"
    own = explain_attribute(rules, '(0019,"SIEMENS MR HEADER",0C)')
    assert (own.action, own.source) == ("emptied", "override of the profile")
    assert explain_profile(rules).overrides == (
        '"(0020,0010)" = "keep"',
        '\'(0019,"SIEMENS MR HEADER",0C)\' = "empty"',
    )


def test_a_profile_counts_all_attributes_and_names_its_options(research: RuleSet) -> None:
    whole = explain_profile(research)
    assert sum(n for _, n in whole.actions) == len(DICTIONARY_VR)
    assert whole.private == 479
    taken = {one.option: one.code for one in whole.options if one.taken}
    assert taken["clean-pixel-data"] == "113101"
    assert set(taken) == set(research.profile.options)


def test_what_is_no_attribute_is_refused(research: RuleSet) -> None:
    with pytest.raises(InvalidSettings, match="'Nonsense' is no attribute"):
        explain_attribute(research, "Nonsense")


@pytest.mark.parametrize(
    ("asked", "uid"),
    [
        ("CT", CT),
        (CT, CT),
        ("ct image storage", CT),
        ("Enhanced CT", CT + ".1"),
        ("MR", CT[:-1] + "4"),
    ],
)
def test_a_class_is_found_by_its_name(asked: str, uid: str) -> None:
    assert class_named(asked, rule_texts().storage_classes)[0] == uid


@pytest.mark.parametrize(("asked", "words"), [("Ultra", "which of"), ("xyz", "is called so")])
def test_a_class_that_is_not_one_is_refused(asked: str, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        class_named(asked, rule_texts().storage_classes)


def test_the_command_prints_a_profile_and_attributes(app: typer.Typer) -> None:
    run = CliRunner().invoke
    whole = run(app, ["explain", "eucaim"])
    assert whole.exit_code == 0
    assert "dates are shifted by whole days" in " ".join(whole.output.split())
    one = run(app, ["explain", "research", "StudyDate", "--class", "CT"])
    assert "in CT Image Storage" in one.output
    assert "(0008,0020) StudyDate DA" in one.output
    assert run(app, ["explain", "research", "Nonsense"]).exit_code != 0
    assert run(app, ["explain", "nowhere"]).exit_code != 0


def test_the_command_prints_json(app: typer.Typer, research: RuleSet) -> None:
    run = CliRunner().invoke
    told = json.loads(
        run(app, ["explain", "research", "StudyDate", "--class", CT, "--json"]).output
    )
    assert told["attributes"] == [asdict(explain_attribute(research, "StudyDate", CT))]
    whole = json.loads(run(app, ["explain", "research", "--json"]).output)
    assert whole["actions"]["removed"] == dict(explain_profile(research).actions)["removed"]
