"""The engines count what a plain reading of the query counts."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tessera.adapters.columns.engine import ColumnCohortEngine
from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.domain.cohort.exact import ExactCounts, ExactSets, NotSupported
from tessera.domain.cohort.query import Query
from tessera.domain.ids import Pseudonym
from tessera.domain.statistics.cut import Cut, axis_of, steps_of
from tessera.testing.cohort_engine import write_version
from tests.property.cohort_model import (
    Tables,
    counted,
    courses,
    hospitals,
    queries,
    temporal_queries,
    unsupported,
)


@pytest.mark.parametrize("kind", [DuckDbCohortEngine, ColumnCohortEngine])
@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(tables=hospitals(), query=queries())
def test_the_engine_agrees_with_a_plain_reading(
    kind: type[DuckDbCohortEngine] | type[ColumnCohortEngine], tables: Tables, query: Query
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        version = write_version(Path(folder) / "v1", tables)
        engine = kind(Path(folder))
        found = engine.count(version, query)
        engine.close()
    if fields := unsupported(tables, query):
        assert found == NotSupported(fields)
    else:
        assert isinstance(found, ExactCounts)
        got = (found.n_subjects, found.n_studies, found.n_study_subjects)
        assert got == counted(tables, query)


@pytest.mark.parametrize("kind", [DuckDbCohortEngine, ColumnCohortEngine])
@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(tables=courses(), asked=st.lists(temporal_queries(), min_size=3, max_size=3))
def test_the_engine_agrees_with_a_plain_reading_of_relations_in_time(
    kind: type[DuckDbCohortEngine] | type[ColumnCohortEngine], tables: Tables, asked: list[Query]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        version = write_version(Path(folder) / "v1", tables)
        engine = kind(Path(folder))
        found = [engine.count(version, query) for query in asked]
        engine.close()
    for query, counts in zip(asked, found, strict=True):
        if fields := unsupported(tables, query):
            assert counts == NotSupported(fields)
        else:
            assert counts == ExactCounts(*counted(tables, query))


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(tables=hospitals(), query=queries(), out=st.frozensets(st.sampled_from("ABCDEF")))
def test_the_engines_agree_on_the_matching_subjects_values(
    tables: Tables, query: Query, out: frozenset[str]
) -> None:
    excluded = frozenset(map(Pseudonym, out))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        version = write_version(Path(folder) / "v1", tables)
        for kind in (DuckDbCohortEngine, ColumnCohortEngine):
            engine = kind(Path(folder))
            found.append(
                (
                    engine.cells(version, query, excluded),
                    engine.count(version, query, excluded),
                    engine.matching(version, query, excluded),
                )
            )
            engine.close()
    assert found[0] == found[1]
    cells, counts, matching = found[0]
    assert cells == counts if isinstance(cells, NotSupported) else cells.counts == counts
    if not isinstance(matching, NotSupported):
        assert not matching.subjects & excluded
        assert isinstance(counts, ExactCounts)
        counted = counts.n_subjects, counts.n_studies
        assert (len(matching.subjects), len(matching.studies)) == counted


_CUTS = {
    "stages": Cut((axis_of("stage"), axis_of("sex"))),
    "cancers": Cut((axis_of("cancer"),)),
    "ages": Cut((axis_of("age_at_diagnosis(0, 2.5, 800)"), axis_of("deceased"))),
    "survival": Cut((axis_of("er"),), steps_of("survival_days(-1, 0, 3, 700) until deceased")),
    "psa": Cut((), steps_of("psa(0..4/2)")),
}


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(tables=hospitals(), query=queries(), out=st.frozensets(st.sampled_from("ABCDEF")))
def test_the_engines_agree_on_cuts_and_every_subject_is_in_one_cell(
    tables: Tables, query: Query, out: frozenset[str]
) -> None:
    excluded = frozenset(map(Pseudonym, out))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        version = write_version(Path(folder) / "v1", tables)
        for kind in (DuckDbCohortEngine, ColumnCohortEngine):
            engine = kind(Path(folder))
            sets = engine.sets(version, query, excluded, key=b"key", by=(), cuts=_CUTS)
            engine.close()
            assume(isinstance(sets, ExactSets))
            found.append(sets)
    one, other = (
        {
            name: {value: (each.n, each.sketch.tolist()) for value, each in cells.items()}
            for name, cells in sets.cells.items()
        }
        for sets in found
    )
    assert one == other
    for name, cells in one.items():
        cut = _CUTS[name]
        assert set(cells) <= set(cut.cells())
        if cut.steps is None:
            assert sum(n for n, _ in cells.values()) == found[0].subjects.n
