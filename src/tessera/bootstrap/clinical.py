"""Wire the intake of clinical tables: copies, stores and the problem report of the home."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tessera.adapters.system_clock import SystemClock
from tessera.adapters.tables import TableReader
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.clinical_parts import (
    WORTH_A_POOL,
    PartsHere,
    PartsInPool,
    PartsRequest,
)
from tessera.bootstrap.datasets import clinical_store
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import open_node
from tessera.domain.audit.events import clinical_delivered
from tessera.domain.clinical.mapping_file import parse_mapping_file
from tessera.domain.clinical.problem import Problem
from tessera.domain.errors import InvalidInput, NotFound
from tessera.node.clinical import ClinicalOutcome, load_clinical

_HEADER = ("file", "row", "column", "variable", "reason", "row_left_out", "mend")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalIntake:
    """What came of one delivery."""

    outcome: ClinicalOutcome
    mapping: str
    """Name and version."""
    files: tuple[str, ...]
    """Names of the tables, by the place that problems name."""
    problems: Path | None
    """Identified zone: every problem with the raw value; None when there is none."""
    provenance: Path | None
    """Identified zone: a folder of Parquet files with a line per cell; None of a dry run."""


def load_tables(
    home: Path,
    tables: Sequence[Path],
    mapping: Path,
    on_row: Callable[[int], None] = lambda _n: None,
    *,
    is_dry: bool = False,
    workers: int = 0,
) -> ClinicalIntake:
    """Keep a copy of each table in the identified zone, map it, store the records.

    `is_dry` keeps and stores nothing, and tells what would change. Raises NotFound,
    InvalidMapping, InvalidSettings; then no record is changed.
    """
    node = open_node(home)
    if not tables:
        raise InvalidInput("name at least one table")
    for path in (mapping, *tables):
        if not path.is_file():
            raise NotFound(f"{path}: no such file")
    try:
        words = mapping.read_text("utf-8")
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{mapping}: not UTF-8; a mapping file is UTF-8 TOML") from cause
    read = parse_mapping_file(words, mapping.name)
    for path in tables:
        read.of_file(path.name)
    now = SystemClock().now()
    kept = node.identified / "clinical" / _stamp(now)
    copies, provenance = list(tables), None
    if not is_dry:
        copies = [_keep(path, kept) for path in tables]
        _keep(mapping, kept)
        provenance = kept / "provenance"
        provenance.mkdir(mode=0o700)
    excluded = exclusions_of(node.home).excluded()
    request = PartsRequest(
        key=node.key(),
        prefix=node.settings.prefix,
        issuers=frozenset(node.settings.issuers),
        max_shift_days=node.rules.profile.max_shift_days,
        today=now.date(),
        excluded=excluded,
        files=tuple(path.name for path in tables),
        provenance=provenance,
    )
    n_bytes = sum(path.stat().st_size for path in tables)
    outcome = load_clinical(
        copies,
        read,
        tables=TableReader(),
        store=clinical_store(node),
        pseudonymiser=node.pseudonymiser(),
        now=now,
        excluded=excluded,
        on_row=on_row,
        do_parts=PartsHere(request)
        if n_bytes < WORTH_A_POOL or workers == 1
        else PartsInPool(request, node.identified, n_bytes, workers),
        is_dry=is_dry,
    )
    label = f"{read.name} {read.version}"
    problems = None
    if not is_dry:
        counts = (outcome.n_rows, outcome.n_rejected, outcome.n_subjects)
        write_down(home, clinical_delivered(label, *counts))
        if outcome.problems:
            problems = kept / "problems.csv"
            _private(problems, _problem_lines(outcome, request.files, raw=True).encode())
    return ClinicalIntake(
        outcome=outcome,
        mapping=label,
        files=request.files,
        problems=problems,
        provenance=provenance,
    )


def write_report(path: Path, intake: ClinicalIntake) -> None:
    """Write the problems without raw values: JSON when `path` ends so, else CSV."""
    outcome, files = intake.outcome, intake.files
    if path.suffix.lower() == ".json":
        body = [
            dict(zip(_HEADER, _line(problem, files), strict=True)) for problem in outcome.problems
        ]
        text = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
    else:
        text = _problem_lines(outcome, files, raw=False)
    path.write_text(text, encoding="utf-8")


def _problem_lines(outcome: ClinicalOutcome, files: Sequence[str], *, raw: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow((*_HEADER, "raw_value") if raw else _HEADER)
    for problem in outcome.problems:
        line = _line(problem, files)
        writer.writerow((*line, problem.raw.value) if raw else line)
    return out.getvalue()


def _line(problem: Problem, files: Sequence[str]) -> tuple[str, int, str, str, str, bool, str]:
    return (
        files[problem.place],
        problem.row,
        problem.column,
        problem.variable,
        problem.reason,
        problem.rejected,
        problem.mend,
    )


def _stamp(now: datetime) -> str:
    return now.strftime("%Y%m%dT%H%M%S%fZ")


def _keep(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    part = folder / f".{target.name}.part"
    shutil.copyfile(path, part)
    part.chmod(0o600)
    part.replace(target)
    return target


def _private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(content)
