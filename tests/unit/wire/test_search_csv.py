"""The answer to a search as a table."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

from tessera.domain.catalogue.description import Facet
from tessera.domain.cohort.fields import DISTRIBUTED
from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult
from tessera.domain.ids import DatasetId, NodeId
from tessera.wire.search_csv import (
    COLUMNS,
    DISTRIBUTION_COLUMNS,
    distributions_to_csv,
    search_to_csv,
)

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


def answer(*rows: DatasetResult) -> SearchResult:
    return SearchResult(
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


def test_each_dataset_is_a_row_and_what_was_not_told_is_empty() -> None:
    rows = (
        row("Cancer, images", Outcome.COUNTED, 20),
        row("=HYPERLINK(1)", Outcome.TOO_FEW),
        row("Third", Outcome.NOT_SUPPORTED, None, "ki67", "psa"),
    )
    result = answer(*rows)
    found = list(csv.DictReader(io.StringIO(search_to_csv(result))))
    assert tuple(found[0]) == COLUMNS
    assert [one["n_subjects"] for one in found] == ["20", "", ""]
    assert [one["outcome"] for one in found] == ["counted", "too_few", "not_supported"]
    assert [one["title"] for one in found] == ["Cancer, images", "'=HYPERLINK(1)", "Third"]
    assert found[2]["not_supported"] == "ki67 psa"
    assert {one["query"] for one in found} == {"sex = male"}
    assert {one["data_created"] for one in found} == {"2026-11-23T12:00:00+00:00"}


def test_each_value_is_a_row_and_every_gap_says_why() -> None:
    told = {
        "sex": (Facet("male", 20), Facet("female", None)),
        "manufacturer": (Facet("=cmd()", 20),),
        "stage": (),
        "new_field": (Facet("a", 10),),
    }
    rows = (
        replace(row("+Told", Outcome.COUNTED, 20), distributions=told),
        row("Untold", Outcome.COUNTED, 20),
        row("Few", Outcome.TOO_FEW),
        row("Other", Outcome.NOT_SUPPORTED, None, "ki67"),
        row("Silent", Outcome.NO_ANSWER),
    )
    found = list(csv.DictReader(io.StringIO(distributions_to_csv(answer(*rows)))))
    assert tuple(found[0]) == DISTRIBUTION_COLUMNS
    first = {
        (one["facet"], one["value"]): (one["state"], one["n_subjects"])
        for one in found
        if one["title"] == "'+Told"
    }
    assert first == {
        ("sex", "male"): ("counted", "20"),
        ("sex", "female"): ("too_few", ""),
        ("age_at_diagnosis", ""): ("not_supported", ""),
        ("cancer", ""): ("not_supported", ""),
        ("stage", ""): ("no_answer", ""),
        ("modality", ""): ("not_supported", ""),
        ("manufacturer", "'=cmd()"): ("counted", "20"),
        ("new_field", "a"): ("counted", "10"),
    }
    for title, state in (
        ("Untold", "no_answer"),
        ("Few", "too_few"),
        ("Other", "not_supported"),
        ("Silent", "no_answer"),
    ):
        rest = [one for one in found if one["title"] == title]
        assert [one["facet"] for one in rest] == list(DISTRIBUTED)
        assert {(one["value"], one["state"], one["n_subjects"]) for one in rest} == {
            ("", state, "")
        }
