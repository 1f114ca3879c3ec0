"""Cohort search over one node of 100,000 patients, 1.5 million series, 60 million images.

Usage: python bench/cohort.py [--patients 100000] [--series 1500000] [--queries 60] [--work FOLDER]

Four conditions (cancer, two stages, modality and slice thickness in one series) and the numbers of
the matching patients by six fields. Ours (columns in memory) and the peer (DuckDB over the same
Parquet, as the node would ask it) answer the same random questions in turn; each answer of ours
must be the peer's. The same for two relations in time with a cancer: images before an operation,
and two CT some days apart. A second peer is DuckDB's own table, sorted by what is asked for, with
one statement written by hand for the first question alone. The data are random; nobody is in them.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tessera.adapters.columns.engine import ColumnCohortEngine
from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.domain.cohort.exact import ExactCells, NotSupported
from tessera.domain.cohort.syntax import parse

CANCERS = ("breast", "lung", "prostate", "colon", "rectum", "pancreas", "liver", "kidney", "glioma")
STAGES = ("I", "II", "III", "IV")
MODALITIES = ("CT", "MR", "PT", "MG", "US", "DX", "SEG", "RTSTRUCT", "NM")
MAKERS = (
    *("SIEMENS", "GE MEDICAL SYSTEMS", "Philips", "Canon Medical Systems"),
    *("HOLOGIC, Inc.", "FUJIFILM Corporation"),
)
TREATMENTS = ("surgery", "radiotherapy", "chemotherapy", "hormone")
THICKNESSES = (0.625, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0)


def write(folder: Path, n_patients: int, n_series: int, n_images: int, seed: int = 7) -> None:
    """Write the four tables of a dataset version, as the node does."""
    rng = np.random.default_rng(seed)
    n_studies = n_patients * 5 // 2

    def drawn(values: tuple[object, ...], n: int, weights: tuple[float, ...] = ()) -> pa.Array:
        p = np.array(weights) / sum(weights) if weights else None
        return pa.array(np.array(values, object)[rng.choice(len(values), n, p=p)].tolist())

    subjects = np.array([f"TES-{i:016}" for i in range(n_patients)], object)
    study_of = np.sort(rng.integers(0, n_studies, n_series))
    subject_of = np.sort(
        np.r_[np.arange(n_patients), rng.integers(0, n_patients, n_studies - n_patients)]
    )
    uids = np.array([f"2.25.{10**37 + i}" for i in range(n_studies)], object)
    thickness = np.array(THICKNESSES)[rng.choice(10, n_series)]
    thickness[rng.random(n_series) < 0.2] = np.nan
    ages = np.round(np.clip(rng.normal(64, 11, n_patients), 18, 97), 1)
    tables = {
        "patient": {
            "subject": pa.array(subjects.tolist()),
            "sex": drawn(("female", "male"), n_patients),
            "population": drawn(("cancer", "control"), n_patients, (9, 1)),
            "survival_days": pa.array(rng.integers(1, 4000, n_patients)),
            "baseline": pa.array(["diagnosis"] * n_patients),
        },
        "condition": {
            "subject": pa.array(subjects.tolist()),
            "cancer": drawn(CANCERS, n_patients, (19, 16, 13, 9, 5, 4, 4, 4, 4)),
            "stage": drawn((*STAGES, None), n_patients, (3, 3, 2, 2, 1)),
            "age_at_diagnosis": pa.array(ages),
        },
        "study": {
            "study_uid": pa.array(uids.tolist()),
            "subject": pa.array(subjects[subject_of].tolist()),
            "diagnosis_offset_days": (days := pa.array(rng.integers(-60, 2000, n_studies))),
            "study_offset_days": days,
        },
        "series": {
            "study_uid": pa.array(uids[study_of].tolist()),
            "subject": pa.array(subjects[subject_of[study_of]].tolist()),
            "modality": drawn(MODALITIES, n_series, (44, 27, 9, 1, 5, 6, 4, 3, 1)),
            "manufacturer": drawn(MAKERS, n_series, (36, 28, 18, 9, 4, 5)),
            "body_part": drawn(("CHEST", "ABDOMEN", "PELVIS", "BREAST", "BRAIN"), n_series),
            "slice_thickness_mm": pa.array(thickness, from_pandas=True),
            "n_instances": pa.array(images(rng, n_series, n_images)),
        },
    }
    tables["treatment"] = treatments(rng, subjects)
    folder.mkdir(parents=True)
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet", compression="zstd")


def treatments(rng: np.random.Generator, subjects: NDArray[np.object_]) -> dict[str, pa.Array]:
    """Return one and a half courses of treatment for each patient."""
    n = len(subjects) * 3 // 2
    return {
        "treatment_id": pa.array([str(i) for i in range(n)]),
        "subject": pa.array(np.sort(rng.choice(subjects, n)).tolist()),
        "type": pa.array(np.array(TREATMENTS)[rng.integers(0, len(TREATMENTS), n)].tolist()),
        "start_offset_days": pa.array(rng.integers(0, 400, n)),
    }


def images(rng: np.random.Generator, n_series: int, n_images: int) -> NDArray[np.int64]:
    drawn = rng.gamma(1.4, 1, n_series)
    return np.maximum(1, (drawn * (n_images / drawn.sum())).astype(np.int64))


def questions(n: int) -> list[dict[str, Any]]:
    rng = random.Random(5)
    return [
        {
            "cancer": rng.choice(CANCERS),
            "stages": rng.sample(STAGES, 2),
            "modality": rng.choice(("CT", "CT", "MR", "PT")),
            "thickness": rng.choice((1.25, 2, 3, 5)),
        }
        for _ in range(n)
    ]


def text(asked: dict[str, Any]) -> str:
    return (
        "cancer = {cancer} and stage in ({0}, {1}) and "
        "in one series (modality = {modality} and slice_thickness <= {thickness})"
    ).format(*asked["stages"], **asked)


def temporal_text(asked: dict[str, Any]) -> str:
    return (
        "cancer = {cancer} and modality = {modality} within 90 days before treatment = surgery and "
        "at least 2 (modality = CT) more than {days} days apart"
    ).format(days=int(100 * asked["thickness"]), **asked)


def by_hand(folder: Path, work: Path) -> Callable[[dict[str, Any]], int]:
    """Return a function that asks DuckDB's own sorted tables for subjects and six distributions."""
    own = duckdb.connect(str(work / "own.duckdb"), config={"threads": 1})
    own.execute(f"""
        CREATE OR REPLACE TABLE people AS
        SELECT p.subject, sex, cancer, stage, CAST(age_at_diagnosis AS INT) // 10 AS band
        FROM '{folder}/patient.parquet' p JOIN '{folder}/condition.parquet' c USING (subject)
        ORDER BY cancer, stage
    """)  # noqa: S608  # a folder of this program's own
    own.execute(f"""
        CREATE OR REPLACE TABLE series AS
        SELECT subject, modality, manufacturer, slice_thickness_mm
        FROM '{folder}/series.parquet' ORDER BY modality, slice_thickness_mm, subject
    """)  # noqa: S608

    def ask(asked: dict[str, Any]) -> int:
        own.execute(
            """
            CREATE OR REPLACE TEMP TABLE found AS
            SELECT * FROM people WHERE cancer = ? AND stage IN (?, ?) AND subject IN (
                SELECT subject FROM series WHERE modality = ? AND slice_thickness_mm <= ?)
            """,
            [asked["cancer"], *asked["stages"], asked["modality"], asked["thickness"]],
        )
        for field in ("sex", "cancer", "stage", "band"):
            own.execute(f"SELECT {field}, count(*) FROM found GROUP BY 1").fetchall()  # noqa: S608
        for field in ("modality", "manufacturer"):
            own.execute(f"""
                SELECT {field}, count(DISTINCT subject) FROM series
                WHERE subject IN (SELECT subject FROM found) GROUP BY 1
            """).fetchall()  # noqa: S608
        row = own.execute("SELECT count(*) FROM found").fetchone()
        return int(row[0]) if row else 0

    return ask


def cold_s(folder: Path) -> tuple[float, float]:
    """Return seconds of a first answer in a new process, imports apart, and its peak in MB."""
    code = (
        "import time, resource\nfrom pathlib import Path\n"
        "from tessera.adapters.columns.engine import ColumnCohortEngine\n"
        "from tessera.domain.cohort.syntax import parse\n"
        f"folder, began = Path({str(folder)!r}), time.perf_counter()\n"
        f"ColumnCohortEngine(folder.parent).cells(folder, parse({text(questions(1)[0])!r}))\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3\n"
        "print(time.perf_counter() - began, peak)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, out.stdout.split())
    return seconds, megabytes


def timed(ask: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    found = ask()
    return (time.perf_counter() - began) * 1e3, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--series", type=int, default=1_500_000)
    parser.add_argument("--images", type=int, default=60_000_000)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="bench-cohort-"))
    folder = work / f"v{args.series}"
    if not folder.exists():
        write(folder, args.patients, args.series, args.images)
    seconds, megabytes = cold_s(folder)
    print(f"first answer in a new process: {seconds:.2f} s, {megabytes:.0f} MB at most")
    ours, peer = ColumnCohortEngine(work), DuckDbCohortEngine(work, memory_limit="2GB")
    hand = by_hand(folder, work)
    names = (
        *("columns", "columns, conditions asked before", "DuckDB by hand", "DuckDB over Parquet"),
        *("columns, relations in time", "DuckDB over Parquet, relations in time"),
    )
    took: dict[str, list[float]] = {name: [] for name in names}
    for number, asked in enumerate(questions(args.queries)):
        query = parse(text(asked))
        for _ in range(args.repeat):
            ours.forget()
            ms, found = timed(lambda query=query: ours.cells(folder, query))
            took["columns"].append(ms)
        ms, _ = timed(lambda query=query: ours.cells(folder, query))
        took["columns, conditions asked before"].append(ms)
        ms, n_subjects = timed(lambda asked=asked: hand(asked))
        took["DuckDB by hand"].append(ms)
        if not isinstance(found, ExactCells) or found.counts.n_subjects != n_subjects:
            sys.exit(f"another answer: {query}")
        if number < 6:
            ms, same = timed(lambda query=query: peer.cells(folder, query))
            took["DuckDB over Parquet"].append(ms)
            if isinstance(same, NotSupported) or found != same:
                sys.exit(f"another answer: {query}")
        in_time = parse(temporal_text(asked))
        ours.forget()
        ms, found = timed(lambda in_time=in_time: ours.cells(folder, in_time))
        took["columns, relations in time"].append(ms)
        if number < 2:
            ms, same = timed(lambda in_time=in_time: peer.cells(folder, in_time))
            took["DuckDB over Parquet, relations in time"].append(ms)
            if isinstance(same, NotSupported) or found != same:
                sys.exit(f"another answer: {in_time}")
    base = statistics.median(took["columns"])
    for name, each in took.items():
        each.sort()
        p50, p99 = statistics.median(each), each[min(len(each) - 1, int(len(each) * 0.99))]
        print(json.dumps({"engine": name, "n": len(each), "min_ms": round(each[0], 2),
                          "p50_ms": round(p50, 2), "p99_ms": round(p99, 2),
                          "x ours": round(p50 / base, 1)}))  # fmt: skip
    print(f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
