from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.adapters.files.rule_files import load_profile, rule_texts
from tessera.domain.deid.crowd import (
    COLUMNS,
    HELD_BACK,
    SIZE,
    WEIGHT,
    Crowd,
    at_level,
    levels_for,
    read_crowd,
    together,
    told,
)
from tessera.domain.deid.explain import explain_attribute, explain_profile
from tessera.domain.deid.rules import compile_rules
from tessera.domain.errors import InvalidSettings
from tessera.domain.ids import Pseudonym

_VALUES = {
    "sex": ["F", "M", "O", ""],
    "age": ["003M", "044Y", "047Y", "061Y", "094Y", "", "old"],
    "weight": ["61", "63.4", "118", ""],
    "height": ["1.61", "1.93", ""],
    "modalities": ["CT", "MR"],
    "body_parts": ["CHEST", ""],
}
_PATIENT = st.fixed_dictionaries(
    {
        name: st.frozensets(st.sampled_from(values), max_size=2).map(lambda s: s - {""})
        for name, values in _VALUES.items()
    }
)


@pytest.mark.parametrize(
    ("age", "narrow", "wide"),
    [
        (b"058Y", b"055Y", b"040Y"),
        (b"055Y", b"055Y", b"040Y"),
        (b"089Y", b"085Y", b"080Y"),
        (b"090Y", b"090Y", b"090Y"),
        (b"103Y", b"090Y", b"090Y"),
        (b"004Y", b"000Y", b"000Y"),
        (b"011M", b"000Y", b"000Y"),
        (b"072M", b"005Y", b"000Y"),
        (b"030D", b"000Y", b"000Y"),
        (b"58", b"", b""),
        (b"Ek58", b"", b""),
    ],
)
def test_an_age_is_the_first_year_of_its_band(age: bytes, narrow: bytes, wide: bytes) -> None:
    assert Crowd().age(age) == narrow
    assert at_level(Crowd(), 2).age(age) == wide


@pytest.mark.parametrize(
    ("tag", "value", "rounded"),
    [
        (WEIGHT, b"72.4", b"70"),
        (WEIGHT, b"73 ", b"75"),
        (WEIGHT, b"112.6", b"115 "),
        (SIZE, b"1.73", b"1.75"),
        (SIZE, b"1.79 ", b"1.8 "),
        (WEIGHT, b"0", b""),
        (WEIGHT, b"nan", b""),
        (WEIGHT, b"1e308", b""),
        (WEIGHT, b"Ek", b""),
        (WEIGHT, b"70\\71", b""),
    ],
)
def test_a_weight_and_a_height_are_rounded(tag: int, value: bytes, rounded: bytes) -> None:
    assert Crowd().rounded(tag, value) == rounded


@given(st.lists(_PATIENT, max_size=40), st.integers(2, 6))
def test_whoever_is_released_shares_all_that_is_told_with_k(
    patients: list[dict[str, frozenset[str]]], k: int
) -> None:
    rules = Crowd(k=k)
    everyone = {Pseudonym(f"TES-{n}"): one for n, one in enumerate(patients)}
    levels = levels_for(everyone, rules)
    assert levels.keys() == everyone.keys()
    released = Counter(
        told(one, at_level(rules, levels[who]))
        for who, one in everyone.items()
        if levels[who] < HELD_BACK
    )
    assert all(n >= k for n in released.values())
    assert levels_for(dict(reversed(everyone.items())), rules) == levels


def test_no_more_is_left_out_than_must_be() -> None:
    plain = {name: frozenset({"CT"} if name == "modalities" else ()) for name in COLUMNS}
    twelve = {
        Pseudonym(f"TES-{n}"): plain
        | {"sex": frozenset("F"), "age": frozenset({age}), "weight": frozenset({weight})}
        for n, (age, weight) in enumerate(
            [("061Y", "70")] * 5 + [("071Y", "70"), ("072Y", "90")] + [("063Y", "120")] * 3
        )
    }
    levels = levels_for(twelve, Crowd(k=2))
    assert [levels[Pseudonym(f"TES-{n}")] for n in range(10)] == [0] * 5 + [1, 1] + [0] * 3
    assert set(levels_for(twelve, Crowd(k=11)).values()) == {HELD_BACK}


def test_all_studies_of_a_patient_count_together() -> None:
    def one(age: str, modality: str) -> dict[str, frozenset[str]]:
        found = {name: frozenset[str]() for name in COLUMNS}
        return found | {"age": frozenset({age}), "modalities": frozenset({modality})}

    who = Pseudonym("TES-A")
    both = together([(who, one("061Y", "CT")), (who, one("066Y", "MR"))])
    assert told(both[who], Crowd()) == ("", "060Y\\065Y", "", "", "CT\\MR", "")


@pytest.mark.parametrize(
    "raw",
    [
        5,
        {"k": 1},
        {"k": True},
        {"age_band": 0},
        {"known": []},
        {"known": ["iq"]},
        {"intervals": "week"},
        {"K": 5},
    ],
)
def test_a_table_that_makes_no_sense_is_refused(raw: object) -> None:
    with pytest.raises(InvalidSettings, match="crowd"):
        read_crowd(raw)


def test_the_profile_says_in_words_what_it_does() -> None:
    rules = compile_rules(load_profile("crowd"), rule_texts())
    words = {one.option: one.words for one in explain_profile(rules).options if one.taken}
    assert "same for all of a study" in words["retain-longitudinal-modified-dates"]
    assert "band" in words["retain-patient-characteristics"]
    assert "clean-structured-content" not in words
    assert "first year of its band" in explain_attribute(rules, "PatientAge").action
    assert explain_attribute(rules, "PatientWeight").action == "rounded"
    assert "same for all of a study" in explain_attribute(rules, "StudyDate").why
    for gone in ("EthnicGroup", "SmokingStatus", "PatientComments", "OtherPatientIDs"):
        assert explain_attribute(rules, gone).action == "removed"
    for level, action in ((1, "rounded"), (3, "removed")):
        few = compile_rules(load_profile("crowd").at_level(level), rule_texts())
        assert explain_attribute(few, "PatientWeight").action == "removed"
        assert (explain_attribute(few, "PatientAge").action == "removed") == (action == "removed")
    last = compile_rules(load_profile("crowd").at_level(4), rule_texts())
    assert explain_attribute(last, "PatientSex").action == "emptied"
    assert len({compile_rules(load_profile("crowd").at_level(n), rule_texts()).fingerprint
                for n in range(HELD_BACK)}) == HELD_BACK  # fmt: skip


def test_other_profiles_tell_ages_as_before() -> None:
    rules = compile_rules(load_profile("research"), rule_texts())
    assert "above 89 years" in explain_attribute(rules, "PatientAge").action
    assert load_profile("research").at_level(3) == load_profile("research")
