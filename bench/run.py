"""Run every benchmark and write bench/latest.md.

Usage: python bench/run.py [--out FILE] [arguments of bench/deid.py]
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BENCHMARKS = {"De-identification, folder in, folder out": "deid.py"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "bench/latest.md")
    arguments, rest = parser.parse_known_args()
    sections = ["# Measured here", ""]
    for title, script in BENCHMARKS.items():
        done = subprocess.run(
            [sys.executable, str(ROOT / "bench" / script), *rest],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        sections += [f"## {title}", "", done.stdout]
        print(done.stdout)
    arguments.out.write_text("\n".join(sections), encoding="utf-8")
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
