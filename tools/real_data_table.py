"""Write docs/conformance/real-data.md: what `tessera deid` does with real DICOM.

Usage: python tools/real_data_table.py [REFERENCE] [--out FILE]

It runs the command over the test files that pydicom installs and over each folder of
REFERENCE/dicom (default: the environment variable TESSERA_REFERENCE_DATA, else
../shared/data), and counts what became of each file and why.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pydicom.data

ROOT = Path(__file__).parents[1]
STATES = ("stored", "duplicate", "held", "refused", "ignored")


@dataclass(frozen=True, slots=True)
class Source:
    """One folder of real files and where it comes from."""

    name: str
    folder: Path
    n_files: int
    states: Counter[str]
    kinds: Counter[str]
    reasons: Counter[tuple[str, str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "reference",
        nargs="?",
        type=Path,
        default=Path(os.environ.get("TESSERA_REFERENCE_DATA", ROOT.parent / "shared" / "data")),
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs/conformance/real-data.md")
    arguments = parser.parse_args()
    sources = [measured(name, folder) for name, folder in folders(arguments.reference)]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(render(sources), encoding="utf-8")
    print(f"{arguments.out}: {sum(source.n_files for source in sources)} files")


def folders(reference: Path) -> Iterator[tuple[str, Path]]:
    bundled = Path(str(pydicom.data.__file__)).parent / "test_files"
    yield f"pydicom {pydicom.__version__} (installed)", bundled
    for folder in sorted((reference / "dicom").glob("*")):
        if folder.is_dir():
            yield folder.name, folder


def measured(name: str, folder: Path) -> Source:
    """Run the command on one folder and count the outcomes in its report."""
    with tempfile.TemporaryDirectory() as work:
        report = Path(work) / "report.json"
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "tessera"),
                "deid",
                str(folder),
                f"{work}/out",
                "--report",
                str(report),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 3):
            raise SystemExit(f"{name}: {done.stderr}")
        outcomes = json.loads(report.read_text(encoding="utf-8"))["outcomes"]
    states = Counter(one["state"] for one in outcomes)
    kinds = Counter(kind(one["source"]) for one in outcomes if one["state"] == "stored")
    reasons = Counter(
        (one["state"], one["reason"], one["message"]) for one in outcomes if one["reason"]
    )
    n_files = sum(1 for path in folder.rglob("*") if path.is_file())
    if n_files > len(outcomes):
        raise SystemExit(f"{name}: {n_files} files went in, {len(outcomes)} are in the report")
    return Source(name, folder, n_files, states, kinds, reasons)


def kind(source: str) -> str:
    """Modality and transfer syntax of a stored file, as the file itself says."""
    if not Path(source).is_file():
        return "in a zip"
    ds = pydicom.dcmread(source, stop_before_pixels=True, force=True, specific_tags=["Modality"])
    return str(ds.get("Modality") or "no modality")


def render(sources: list[Source]) -> str:
    lines = [
        "# Real DICOM through `tessera deid`",
        "",
        "Made by `python tools/real_data_table.py`; make it again after every change to the",
        "de-identification. `tests/conformance/test_deid_judges.py` judges the outputs: no error",
        "of `dcmdump` or `dciodvfy` that the input had not, pixels the same that are not read, no",
        "UID, name, identifier or birth date left, references resolved.",
        "",
        "Every file has one outcome. *Stored*: de-identified. *Duplicate*: the same instance, the",
        "same content. *Held*: waits for a look at its pixels. *Refused*: cannot be understood.",
        "*Ignored*: not a DICOM instance.",
        "",
        "| source | files | " + " | ".join(STATES) + " | stored, by modality |",
        "|---" * (len(STATES) + 3) + "|",
    ]
    for source in [*sources, total(sources)]:
        counts = " | ".join(str(source.states[state]) for state in STATES)
        kinds = ", ".join(f"{n} {name}" for name, n in source.kinds.most_common())
        lines.append(f"| {source.name} | {source.n_files} | {counts} | {kinds} |")
    lines += ["", "## Why files were not stored", ""]
    lines += ["| source | files | outcome | reason | in words |", "|---|---|---|---|---|"]
    for source in sources:
        for (state, reason, words), n in sorted(source.reasons.items()):
            lines.append(f"| {source.name} | {n} | {state} | `{reason}` | {words} |")
    lines += [
        "",
        "Some files of pydicom share one SOP Instance UID and differ in content on purpose: the",
        "first is stored, the others are refused as `uid-conflict`. Test files without a study, a",
        "series or a class are not valid instances and are refused as such.",
        "",
    ]
    return "\n".join(lines)


def total(sources: list[Source]) -> Source:
    states: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for source in sources:
        states += source.states
        kinds += source.kinds
    n_files = sum(source.n_files for source in sources)
    return Source("**all**", Path(), n_files, states, kinds, Counter())


if __name__ == "__main__":
    main()
