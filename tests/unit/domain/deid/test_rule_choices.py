"""Each row and column of Table E.1-1 becomes the action that the standard asks for, by Type."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from pydicom.datadict import tag_for_keyword

from tessera.adapters.files.rule_files import load_profile, packaged_profiles, rule_texts
from tessera.domain.deid import rules as r
from tessera.domain.deid.decisions import decide, read_tables, table_rows
from tessera.domain.deid.profile import OPTIONS, Profile, parse_profile
from tessera.domain.imaging.dictionary import DICTIONARY_VR

CT, ENHANCED_CT, SR = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.88.33",
)
OURS = {0x00100010, 0x00100020, 0x00880200, 0x00080005}
"""Rows of the table that the engine writes or takes out itself."""
TEXTS = {b"LO", b"SH", b"ST", b"LT", b"UT", b"UC"}
KINDS = ("1", "1C", "2", "2C", "3")
OF_TYPE = {
    "X": "DDEER",
    "Z": "DDEEE",
    "D": "DDDDD",
    "X/Z": "DDEER",
    "X/D": "DDDDR",
    "X/Z/D": "DDEER",
    "Z/D": "DDEEE",
}
"""Basic cell → dummy, empty or remove for each of KINDS."""
LETTERS = {"D": r.DUMMY, "E": r.EMPTY, "R": r.REMOVE}


@cache
def compiled(name: str) -> r.RuleSet:
    return r.compile_rules(load_profile(name), rule_texts())


@cache
def tables() -> Any:
    texts = rule_texts()
    return read_tables(texts.table, texts.unlisted_text, texts.unlisted_binary)


def rows() -> list[tuple[int, bytes, dict[str, str]]]:
    return [
        (int(row["tag"], 16), DICTIONARY_VR[int(row["tag"], 16)], row)
        for row in table_rows(rule_texts().table)
        if row["keyword"] and int(row["tag"], 16) not in OURS
    ]


def action(tag: int, kind: str, *options: str) -> int:
    return decide(tag, kind, Profile("p", "1", options), tables()).action


def test_the_basic_column_is_followed_for_every_row_and_type() -> None:
    seen = set()
    for tag, vr, row in rows():
        cell = row["basic"]
        if vr == b"SQ" or vr == b"UI" or tag == 0x00120062:
            continue
        seen.add(cell)
        for kind, letter in zip(KINDS, OF_TYPE[cell], strict=True):
            assert action(tag, kind) == LETTERS[letter], (row["keyword"], kind)
        unknown = "D" if "D" in cell else "E" if "Z" in cell else "R"
        assert action(tag, "") == LETTERS[unknown], row["keyword"]
    assert seen == set(OF_TYPE)


def test_uids_and_sequences_of_the_basic_column_stay_valid() -> None:
    for tag, vr, row in rows():
        cell = row["basic"]
        if vr == b"UI":
            gone = r.REMOVE if cell == "X" else r.UID
            assert action(tag, "3") == action(tag, "") == gone
            assert action(tag, "1") == r.UID
        if vr == b"SQ" and row["keyword"] not in ("ContentSequence", "EncryptedContent"):
            assert action(tag, "1") == r.DESCEND, row["keyword"]
            if cell == "X":
                assert action(tag, "3") == r.REMOVE
            if cell == "X/Z/U*":
                assert {action(tag, kind) for kind in (*KINDS, "")} == {r.DESCEND}


KEPT = {
    **dict.fromkeys((b"DA", b"DT", b"UI", b"DS", b"IS", b"TM"), r.KEEP_NUMBER),
    **dict.fromkeys((*TEXTS, b"AE", b"UR"), r.KEEP_TEXT),
    b"CS": r.KEEP_CODE,
    b"AS": r.AGE,
    b"US": r.KEEP_BINARY,
    b"SQ": r.DESCEND,
    b"OB": r.KEEP,
}


@pytest.mark.parametrize("option", [name for name, column in OPTIONS.items() if column])
def test_each_option_follows_its_column_in_every_row(option: str) -> None:
    column, n_cells = OPTIONS[option], 0
    for tag, vr, row in rows():
        got, basic = action(tag, "3", option), action(tag, "3")
        cell = row[column]
        n_cells += bool(cell)
        if not cell:
            assert got == basic, row["keyword"]
        elif cell == "K":
            assert got == KEPT[vr], row["keyword"]
        elif vr == b"SQ":
            assert got == r.DESCEND
        elif option == "retain-longitudinal-modified-dates":
            shifts = vr in (b"DA", b"DT")
            assert got == (r.SHIFT if shifts else basic if vr == b"OB" else KEPT[vr])
        elif vr in TEXTS or vr == b"AE":
            assert got == r.CLEAN, row["keyword"]
        else:
            assert (vr, got) in ((b"CS", r.KEEP_CODE), (b"OB", basic)), row["keyword"]
    assert n_cells or option == "retain-safe-private"


@pytest.mark.parametrize("name", packaged_profiles())
def test_the_rules_for_a_class_are_plain_numbers_and_made_once(name: str) -> None:
    found = compiled(name).actions_for(CT)
    assert type(found) is dict
    assert {type(key) for key in found} == {type(value) for value in found.values()} == {int}
    assert compiled(name).actions_for(CT) is found


def test_the_choice_depends_on_the_class() -> None:
    rules = compiled("basic")
    serial = 0x00181000  # X/Z/D: Type 1 in an enhanced CT
    assert rules.actions_for(ENHANCED_CT)[serial] == r.DUMMY
    assert rules.actions_for(CT)[serial] == r.EMPTY
    assert rules.actions_for("1.2.3.4")[serial] == r.DUMMY == rules.actions[serial]
    assert serial in rules.required_for(ENHANCED_CT)
    assert serial in rules.required_for("1.2.3.4")
    assert serial not in rules.required_for(CT)


def test_report_content_stays_by_option_and_goes_without() -> None:
    assert compiled("research").actions_for(SR)[0x0040A730] == r.DESCEND
    assert compiled("basic").actions_for(SR)[0x0040A730] == r.REMOVE
    assert compiled("research").actions_for(SR)[0x0040A160] == r.CLEAN
    assert compiled("basic").actions_for(SR)[0x0040A160] == r.DUMMY
    assert compiled("research").actions_for(SR)[0x0040A123] == r.DUMMY


def test_overlays_stay_only_when_read_and_by_option() -> None:
    graphic = r.compile_rules(
        parse_profile('name="g"\nversion="1"\noptions=["clean-graphics"]'), rule_texts()
    )
    assert graphic.actions_for(CT, graphics_checked=True)[0x60003000] == r.KEEP
    assert graphic.actions_for(CT, graphics_checked=True)[0x601E1500] == r.CLEAN
    assert 0x60003000 not in graphic.actions_for(CT)
    assert 0x60003000 not in compiled("research").actions_for(CT, graphics_checked=True)


@pytest.mark.parametrize(
    "keyword", ["BurnedInAnnotation", "RecognizableVisualFeatures", "EncryptedAttributesSequence"]
)
def test_what_nobody_can_vouch_for_is_not_copied(keyword: str) -> None:
    tag = tag_for_keyword(keyword)
    assert tag
    assert compiled("research").actions_for(CT)[tag] == r.REMOVE


def test_unlisted_text_is_cleaned_by_option_else_a_dummy_and_ids_never_stay() -> None:
    label, number = 0x00620005, tag_for_keyword("ImplantPartNumber")
    assert compiled("research").actions[label] == r.CLEAN
    assert compiled("basic").actions[label] == r.DUMMY
    assert number
    assert compiled("research").actions[number] == r.DUMMY
    persons = [tag for tag, vr in DICTIONARY_VR.items() if vr == b"PN" and tag != 0x00100010]
    assert {compiled("research").actions[tag] for tag in persons} <= {
        r.DUMMY,
        r.EMPTY,
        r.REMOVE,
    }


def _standard(name: str) -> Any:
    pytest.importorskip("highdicom")
    return json.loads((files("highdicom") / "_standard" / f"{name}.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def attributes() -> dict[str, list[tuple[str, int, str, tuple[int, ...]]]]:
    """IOD → (keyword, tag, Type, path) for what is Type 1, 1C or 2, from highdicom's tables."""
    modules = {
        name: [
            (
                one["keyword"],
                tag_for_keyword(one["keyword"]) or 0,
                one["type"],
                tuple(tag_for_keyword(key) or 0 for key in one["path"]),
            )
            for one in found
            if one["type"] in ("1", "1C", "2")
        ]
        for name, found in _standard("module_attribute_map").items()
    }
    return {
        iod: [one for use in uses for one in modules.get(use["key"], ())]
        for iod, uses in _standard("iod_module_map").items()
    }


def _classes() -> Iterator[tuple[str, str]]:
    held = {
        row["uid"]
        for row in table_rows(rule_texts().storage_classes)
        if row["disposition"] == "hold"
    }
    done = set()
    for uid, iod in _standard("sop_class_iod_map").items():
        if uid not in held and iod not in done:
            done.add(iod)
            yield uid, iod


WRITTEN_ANEW = {
    "PatientID",
    "PatientName",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
}
ABSENT_WITH_ITS_CONDITION = {"ContentSequence", "EncryptedAttributesSequence"}


@pytest.mark.parametrize("name", packaged_profiles())
def test_nothing_that_a_class_needs_is_removed_or_empty(
    name: str, attributes: dict[str, list[tuple[str, int, str, tuple[int, ...]]]]
) -> None:
    rules, bad, n_seen = compiled(name), set(), 0
    for uid, iod in _classes():
        actions, required = rules.actions_for(uid), rules.required_for(uid)
        for keyword, tag, kind, path in attributes[iod]:
            if keyword in WRITTEN_ANEW or not tag:  # overlays: no tag of their own
                continue
            if any(actions.get(p) != r.DESCEND for p in path):
                continue
            n_seen += 1
            found = actions.get(tag, r.REMOVE)
            if kind == "2" and found == r.EMPTY:
                continue
            if found in (r.REMOVE, r.EMPTY) or (kind != "2" and tag not in required):
                bad.add((keyword, kind))
    assert n_seen > 10_000
    assert {keyword for keyword, kind in bad if kind != "1C"} == set()
    assert {keyword for keyword, _ in bad} <= ABSENT_WITH_ITS_CONDITION


def test_the_committed_types_are_what_the_builder_makes() -> None:
    import importlib.util
    from pathlib import Path

    pytest.importorskip("highdicom")
    place = Path(__file__).parents[4] / "tools/build_attribute_types.py"
    spec = importlib.util.spec_from_file_location("build_types", place)
    assert spec
    assert spec.loader
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    made = build.render().splitlines()
    committed = rule_texts().attribute_types.splitlines()
    assert made[4:] == committed[4:]
    assert "MIT licence" in committed[1]
