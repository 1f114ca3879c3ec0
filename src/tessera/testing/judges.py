"""Outside judges of DICOM files: ``dcmdump`` (DCMTK) and ``dciodvfy`` (dicom3tools).

Each gives the set of kinds of error it finds in a file. Values, offsets and counts are taken
out of the lines, so the judgement of an output can be compared with that of its input:
what de-identification must not do is add a kind of error that the input did not have.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

Judge = Callable[[Path], frozenset[str]]

_TIMEOUT_S = 120
# dciodvfy writes names of attributes and modules in angle brackets, and values too.
_QUOTED = re.compile(
    r"(?<!Element=)(?<!Module=)(?<!Macro=)(?<!attribute )<[^<>]*>|'[^']*'|\"[^\"]*\"|\[[^\[\]]*\]"
)
_TAG = re.compile(
    r"\(0x([0-9a-fA-F]{4}),0x([0-9a-fA-F]{4})\)|\(([0-9a-fA-F]{4}),([0-9a-fA-F]{4})\)"
)
_NUMBER = re.compile(r"(?<!Type )\b(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)*)\b")


def missing_judges() -> list[str]:
    """Name the programs that are not installed, for a skip that says why."""
    return [program for program in ("dcmdump", "dciodvfy") if shutil.which(program) is None]


def dcmdump_errors(path: Path) -> frozenset[str]:
    """Return the kinds of error that DCMTK's parser reports; empty for a file it reads whole."""
    done = _run(["dcmdump", "--load-short", str(path)])
    lines = [
        _normalised(line) for line in done.stderr.splitlines() if line.startswith(("E:", "F:"))
    ]
    if done.returncode != 0 and not lines:
        lines.append(f"exit status {done.returncode}")
    return frozenset(lines)


def dciodvfy_errors(path: Path) -> frozenset[str]:
    """Return the kinds of error that ``dciodvfy`` finds against the object's definition (PS3.3)."""
    with TemporaryDirectory() as work:
        done = _run(["dciodvfy", str(_inflated(path, Path(work)))])
    lines = [_normalised(line) for line in done.stderr.splitlines() if line.startswith("Error")]
    if done.returncode < 0:
        lines.append(f"ended by signal {-done.returncode}")
    return frozenset(lines)


JUDGES: dict[str, Judge] = {"dcmdump": dcmdump_errors, "dciodvfy": dciodvfy_errors}


def new_errors(before: Path, after: Path) -> dict[str, frozenset[str]]:
    """Return, per judge, the kinds of error that `after` has and `before` had not."""
    gained = {name: judge(after) - judge(before) for name, judge in JUDGES.items()}
    return {name: errors for name, errors in gained.items() if errors}


def _inflated(path: Path, work: Path) -> Path:
    """Return `path`, or an inflated copy in `work`: dciodvfy does not read deflated files."""
    try:
        ds = dcmread(path)
    except (InvalidDicomError, EOFError, OSError):
        return path
    if ds.file_meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return path
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    copy = work / "inflated.dcm"
    ds.save_as(copy)
    return copy


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        encoding="utf-8",
        errors="replace",
        timeout=_TIMEOUT_S,
    )


def _normalised(line: str) -> str:
    """Take values, offsets, counts and file names out of a line, keep tags and words."""
    tags: list[str] = []

    def keep(match: re.Match[str]) -> str:
        tags.append("".join(part for part in match.groups() if part).upper())
        return " @ "

    words = _NUMBER.sub("#", _QUOTED.sub("_", _TAG.sub(keep, line)))
    # File names differ between input and output by nature.
    words = re.sub(r"\S*/\S*", "_", words)
    for tag in tags:
        words = words.replace("@", tag, 1)
    return " ".join(words.split())
