"""The DuckDB engine counts what a plain reading of the query counts."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.domain.cohort.exact import ExactCounts, NotSupported
from tessera.domain.cohort.query import Query
from tessera.testing.cohort_engine import write_version
from tests.property.cohort_model import Tables, counted, hospitals, queries, unsupported


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(tables=hospitals(), query=queries())
def test_the_engine_agrees_with_a_plain_reading(tables: Tables, query: Query) -> None:
    with tempfile.TemporaryDirectory() as folder:
        version = write_version(Path(folder) / "v1", tables)
        engine = DuckDbCohortEngine(Path(folder))
        found = engine.count(version, query)
        engine.close()
    if fields := unsupported(tables, query):
        assert found == NotSupported(fields)
    else:
        assert isinstance(found, ExactCounts)
        got = (found.n_subjects, found.n_studies, found.n_study_subjects)
        assert got == counted(tables, query)
