"""What the register makes of an applicant's words, and of many decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.domain.access.register import (
    LEFT_OUT,
    RegisterStatistics,
    said,
    statistics_of,
)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/a?b=c",
        "HTTP://EVIL.example",
        "ftp://evil.example/x",
        "www.evil.example",
        "anna.ek@evil.example",
        "mailto:anna@evil.example",
        "javascript:alert(1)",
    ],
)
def test_addresses_are_left_out_and_the_words_around_them_stay(address: str) -> None:
    assert said(f"before {address} after", 200) == f"before {LEFT_OUT} after"


@pytest.mark.parametrize("text", ["T1:T2 ratio", "PSA 3.5 ng/ml", "age 50-70; MR/CT", "A & B <C>"])
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert said(text, 200) == text


def test_words_cannot_turn_round_or_break_out_of_their_line() -> None:
    assert said("a\u202egnp.exe\u200b\nb\x00\tc", 200) == "a gnp.exe b c"


@given(st.text(max_size=400), st.integers(1, 60))
def test_what_is_said_is_short_and_printable(text: str, longest: int) -> None:
    shown = said(text, longest)
    assert len(shown) <= longest
    assert shown.isprintable()


def test_an_empty_register_has_no_typical_time() -> None:
    numbers = statistics_of([], [])
    assert isinstance(numbers, RegisterStatistics)
    assert numbers.median_days is None
    assert not any(numbers.refusals.values())
