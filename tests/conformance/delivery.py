"""Runs `tessera deid` over real DICOM and pairs every output with its input."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pydicom.data
import pytest

REPOSITORY = Path(__file__).parents[2]
TESSERA = Path(sys.executable).parent / "tessera"
BUNDLED = Path(str(pydicom.data.__file__)).parent / "test_files"
REFERENCE_FOLDERS = (
    "datalad-structural",
    "dcmqi",
    "dicompyler",
    "highdicom",
    "pydicom-data",
    "rt-utils",
    "tcia-acrin-nsclc-pet",
    "tcia-prostatex",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the report says of one input."""

    source: str
    state: str
    output: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One run: the folder that went in, what came out, and the report."""

    folder: Path
    out: Path
    outcomes: tuple[Outcome, ...]

    def stored(self, limit: int = 1_000_000) -> list[tuple[Path, Path]]:
        """(input, output) of stored files; at most `limit`, spread evenly."""
        pairs = [
            (Path(one.source), self.out / one.output)
            for one in self.outcomes
            if one.state == "stored" and Path(one.source).is_file()
        ]
        step = max(1, -(-len(pairs) // limit))
        return pairs[::step]


def reference_root() -> Path:
    """Where public DICOM is kept beside the project."""
    named = os.environ.get("TESSERA_REFERENCE_DATA")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def make_phantom(folder: Path, *, patients: int, seed: int, language: str = "sv") -> Path:
    """Write an invented hospital; return its PACS export. `truth.json` lies beside it."""
    command = [str(TESSERA), "phantom", str(folder), "--patients", str(patients)]
    command += ["--seed", str(seed), "--language", language]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "pacs"


def folder_of(name: str) -> Path:
    """The folder of a source by name; skips the test where it is absent."""
    if name == "pydicom":
        return BUNDLED
    folder = reference_root() / "dicom" / name
    if not folder.is_dir():
        pytest.skip(f"public DICOM not found at {folder}; set TESSERA_REFERENCE_DATA")
    return folder


def deliver(folder: Path, work: Path, *, profile: str = "research") -> Delivery:
    """Run the command as a user would, pixels as they are, and read its report."""
    report = work / "report.json"
    done = subprocess.run(
        [
            str(TESSERA),
            "deid",
            str(folder),
            str(work / "out"),
            "--profile",
            profile,
            "--key",
            str(work / "project.key"),
            "--report",
            str(report),
            "--no-pixels",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    # 3: some files were held or refused, which is expected here.
    assert done.returncode in (0, 3), done.stderr
    outcomes = tuple(
        Outcome(*(str(one[name]) for name in ("source", "state", "output", "reason", "message")))
        for one in json.loads(report.read_text(encoding="utf-8"))["outcomes"]
    )
    return Delivery(folder, work / "out", outcomes)
