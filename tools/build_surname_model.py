"""Build src/tessera/adapters/names/data from the surnames of the 1990 census of the United States.

    python tools/build_surname_model.py dist.all.last

The file (88,799 surnames, as they were counted) is a work of the United States government and in
the public domain; it is at census.gov under "Frequently Occurring Surnames from the 1990 Census".
The other side are the words of the package's own vocabulary. Logistic regression on hashed letter
runs, every name and word at once: the same input gives the same bytes.
"""

import re
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np

from tessera.adapters.names.surnames import BUCKETS, LEAST_LETTERS, SCALE, buckets_of
from tessera.domain.deid.text.tokens import folded_text

ROOT = Path(__file__).resolve().parent.parent / "src" / "tessera"
OUT = ROOT / "adapters" / "names" / "data"
ROUNDS = 150
DECAY = 0.5
STEP = 0.5


def vocabulary_words() -> set[str]:
    """Return the folded words of all lists but that of names."""
    words: set[str] = set()
    for path in (ROOT / "domain" / "deid" / "data" / "vocabulary").glob("*.txt"):
        if path.stem != "names":
            lines = (x for x in path.read_text("utf-8").splitlines() if not x.startswith("#"))
            words |= set(
                re.findall(rf"\b[a-z]{{{LEAST_LETTERS},}}\b", folded_text(" ".join(lines)))
            )
    return words


def train(names: list[str], words: list[str]) -> tuple[np.ndarray, float]:
    """Return (weight of each bucket, bias)."""
    runs = [buckets_of(word) for word in (*names, *words)]
    sizes = np.array([len(one) for one in runs])
    place = np.concatenate([np.array(one) for one in runs])
    row = np.repeat(np.arange(len(runs)), sizes)
    is_name = np.arange(len(runs)) < len(names)
    share = np.where(is_name, 1.0, len(names) / len(words))
    norm = 1 / np.sqrt(sizes)
    weights, bias, seen = np.zeros(BUCKETS), 0.0, np.full(BUCKETS, 1e-6)
    for _ in range(ROUNDS):
        odds = np.bincount(row, weights=weights[place], minlength=len(runs)) * norm + bias
        off = (1 / (1 + np.exp(-odds)) - is_name) * share
        slope = np.bincount(place, weights=(off * norm)[row], minlength=BUCKETS) + DECAY * weights
        seen += slope * slope
        weights -= STEP * slope / np.sqrt(seen)
        bias -= 0.1 * float(off.mean())
    return weights, bias


def main(census: Path) -> None:
    counted = (line.split()[0].lower() for line in census.read_text("ascii").splitlines())
    names = {name for name in counted if len(name) >= LEAST_LETTERS and name.isalpha()}
    words = vocabulary_words()
    weights, bias = train(sorted(names - words), sorted(words))
    OUT.mkdir(exist_ok=True)
    head = (
        "# Surnames of five letters and more of the 1990 census of the United States, by letter.\n"
        "# Public domain (a work of the United States government). tools/build_surname_model.py\n"
    )
    body = head + "".join(f"{name}\n" for name in sorted(names))
    table = np.clip(np.rint(weights * SCALE), -127, 127).astype(np.int8).tobytes()
    runs = round(bias * 256).to_bytes(2, "little", signed=True) + table
    (OUT / "surnames.txt").write_text(body, "ascii")
    (OUT / "surname_runs.bin").write_bytes(runs)
    version = sha256(body.encode() + runs).hexdigest()[:8]
    (OUT / "version.txt").write_text(f"{version}\n", "ascii")
    print(f"{len(names)} surnames, {len(words)} words, {len(body) + len(runs)} bytes, {version}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
