"""How much of unseen free text the cleaner keeps, and how much identity it takes out.

`python -m tests.unseen_lines.score [--lines FOLDER] [--json FILE]` runs the cleaner over the
lines beside this file, or in FOLDER: one file per language, each line `kind<TAB>text` with
`{{name:…}}` marks around what identifies.
The lines beside this file were written without a look at the vocabulary, which has grown by what
they showed since; those of tests/unseen_lines_2 were scored after that. The header names an
unrelated patient and one doctor; the other people stand in no header.
"""

# ruff: noqa: T201 -- a program to be read on the terminal

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner

__all__ = ["Line", "lines_of", "main", "score"]

HERE: Final = Path(__file__).parent
_MARK = re.compile(r"\{\{(name|id|date|phone|place|address):([^{}]+)\}\}")
_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"(?:19|20)\d\d年?")
"""A year alone is told apart: a rule of a profile may keep it."""
_SHORTEST = 3
_SHORTEST_CJK = 2
_DAYS = 137
_TITLES = frozenset(
    "dr dra doctor doktor dott ssa prof professor mr mrs mme sr sor frau fru sra lek läk læge"
    " lege overlege overlæge ssk rtgssk καθ δρ κα κυρ λλ ειδ mir aios esk ten van von der"
    " the med hospital general klinikum klinik clínica clinic praxis ward mvz lasarett"
    " rua via rue calle dei des esq tv as las 教授".split()
)
"""Words inside a mark that name nobody; every other part of three characters or more counts."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the plain text, its clinical words, and its identities with their kinds."""

    text: str
    clinical: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]


def _line(marked: str) -> Line:
    clinical = tuple(_words(_MARK.sub(" ", marked)))
    return Line(_MARK.sub(r"\2", marked), clinical, tuple(_MARK.findall(marked)))


def lines_of(path: Path) -> tuple[dict[str, str], list[Line]]:
    """Return the header's people by role, and the lines."""
    people: dict[str, str] = {}
    lines = []
    for raw in path.read_text("utf-8").splitlines():
        if raw.startswith("#"):
            role, _, name = raw.lstrip("# ").partition(": ")
            if name:
                people[role] = name
        elif raw:
            lines.append(_line(raw.split("\t", 1)[1]))
    return people, lines


def _words(text: str) -> Iterator[str]:
    return (word.group().casefold() for word in _WORD.finditer(text))


def _is_cjk(word: str) -> bool:
    return bool(word) and "\u3040" <= word[0] <= "\u9fff"


def _left(kind: str, marked: str, line: Line, cleaned: str) -> list[str]:
    """Return the parts of an identity that are still there."""
    if kind == "date":
        return [marked] if marked in cleaned else []
    there = list(_words(cleaned))
    clinical = set(line.clinical)
    out = []
    for part in _words(marked):
        if part in _TITLES or part in clinical:
            continue
        if _is_cjk(part):
            if len(part) >= _SHORTEST_CJK and part in cleaned:
                out.append(part)
        elif len(part) >= _SHORTEST and part in there:
            out.append(part)
    return out


def score(path: Path) -> dict[str, Any]:
    """Return one language's figures and lists."""
    people, lines = lines_of(path)
    cleaner = TextCleaner(
        vocabulary(),
        Identities(names=frozenset(people.values()), identifiers=frozenset({"ZQ-5510937"})),
        days=_DAYS,
    )
    doctor = {word for word in _words(people["doctor"].replace("^", " ")) if len(word) > 1}
    clinical = kept = 0
    lost: Counter[str] = Counter()
    leaks: list[dict[str, object]] = []
    totals: Counter[str] = Counter()
    leaked: Counter[str] = Counter()
    for line in lines:
        cleaned = cleaner.clean(line.text).text
        have = Counter(_words(cleaned))
        for word, n in Counter(line.clinical).items():
            stays = min(n, have[word])
            if _is_cjk(word):
                stays = min(n, cleaned.casefold().count(word))
            clinical += n
            kept += stays
            lost[word] += n - stays
        for kind, marked in line.marks:
            in_header = kind == "name" and bool(doctor & set(_words(marked)))
            group = "header name" if in_header else kind
            if kind == "date" and _YEAR.fullmatch(marked):
                group = "year"
            totals[group] += 1
            left = _left(kind, marked, line, cleaned)
            if left:
                leaked[group] += 1
                leaks.append({"kind": group, "left": left, "line": line.text, "out": cleaned})
    n_marks, n_leaked = sum(totals.values()), sum(leaked.values())
    return {
        "lines": len(lines),
        "clinical_words": clinical,
        "clinical_kept": round(100 * kept / clinical, 2),
        "identities": n_marks,
        "identities_removed": round(100 * (n_marks - n_leaked) / n_marks, 2),
        "by_kind": {kind: [totals[kind] - leaked[kind], totals[kind]] for kind in sorted(totals)},
        "leaks": leaks,
        "lost": {word: n for word, n in lost.most_common() if n},
    }


def main() -> None:
    """Print the figures per language; with `--json`, write them with the lists."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--lines", type=Path, default=HERE, help="the folder with the *.tsv files")
    wanted = parser.parse_args()
    found = {path.stem: score(path) for path in sorted(wanted.lines.glob("*.tsv"))}
    print("language  lines  clinical kept %  identities removed %  by kind (removed/all)")
    for language, s in found.items():
        kinds = ", ".join(f"{kind} {n}/{of}" for kind, (n, of) in s["by_kind"].items())
        print(
            f"{language:8}  {s['lines']:5}  {s['clinical_kept']:15.1f}"
            f"  {s['identities_removed']:20.1f}  {kinds}"
        )
    for language, s in found.items():
        print(f"\n{language}: identities left")
        for leak in s["leaks"]:
            print(f"  {leak['kind']:12} {leak['left']}  in  {leak['out']}")
        print(f"{language}: clinical words lost: {', '.join(s['lost'])}")
    if wanted.json:
        wanted.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")


if __name__ == "__main__":
    main()
