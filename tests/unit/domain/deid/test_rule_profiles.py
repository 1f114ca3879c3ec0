"""Profiles: what a site may write, what is refused and with which words."""

from pathlib import Path

import pytest

from tessera.adapters.files.rule_files import load_profile, packaged_profiles, rule_texts
from tessera.domain.deid import rules as r
from tessera.domain.deid.profile import CLAUSES, CODES, OPTIONS, parse_profile
from tessera.domain.errors import InvalidSettings

HEAD = 'name = "site"\nversion = "1"\n'
SHIFTS = HEAD + 'options = ["retain-longitudinal-modified-dates"]\n'
SIEMENS = '(0019,"SIEMENS MR HEADER",0C)'
LIST = """\
element_signature,private_vr,name,private_disposition
"(0019,""ACME"",0A)",LO,Sequence,k
"(0019,""ACME"",0B)",DA,Day,o
"(0019,""ACME"",0C)",UI,Uid,h
"(0019,""ACME"",0D)",LO,Operator,d
"(0019,""ACME"",0E)",IS,Seconds,oi
"(0019,""ACME"",0F)[<0>](0019,""ACME"",0A)",LO,Nested,k
"(0019,""ACME"",10)",PN,Who,k
"""


def site(tmp_path: Path, text: str) -> r.RuleSet:
    place = tmp_path / "site.toml"
    place.write_text(text, encoding="utf-8")
    return r.compile_rules(load_profile(str(place)), rule_texts())


def test_the_package_has_five_profiles_that_say_what_they_do() -> None:
    assert packaged_profiles() == ["basic", "crowd", "eucaim", "full-dates", "research"]
    for name in packaged_profiles():
        profile = load_profile(name)
        assert profile.name == name
        assert len(profile.description) > 100


def test_every_option_has_its_code_and_clause() -> None:
    assert set(CODES) == set(CLAUSES) == {"basic", *OPTIONS}
    assert [code for code, _ in CODES.values()] == [str(n) for n in range(113100, 113113)]


def test_research_takes_the_options_of_long_studies() -> None:
    research = load_profile("research")
    assert research.version == "2"
    assert set(research.options) == {
        "retain-longitudinal-modified-dates",
        "retain-patient-characteristics",
        "clean-descriptors",
        "clean-structured-content",
        "clean-pixel-data",
        "retain-safe-private",
    }


def test_eucaim_keeps_what_is_kept_there_and_shifts_dates() -> None:
    rules = r.compile_rules(load_profile("eucaim"), rule_texts())
    ct = rules.actions_for("1.2.840.10008.5.1.4.1.1.2")
    assert ct[0x00080020] == r.SHIFT
    assert {ct[tag] for tag in (0x0008103E, 0x00181030, 0x00180010)} == {r.CLEAN}
    assert ct[0x00101010] == r.AGE
    assert ct[0x00081030] == r.EMPTY
    assert ct[0x00400275] == r.REMOVE
    assert ct[0x00100030] == r.EMPTY
    assert rules.private == {}


def test_full_dates_are_research_with_dates() -> None:
    full, research = set(load_profile("full-dates").options), set(load_profile("research").options)
    assert full ^ research == {
        "retain-longitudinal-full-dates",
        "retain-longitudinal-modified-dates",
    }


def test_a_site_builds_on_a_profile_and_says_otherwise_for_single_attributes(
    tmp_path: Path,
) -> None:
    rules = site(
        tmp_path,
        HEAD
        + 'extends = "research"\nwithout = ["clean-pixel-data"]\n[overrides]\n'
        + 'StudyDescription = "remove"\n"(0008,0080)" = "keep"\n'
        + f'\'{SIEMENS}\' = "remove"\n\'(0029,"ACME",01)\' = "clean LO"\n',
    )
    assert rules.profile.has("clean-descriptors")
    assert not rules.profile.has("clean-pixel-data")
    assert rules.actions[0x00081030] == r.REMOVE
    assert rules.actions[0x00080080] == r.KEEP_TEXT
    assert 0x0C not in rules.private["SIEMENS MR HEADER", 0x0019]
    assert rules.private["ACME", 0x0029][0x01] == (b"LO", r.CLEAN)
    plain = r.compile_rules(load_profile("research"), rule_texts())
    assert rules.fingerprint != plain.fingerprint


def test_profiles_may_stand_on_one_another_but_not_on_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(HEAD + 'extends = "b.toml"\n', encoding="utf-8")
    (tmp_path / "b.toml").write_text(HEAD + 'extends = "basic"\n', encoding="utf-8")
    assert load_profile(str(tmp_path / "a.toml")).options == ()
    (tmp_path / "b.toml").write_text(HEAD + 'extends = "a.toml"\n', encoding="utf-8")
    with pytest.raises(InvalidSettings, match="one on itself"):
        load_profile(str(tmp_path / "a.toml"))


def test_a_larger_list_of_private_elements_is_joined_by_disposition(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    rules = site(tmp_path, HEAD + 'extends = "research"\nprivate_list = "list.csv"\n')
    assert rules.private["ACME", 0x0019] == {
        0x0A: (b"LO", r.KEEP_TEXT),
        0x0B: (b"DA", r.SHIFT),
        0x0C: (b"UI", r.UID),
        0x10: (b"PN", r.DUMMY),
    }
    assert "SIEMENS MR HEADER" in {creator for creator, _ in rules.private}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('"(0018,""ACME"",0A)",LO,x,k', "row 2: the signature"),
        ("x,LO,x,k", "signature"),
        ('"(0019,""ACME"",0A)",LO,x,z', "none of k, d, h, o, oi"),
    ],
)
def test_a_list_that_is_not_one_is_refused(tmp_path: Path, row: str, words: str) -> None:
    (tmp_path / "list.csv").write_text(LIST.splitlines()[0] + "\n" + row, encoding="utf-8")
    with pytest.raises(InvalidSettings, match=words):
        site(tmp_path, HEAD + 'extends = "research"\nprivate_list = "list.csv"\n')


def test_a_list_without_its_columns_or_its_file_is_refused(tmp_path: Path) -> None:
    wanted = HEAD + 'extends = "research"\nprivate_list = "list.csv"\n'
    with pytest.raises(InvalidSettings, match="there is no file"):
        site(tmp_path, wanted)
    (tmp_path / "list.csv").write_text("tag,vr\n", encoding="utf-8")
    with pytest.raises(InvalidSettings, match="'signature'"):
        site(tmp_path, wanted)
    (tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    with pytest.raises(InvalidSettings, match="needs the option retain-safe-private"):
        site(tmp_path, HEAD + 'private_list = "list.csv"\n')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = [", "not valid TOML"),
        ('version = "1"', "needs a name and a version"),
        (HEAD + "optons = []", "unknown keys: optons"),
        (HEAD + 'options = ["clean"]', "'clean' is none of"),
        (HEAD + 'options = "basic"', "in square brackets"),
        (HEAD + 'without = ["retain-uids"]', "not in the profile it extends"),
        (HEAD + 'options = ["retain-uids"]\nwithout = ["retain-uids"]', "is in options too"),
        (HEAD + 'extends = "research"', "was not found"),
        (HEAD + "max_shift_days = 0", "at least 1"),
        (HEAD + "max_shift_days = true", "at least 1"),
        (HEAD + 'contributing_equipment = "yes"', "true or false"),
        (HEAD + 'overrides = "x"', "a table"),
        (
            SHIFTS.replace("]", ', "retain-longitudinal-full-dates"]'),
            "exclude one another",
        ),
        (HEAD + '[overrides]\nNoSuchName = "keep"', "'NoSuchName' is no attribute"),
        (HEAD + '[overrides]\n"(0019,100A)" = "keep"', "no private one such as"),
        (HEAD + '[overrides]\nStudyID = "drop"', "use one of keep"),
        (HEAD + '[overrides]\nStudyID = "keep LO"', "the standard says its VR"),
        (HEAD + '[overrides]\nStudyID = "keep"\n"(0020,0010)" = "empty"', "there twice"),
        (HEAD + '[overrides]\nPatientID = "keep"', "written by Tessera itself"),
        (HEAD + '[overrides]\nPatientIdentityRemoved = "remove"', "written by Tessera"),
        (HEAD + '[overrides]\nPixelData = "remove"', "written by Tessera itself"),
        (HEAD + '[overrides]\nPatientBirthDate = "keep"', "would leave who it is"),
        (HEAD + '[overrides]\nOperatorsName = "keep"', "would leave who it is"),
        (HEAD + '[overrides]\nStudyDate = "shift"', "needs the option"),
        (SHIFTS + '[overrides]\nStudyDate = "keep"', "would tell by how much"),
        (SHIFTS + '[overrides]\nStudyID = "shift"', "is no date"),
        (HEAD + '[overrides]\nStudyID = "uid"', "is no UID"),
        (HEAD + '[overrides]\nModality = "clean"', "is no text of words"),
        (HEAD + '[overrides]\nContentSequence = "dummy"', "no dummy of a SQ"),
        (HEAD + '[overrides]\n\'(0019,"ACME",0A)\' = "keep XX"', "is no VR"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        parse_profile(text)


def test_a_private_element_of_unknown_kind_needs_its_vr(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="has no known VR; write one, such as 'keep LO'"):
        site(tmp_path, HEAD + '[overrides]\n\'(0019,"ACME",0A)\' = "keep"\n')


def test_a_profile_that_is_nowhere_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidSettings, match="basic or crowd or eucaim or full-dates or research"):
        load_profile("reserch")
