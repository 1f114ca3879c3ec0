"""Capitals without a vowel are abbreviations, unless they stand where somebody signs."""

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner

CLEANER = TextCleaner(vocabulary(), Identities(names=frozenset({"Bismuth^Ann"})), days=9)


def test_an_abbreviation_that_nobody_listed_stays() -> None:
    assert CLEANER.clean("BKZF negative, liver normal").text == "BKZF negative, liver normal"


@pytest.mark.parametrize(
    "text", ["Liver normal. /KZF", "Liver normal. KZF", "Liver seen by KZF today"]
)
def test_initials_of_staff_go(text: str) -> None:
    assert "KZF" not in CLEANER.clean(text).text


def test_an_eponym_with_an_ending_stays_unless_somebody_has_the_name() -> None:
    assert CLEANER.clean("aneurysma Willisin kehä").text == "aneurysma Willisin kehä"
    assert "Bismuth" not in CLEANER.clean("Bismuth type II stricture").text
