"""The table of everyday words, and what of unseen report lines stays with it."""

import re
from pathlib import Path

import pytest

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.deid.text.word_table import WordTable, written
from tessera.domain.errors import InvalidSettings

LINES = Path(__file__).parents[4] / "held_out_lines"


def test_a_table_has_its_words_and_no_others() -> None:
    words = [f"word{n}" for n in range(5000)]
    table = WordTable(lambda: (written(words[::2]), written(words[1::2])))
    assert all(word in table for word in words)
    assert not any(f"other{n}" in table for n in range(5000))


def test_a_cut_table_is_refused() -> None:
    with pytest.raises(InvalidSettings):
        "word" in WordTable(lambda: (written(["more"]), written(["word"])[:-1]))  # noqa: B015


@pytest.mark.parametrize("language", ["en", "sv", "de", "es", "el"])
def test_held_out_lines_stay(language: str) -> None:
    cleaner = TextCleaner(vocabulary(), Identities(), days=9)
    words = lost = 0
    for line in (LINES / f"{language}.txt").read_text(encoding="utf-8").splitlines()[1:]:
        removed = cleaner.clean(line).removed
        for match in re.finditer(r"[^\W_]{2,}", line):
            words += 1
            lost += any(r.start < match.end() and match.start() < r.end for r in removed)
    assert lost <= words * 0.05
