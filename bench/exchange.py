"""A dataset version of many series, written in each format: seconds and the most memory.

Run: python bench/exchange.py [--series 1500000] [--to eucaim …]

20,000 subjects of whom nobody exists, three studies each, no pixels: the tables alone. Each format
runs in a process of its own, so that its memory is its own.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from tessera.adapters.exchange.grouped import sorting, version_subjects
from tessera.adapters.exchange.writers import WRITERS, VersionAbout
from tessera.adapters.exchange.written import WrittenFolder
from tessera.domain.clinical.cdm import CONDITION, PATIENT, SERIES, STUDY
from tessera.domain.clinical.entity import Table

N_SUBJECTS = 20_000
N_STUDIES = 3
DAY = date(2020, 1, 1)
ABOUT = VersionAbout(
    dataset_id="bench",
    version=1,
    title="Bench",
    description="",
    publisher="Nobody",
    created=DAY,
    software="bench",
)


def write_version(folder: Path, n_series: int) -> None:
    """Write the four tables, in batches."""
    each = n_series // N_SUBJECTS
    who = [f"TES-{number:016d}" for number in range(N_SUBJECTS)]
    _write(folder, PATIENT, ({"subject": one, "sex": "male", "baseline_date": DAY} for one in who))
    cancer = {"cancer": "prostate", "diagnosis_date": DAY, "age_at_diagnosis": 60.0}
    of_cancer = ({"condition_id": f"{one}/1", "subject": one, **cancer} for one in who)
    _write(folder, CONDITION, of_cancer)
    studies = (
        {"study_uid": f"2.25.{number}.{study}", "subject": one, "study_date": DAY}
        for number, one in enumerate(who)
        for study in range(N_STUDIES)
    )
    _write(folder, STUDY, studies)
    series = (
        {
            "series_uid": f"2.25.{number}.{place % N_STUDIES}.{place}",
            "study_uid": f"2.25.{number}.{place % N_STUDIES}",
            "subject": one,
            "modality": "MR",
            "body_part": "PROSTATE",
            "n_instances": 20,
        }
        for number, one in enumerate(who)
        for place in range(each)
    )
    _write(folder, SERIES, series)


def _write(folder: Path, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "texts": pa.list_(pa.string()),
    }
    schema = pa.schema([pa.field(column.name, kinds[column.kind]) for column in table.columns])
    with pq.ParquetWriter(folder / f"{table.name}.parquet", schema, compression="zstd") as writer:
        for batch in _batches(rows):
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == 50_000:
            yield batch
            batch = []
    yield batch


def export(version: Path, form: str) -> None:
    """Write one format and print what it took."""
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(dir=version.parent) as spill,
        WrittenFolder(Path(spill) / "out") as out,
        sorting(Path(spill)) as connection,
    ):
        made = WRITERS[form](out, version_subjects(connection, version), ABOUT)
        out.manifest({})
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{form:<7} {made.n_subjects} subjects  {seconds:6.1f} s  {memory:6.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1_500_000)
    parser.add_argument("--to", nargs="*", default=list(WRITERS))
    asked = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        version = Path(folder) / "version"
        version.mkdir()
        write_version(version, asked.series)
        for form in asked.to:
            process = fresh.Process(target=export, args=(version, form))
            process.start()
            process.join()


if __name__ == "__main__":
    main()
