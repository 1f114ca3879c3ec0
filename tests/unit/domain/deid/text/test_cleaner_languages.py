"""Marked report lines per language: nobody is left, and nearly every clinical word is."""

from datetime import date
from pathlib import Path

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner
from tests.unit.domain.deid.text.scored_lines import score

PEOPLE = {
    "en": Identities(
        names=frozenset(
            {"Hargreaves^Imogen^Ruth", "Brown^Martin^^Dr", "Okonkwo^Chidi", "Parkinson^Leonard"}
        ),
        identifiers=frozenset({"RK-4471902"}),
        contacts=frozenset({"14 Larkspur Crescent, Leeds"}),
        places=frozenset({"Whitcombe General Infirmary"}),
        dates=frozenset({date(1957, 11, 2)}),
    ),
    "sv": Identities(
        names=frozenset(
            {"Sjöholm^Ann-Britt^Viola", "Berg^Torsten^^Dr", "Käller^Åsa", "Björk^Stig"}
        ),
        identifiers=frozenset({"19571102-2384"}),
        contacts=frozenset({"Tallbacksvägen 7"}),
        places=frozenset({"Norrlunda lasarett"}),
    ),
    "de": Identities(
        names=frozenset(
            {"Vöhringer^Annegret^Luise", "Klein^Rüdiger^^Dr", "Özdemir^Selin", "Hodgkin^Albert"}
        ),
        identifiers=frozenset({"PAT-883 1207"}),
        contacts=frozenset({"Amselgasse 12"}),
        places=frozenset({"Klinikum Westerhausen"}),
        dates=frozenset({date(1957, 11, 2)}),
    ),
}


@pytest.mark.parametrize("language", sorted(PEOPLE))
def test_nobody_is_left_and_the_finding_is(language: str) -> None:
    cleaner = TextCleaner(vocabulary(), PEOPLE[language], days=400)

    result = score(cleaner, Path(__file__).with_name(f"report_lines_{language}.txt"))

    told = f"{language}: kept {result.kept:.1%} of {result.words}\n"
    told += "lost: " + "\n  ".join(result.lost)
    assert not result.leaks, "\n".join(result.leaks)
    assert result.kept >= 0.97, told
