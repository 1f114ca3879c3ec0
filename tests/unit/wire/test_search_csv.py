"""The answer to a search as a table."""

import csv
import io
from datetime import UTC, datetime

from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult
from tessera.domain.ids import DatasetId, NodeId
from tessera.wire.search_csv import COLUMNS, search_to_csv

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(title: str, outcome: Outcome, n: int | None = None, *missing: str) -> DatasetResult:
    return DatasetResult(
        node_id=NodeId("linkoping"),
        node_name="Linköping",
        country="SE",
        dataset_id=DatasetId("cancer-images"),
        version=2,
        title=title,
        outcome=outcome,
        n_subjects=n,
        not_supported=missing,
        policy="Fewer than 10, also none.",
        data_created=AT,
    )


def test_each_dataset_is_a_row_and_what_was_not_told_is_empty() -> None:
    rows = (
        row("Cancer, images", Outcome.COUNTED, 20),
        row("=HYPERLINK(1)", Outcome.TOO_FEW),
        row("Third", Outcome.NOT_SUPPORTED, None, "ki67", "psa"),
    )
    result = SearchResult(
        search_id="1",
        query="sex = male",
        explained=(),
        asked_at=AT,
        complete=True,
        deadline=AT,
        results=rows,
        n_subjects=20,
        n_studies=0,
    )
    found = list(csv.DictReader(io.StringIO(search_to_csv(result))))
    assert tuple(found[0]) == COLUMNS
    assert [one["n_subjects"] for one in found] == ["20", "", ""]
    assert [one["outcome"] for one in found] == ["counted", "too_few", "not_supported"]
    assert [one["title"] for one in found] == ["Cancer, images", "'=HYPERLINK(1)", "Third"]
    assert found[2]["not_supported"] == "ki67 psa"
    assert {one["query"] for one in found} == {"sex = male"}
    assert {one["data_created"] for one in found} == {"2026-11-23T12:00:00+00:00"}
