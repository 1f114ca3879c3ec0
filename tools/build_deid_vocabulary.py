"""Build the standard's part of the text cleaner's vocabulary.

Usage: python tools/build_deid_vocabulary.py modules.json [--out FILE]

Input: the coded concepts, attribute names and UID names that pydicom carries (MIT licence), and
``modules.json`` of the public repository ``innolitics/dicom-standard`` (MIT licence), which is the
module descriptions of DICOM PS3.3. Output: ``standard.txt``, the single words of those, sorted.
Single words are facts of the language. A word that the descriptions write with a capital only is
left out, since it could be a name; so is any word listed under [names] beside the output file.
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path

from pydicom.datadict import DicomDictionary
from pydicom.sr._concepts_dict import concepts

from tessera.domain.deid.text.tokens import folded

DATA = Path(__file__).parents[1] / "src/tessera/domain/deid/data/vocabulary"
HEADER = """\
# Words of DICOM: attribute names, coded concepts (PS3.16) and the prose of PS3.3.
# From pydicom's dictionaries (MIT) and innolitics/dicom-standard modules.json (MIT); single words
# are facts. Written by tools/build_deid_vocabulary.py; do not edit.
[words]
"""
LETTERS = re.compile(r"[^\W\d_]+")
# Concepts of these subjects name animals, plants and breeds after people and places.
BREEDS = re.compile(r"\b(breed|genus|species|family|subfamily|order|strain|cattle|horse)\b", re.I)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", type=Path)
    parser.add_argument("--out", type=Path, default=DATA / "standard.txt")
    args = parser.parse_args()

    sure: set[str] = set()
    for row in DicomDictionary.values():
        sure.update(LETTERS.findall(row[2].lower()))
    meanings = [
        meaning
        for scheme in concepts.values()
        for codes in scheme.values()
        for meaning, _ in codes.values()
        if not BREEDS.search(meaning)
    ]
    prose = [re.sub(r"<[^>]+>", " ", module["description"]) for module in _modules(args.modules)]
    lower, seen = Counter[str](), Counter[str]()
    for text in (*meanings, *prose):
        for word in LETTERS.findall(text):
            seen[word.lower()] += 1
            # A first word has its capital for another reason.
            lower[word.lower()] += word.islower()
    first = Counter(m.group().lower() for t in meanings if (m := LETTERS.match(t)))
    sure.update(w for w in lower if lower[w] or (len(w) > 5 and first[w] > 1))
    names = _listed_names(args.out.parent)
    words = sorted({w for w in map(folded, sure) if len(w) > 2 and w.isascii() and w not in names})
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 98:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    args.out.write_text(HEADER + "\n".join([*lines, line]) + "\n", encoding="utf-8")
    print(f"{len(words)} words to {args.out.name}")


def _modules(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _listed_names(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.glob("*.txt"):
        section = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            text = line.partition("#")[0].strip()
            if text.startswith("["):
                section = text
            elif section == "[names]":
                names.update(map(folded, text.split()))
    return names


if __name__ == "__main__":
    main()
