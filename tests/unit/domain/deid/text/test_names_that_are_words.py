"""What only looks like words, and what only looks like dates, where a person is meant."""

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner


def cleaned(text: str) -> str:
    return TextCleaner(vocabulary(), Identities(), days=100).clean(text).text


def test_two_derived_words_written_as_a_name_are_one() -> None:
    found = cleaned("Ökande hydrocefalus. Neurokirurgjour Vendela Sporre informerad.")
    assert "Vendela" not in found
    assert "Sporre" not in found
    assert "hydrocefalus" in found


@pytest.mark.parametrize("number", ["19501026-2385", "120384-953K", "501026+2385"])
def test_a_mistyped_person_number_goes_whole(number: str) -> None:
    assert number[-4:] not in cleaned(f"fel personnr, ska vara {number} enligt patienten")
    assert number[-4:] not in cleaned(f"patient {number}")
