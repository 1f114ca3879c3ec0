"""The parts of a proposal: names, dates, the assignment, and what is written."""

import tomllib
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.clinical.column_names import (
    is_short_for,
    language_of,
    legend,
    match_names,
    phrases,
)
from tessera.domain.clinical.profile_dates import profile_dates
from tessera.domain.clinical.profile_numbers import profile_numbers
from tessera.domain.clinical.source_table import header_place
from tessera.domain.clinical.suggest_assign import assign
from tessera.domain.clinical.suggest_file import parse_answers, quoted
from tessera.domain.clinical.suggest_score import concept_names
from tessera.domain.clinical.suggest_units import ranges
from tessera.domain.clinical.suggest_values import match_values
from tessera.domain.clinical.variables import variable
from tessera.domain.errors import InvalidInput

scores = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.floats(0.1, 1), max_size=4), min_size=1, max_size=4
)


@given(scores)
def test_no_other_assignment_is_better(rows: list[dict[str, float]]) -> None:
    chosen = assign(rows)
    used = [name for name in chosen if name]
    assert len(used) == len(set(used))
    assert all(name in row for name, row in zip(chosen, rows, strict=True) if name)
    names = ["a", "b", "c", "d", *[""] * len(rows)]
    best = max(
        sum(row.get(name, 0.0) for name, row in zip(order, rows, strict=True))
        for order in set(permutations(names, len(rows)))
    )
    made = sum(row[name] for name, row in zip(chosen, rows, strict=True) if name)
    assert made == pytest.approx(best, abs=1e-6)


@given(st.text())
def test_any_text_is_written_so_that_toml_reads_it_back(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    read = tomllib.loads(f"x = {quoted(text)}\n[names]\n{quoted(text)} = 1")
    assert read == {"x": text, "names": {text: 1}}


@given(st.text())
def test_answers_that_are_none_are_told(text: str) -> None:
    try:
        parse_answers(text)
    except InvalidInput as err:
        assert "answers" in str(err)


def test_every_name_of_the_lexicon_is_of_a_variable_and_every_range_too() -> None:
    for target in {phrase.target for phrase in phrases() if not phrase.target.startswith("!")}:
        assert variable(target).name == target
    for name, usual in ranges().items():
        assert variable(name).kind == "number"
        assert usual.unit == variable(name).unit, name


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("tsize", "tumor_size_mm"),
        ("Pat_Geburtsdatum", "birth_date"),
        ("fechaDiagnostico", "diagnosis_date"),
        ("S-Kreatinin (µmol/L)", "lab.creatinine"),
        ("Diabetes", "history.diabetes"),
        ("Ηλικία κατά τη διάγνωση", "age_at_diagnosis"),
    ],
)
def test_names_are_understood(name: str, target: str) -> None:
    found = match_names(name, concept_names())
    best = max(found.values(), key=lambda one: one.score)
    assert best.target == target


def test_a_short_name_is_the_beginnings_of_all_words() -> None:
    assert is_short_for("estrec", ("estrogen", "receptor"))
    assert not is_short_for("estrex", ("estrogen", "receptor"))
    assert not is_short_for("est", ("estrogen", "receptor"))


def test_a_legend_in_a_name_is_read() -> None:
    name, codes = legend("Kön (1=man, 2=kvinna)")
    assert (name, codes) == ("Kön", {"1": "man", "2": "kvinna"})
    assert legend("PSA (ng/mL)") == ("PSA (ng/mL)", {})


def test_day_and_month_are_never_guessed() -> None:
    open_dates = {"03/04/2020": 2, "05/06/2021": 1}
    assert profile_dates(open_dates).order == "open"
    assert profile_dates(open_dates | {"13/04/2020": 1}).order == "certain"
    assert profile_dates(open_dates | {"13/04/2020": 1, "04/13/2020": 1}).order == "mixed"
    assert profile_dates({"13/04/2020": 1, "30/02/2021": 1}).n_unread == 1
    us = profile_dates({"04/13/2020": 1, "03/04/2020": 1})
    assert [form for form, _ in us.forms] == ["MM/DD/YYYY"]


def test_numbers_far_from_all_others_may_be_no_value() -> None:
    numbers = profile_numbers({"4,5": 1, "6,1": 1, "7,7": 2, "999": 1})
    assert numbers is not None
    assert (numbers.decimal, numbers.codes, numbers.high) == (",", (("999", 1),), 7.7)
    many = profile_numbers({"12": 1, "999": 1, "1200": 1, "640": 2})
    assert many is not None
    assert many.codes == ()


@pytest.mark.parametrize(
    ("language", "values", "meant"),
    [
        ("es", "Mujer M Varón V", "female female male male"),
        ("sv", "Kvinna K Man M", "female female male male"),
        ("es", "M H", "female male"),
        ("fr", "F H", "female male"),
        ("el", "Α Γ", "male female"),
        ("en", "F Male", "female male"),
    ],
)
def test_a_letter_means_what_the_others_make_of_it(language: str, values: str, meant: str) -> None:
    found = match_values("sex", dict.fromkeys(values.split(), 1), language=language)
    assert [found[text].concept for text in values.split()] == meant.split()
    assert all(one.sure >= 0.9 for one in found.values())


@pytest.mark.parametrize(("language", "values"), [("es", "M"), ("sv", "X"), ("en", "M K")])
def test_a_letter_alone_is_not_certain(language: str, values: str) -> None:
    found = match_values("sex", dict.fromkeys(values.split(), 1), language=language)
    assert all(one.sure < 0.9 for one in found.values())


def test_the_header_is_found_below_titles() -> None:
    lines = [["Extract 2024", "", ""], [], ["Id", "Sex", "Age"], ["1", "F", "63"]]
    assert header_place(lines) == 2
    assert language_of(["Kön", "Födelsedatum", "PSA"])[0] == "sv"


def test_what_stands_in_brackets_may_change_the_meaning() -> None:
    found = match_values("population", {"Cancer (misstänkt)": 3, "Cancer": 9}, language="sv")
    assert found["Cancer"].sure >= 0.9
    assert found["Cancer (misstänkt)"].sure < 0.9
