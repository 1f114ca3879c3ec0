"""The engine over columns keeps the contract, also where DuckDB has to answer for it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tessera.adapters.columns import engine as engines
from tessera.adapters.columns.engine import ColumnCohortEngine
from tessera.adapters.columns.values import Odd
from tessera.adapters.columns.version import Version
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidInput
from tessera.ports.cohort_engine import CohortEngine
from tessera.testing.cohort_cuts import CutContract
from tessera.testing.cohort_engine import HOSPITAL, CohortEngineContract, Rows, write_version


class TestColumnCohortEngine(CutContract, CohortEngineContract):
    def make(self, root: Path) -> CohortEngine:
        return ColumnCohortEngine(root)


def test_the_contract_is_not_kept_by_the_other_engine(tmp_path: Path) -> None:
    Version(write_version(tmp_path / "v1", HOSPITAL))  # raises Odd if DuckDB had to answer


@pytest.mark.parametrize("through_link", [False, True])
def test_a_version_outside_the_root_cannot_be_read(tmp_path: Path, *, through_link: bool) -> None:
    version = write_version(tmp_path / "elsewhere" / "v1", HOSPITAL)
    root = tmp_path / "root"
    root.mkdir()
    if through_link:
        (root / "v1").symlink_to(version)
        version = root / "v1"
    with pytest.raises(InvalidInput):
        ColumnCohortEngine(root).count(version, parse("modality = MR"))


def test_several_threads_may_ask_at_once(tmp_path: Path) -> None:
    version = write_version(tmp_path / "v1", HOSPITAL)
    engine = ColumnCohortEngine(tmp_path)
    query = parse("modality = CT")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: engine.count(version, query), range(24)))
    assert found == [ExactCounts(2, 2, 2)] * 24


def test_a_version_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    engine = ColumnCohortEngine(tmp_path)
    assert engine.count(write_version(tmp_path / "v1", HOSPITAL), parse("sex = male")) == (
        ExactCounts(2, 3, 2)
    )
    fewer: Rows = {**HOSPITAL, "patient": HOSPITAL["patient"][:2]}
    assert engine.count(write_version(tmp_path / "v1", fewer), parse("sex = male")) == (
        ExactCounts(1, 2, 1)
    )


def test_the_versions_asked_least_lately_are_forgotten(tmp_path: Path) -> None:
    engine = ColumnCohortEngine(tmp_path)
    for number in range(engines.MOST_VERSIONS + 3):
        version = write_version(tmp_path / f"v{number}", HOSPITAL)
        assert engine.count(version, parse("sex = male")) == ExactCounts(2, 3, 2)
    assert len(engine._kept) == engines.MOST_VERSIONS
    assert engine.count(tmp_path / "v0", parse("sex = male")) == ExactCounts(2, 3, 2)


ODD: dict[str, tuple[str, pa.Table, str, tuple[int, int, int]]] = {
    "a subject twice": (
        "patient",
        pa.table({"subject": ["A", "A", "B"], "sex": ["male", "female", "male"]}),
        "sex = male",
        (2, 3, 2),
    ),
    "a row without a subject": (
        "patient",
        pa.table({"subject": ["A", None, "B"], "sex": ["male", "male", "male"]}),
        "sex = male",
        (2, 3, 2),
    ),
    "numbers as text": (
        "series",
        pa.table(
            {"study_uid": ["A1", "B1"], "subject": ["A", "B"], "slice_thickness_mm": ["3", " 5 "]}
        ),
        "slice_thickness <= 3",
        (1, 1, 1),
    ),
}


@pytest.mark.parametrize("what", sorted(ODD))
def test_what_the_program_does_not_write_is_answered_all_the_same(
    tmp_path: Path, what: str
) -> None:
    table, rows, text, counts = ODD[what]
    version = write_version(tmp_path / "v1", HOSPITAL)
    pq.write_table(rows, version / f"{table}.parquet")
    if table == "patient":
        with pytest.raises(Odd):
            Version(version)
    assert ColumnCohortEngine(tmp_path).count(version, parse(text)) == ExactCounts(*counts)
