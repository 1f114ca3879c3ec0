"""Scoring of marked report lines: what leaked, what clinical word was lost."""

import re
from dataclasses import dataclass
from pathlib import Path

from tessera.domain.deid.text.cleaner import TextCleaner

MARKED = re.compile(r"\[\[(.+?)\]\]|<<(.+?)>>")
WORD = re.compile(r"[^\W_]{2,}")
# Titles and relations beside a name may go or stay: they say nothing of who it is.
HARMLESS = {"dr", "prof", "med", "mrs", "frau", "schwester", "sister", "general", "infirmary"}
HARMLESS |= {"klinikum", "lasarett", "ms", "doktor"}


@dataclass(frozen=True)
class Score:
    """Leaks and lost words of a set of lines, each with its line."""

    leaks: tuple[str, ...]
    lost: tuple[str, ...]
    words: int

    @property
    def kept(self) -> float:
        return 1 - len(self.lost) / self.words


def score(cleaner: TextCleaner, path: Path) -> Score:
    leaks, lost, words = [], [], 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        text = MARKED.sub(lambda m: m[1] or m[2], line)
        cleaned = cleaner.clean(text).text
        left = [w.casefold() for w in WORD.findall(cleaned)]
        for match in MARKED.finditer(line):
            if match[2]:
                if match[2] in cleaned:
                    leaks.append(f"{match[2]} in {cleaned!r}")
                continue
            gone = [w.casefold() for w in WORD.findall(match[1])]
            keep = MARKED.sub(" ", line).casefold()
            leaks += [
                f"{word} in {cleaned!r}"
                for word in gone
                if word in left and word not in HARMLESS and word not in WORD.findall(keep)
            ]
        for word in WORD.findall(MARKED.sub(" ", line)):
            words += 1
            if word.casefold() in left:
                left.remove(word.casefold())
            else:
                lost.append(f"{word} in {cleaned!r}")
    return Score(tuple(leaks), tuple(lost), words)
