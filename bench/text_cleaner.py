"""Speed of the text cleaner: new descriptors, known ones under a new patient, repeated ones.

Usage: python bench/text_cleaner.py
"""

import itertools
import time

from tessera.adapters.files.rule_files import vocabulary
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner

WORDS = "t2 tse tra sag axial head neck dwi flair MPRAGE liver mit contrast portal venous 3mm"


def main() -> None:
    words = vocabulary()
    people = [Identities(names=frozenset({f"Svensson{n}x^Karin", "Ek^Bo"})) for n in range(2)]
    first, second = (TextCleaner(words, who, days=9) for who in people)
    values = [f"{a}_{b} {c}" for a, b, c in itertools.permutations(WORDS.split(), 3)]
    for name, cleaner in (("new", first), ("new patient", second), ("repeated", first)):
        start = time.perf_counter()
        for value in values:
            cleaner.clean(value)
        print(f"{name}: {len(values) / (time.perf_counter() - start):,.0f} values/s")


if __name__ == "__main__":
    main()
