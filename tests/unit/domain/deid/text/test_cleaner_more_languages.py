"""Marked lines in Spanish, Greek and Japanese: nobody is left, nearly all of the finding is."""

import re
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner
from tests.unit.domain.deid.text.scored_lines import MARKED, score

BORN = frozenset({date(1957, 11, 2)})
PEOPLE = {
    "es": Identities(
        names=frozenset({"Villalobos^Remedios^Inés", "Blanco^Anselmo^^Dr", "Etxegarai^Nekane"}),
        identifiers=frozenset({"HC-4471902"}),
        contacts=frozenset({"Calle de los Olivos 14"}),
        places=frozenset({"Hospital Sierra Norte"}),
        dates=BORN,
    ),
    "el": Identities(
        names=frozenset({"Καλαντζόγλου^Ευρυδίκη", "Βερναρδάκης^Μηνάς^^Dr", "Τσουμάνη^Ανθή"}),
        identifiers=frozenset({"ΑΜ-4471902"}),
        places=frozenset({"Νοσοκομείο Αγία Θέκλα"}),
        dates=BORN,
    ),
}
JAPANESE = Identities(
    names=frozenset({"Kurosawa^Fumie=黒沢^芙美江=くろさわ^ふみえ", "三上^健吾"}),
    identifiers=frozenset({"4471902"}),
    dates=BORN,
)
LETTERS = re.compile(r"[^\W_]+")


@pytest.mark.parametrize("language", sorted(PEOPLE))
def test_nobody_is_left_and_the_finding_is(language: str) -> None:
    cleaner = TextCleaner(vocabulary(), PEOPLE[language], days=400)

    result = score(cleaner, Path(__file__).with_name(f"report_lines_{language}.txt"))

    told = f"kept {result.kept:.1%} of {result.words}\nlost: " + "\n  ".join(result.lost)
    assert not result.leaks, "\n".join(result.leaks)
    assert result.kept >= 0.97, told


def test_nobody_is_left_of_a_text_without_blanks() -> None:
    cleaner = TextCleaner(vocabulary(), JAPANESE, days=400)
    lines = Path(__file__).with_name("report_lines_ja.txt").read_text(encoding="utf-8")
    leaks, lost, total, missing = [], [], 0, 0

    for line in lines.splitlines():
        if line.startswith("#") or not line:
            continue
        cleaned = cleaner.clean(MARKED.sub(lambda m: m[1] or m[2], line)).text
        for match in MARKED.finditer(line):
            parts = [match[2]] if match[2] else LETTERS.findall(match[1])
            pairs = [p[i : i + 2] for p in parts for i in range(max(1, len(p) - 1))]
            leaks += [line for p in ([match[2]] if match[2] else pairs) if p in cleaned]
        kept = "".join(LETTERS.findall(MARKED.sub(" ", line)))
        left = "".join(LETTERS.findall(cleaned))
        same = sum(b.size for b in SequenceMatcher(None, kept, left, False).get_matching_blocks())
        total += len(kept)
        missing += len(kept) - same
        lost += [f"{line} -> {cleaned}"] if same < len(kept) else []

    assert not leaks, "\n".join(leaks)
    assert missing / total <= 0.03, f"{missing / total:.1%} lost\n" + "\n".join(lost)
