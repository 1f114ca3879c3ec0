"""The DuckDB cohort engine keeps the contract, and reads nothing outside its folder."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import Unavailable
from tessera.ports.cohort_engine import CohortEngine
from tessera.testing.cohort_cuts import CutContract
from tessera.testing.cohort_engine import HOSPITAL, CohortEngineContract, write_version


class TestDuckDbCohortEngine(CutContract, CohortEngineContract):
    def make(self, root: Path) -> CohortEngine:
        return DuckDbCohortEngine(root)


def test_a_version_outside_the_root_cannot_be_read(tmp_path: Path) -> None:
    version = write_version(tmp_path / "elsewhere" / "v1", HOSPITAL)
    (tmp_path / "root").mkdir()
    engine = DuckDbCohortEngine(tmp_path / "root")
    with pytest.raises(Unavailable):
        engine.count(version, parse("modality = MR"))


def test_a_link_that_leads_out_of_the_root_is_not_followed(tmp_path: Path) -> None:
    write_version(tmp_path / "elsewhere" / "v1", HOSPITAL)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "v1").symlink_to(tmp_path / "elsewhere" / "v1")
    engine = DuckDbCohortEngine(tmp_path / "root")
    with pytest.raises(Unavailable):
        engine.count(tmp_path / "root" / "v1", parse("modality = MR"))


def test_several_threads_may_ask_at_once(tmp_path: Path) -> None:
    version = write_version(tmp_path / "v1", HOSPITAL)
    engine = DuckDbCohortEngine(tmp_path)
    query = parse("modality = CT")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: engine.count(version, query), range(24)))
    assert found == [ExactCounts(2, 2, 2)] * 24
    engine.close()
