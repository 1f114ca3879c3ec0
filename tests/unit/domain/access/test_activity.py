"""Numbers of what came of asking for access: none of them is one person's case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tessera.domain.access.activity import Activity, Days, activity_of
from tessera.domain.access.application_state import (
    AccessApplication,
    AskedDataset,
    Contents,
    Decision,
    Stage,
    Verdict,
)
from tessera.domain.ids import DatasetId, NodeId

BEGUN = datetime(2026, 1, 20, 12, tzinfo=UTC)
ASKED = AskedDataset(
    node_id=NodeId("linkoping"),
    dataset_id=DatasetId("x"),
    version=1,
    manifest_sha256="0" * 64,
    title={"en": "x"},
    holder="Linköping",
)


def application(
    days: float | None, stage: Stage = Stage.CONCLUDED, verdict: Verdict = Verdict.GRANTED
) -> AccessApplication:
    """Submitted at BEGUN and decided after so many days."""
    return AccessApplication(
        application_id="a",
        number=3,
        stage=stage,
        applicant="p",
        contents=Contents(form="application-1", datasets=(ASKED,)),
        created_at=BEGUN,
        changed_at=BEGUN,
        submitted_at=BEGUN,
        concluded_at=None if days is None else BEGUN + timedelta(days=days),
        decisions={ASKED.key: Decision(verdict=verdict)},
    )


def rows(found: Activity) -> list[tuple[str, int, int, int]]:
    return [(f"{m.day:%Y-%m}", m.submitted, m.decided, m.granted) for m in found.months]


def test_each_month_holds_the_sums_up_to_it() -> None:
    found = activity_of(
        [],
        [
            application(2),
            application(40, verdict=Verdict.REFUSED),
            application(20, stage=Stage.DECLINED),
            application(None, stage=Stage.CHECK),
        ],
    )
    assert rows(found) == [("2026-01", 4, 1, 1), ("2026-02", 4, 2, 1), ("2026-03", 4, 3, 1)]
    assert found.n_refused == 2
    assert found.to_decision == Days(n=3, median=20)
    assert found.to_access == Days(n=0, median=None)


def test_the_time_of_one_or_two_is_not_told() -> None:
    found = activity_of([], [application(2), application(4)])
    assert found.to_decision == Days(n=2, median=None)


def test_a_draft_is_nobodys_business() -> None:
    draft = replace(application(None, stage=Stage.DRAFT), submitted_at=None)
    assert activity_of([], [draft]).months == ()
