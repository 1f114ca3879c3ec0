"""`python -m tests.second_corpus OUT --seed N`: write the files and key.jsonl."""

import argparse
from pathlib import Path

from tests.second_corpus.generate import generate

parser = argparse.ArgumentParser(description="Write the second corpus and its answer key.")
parser.add_argument("out", type=Path)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--patients", type=int, default=24)
options = parser.parse_args()
print(generate(options.out, options.seed, options.patients), "instances")  # noqa: T201
