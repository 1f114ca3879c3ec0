"""The gate of the airlock: one person, one content, a permit in force, and no final finding."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tessera.domain.access.airlock import (
    AirlockRefused,
    Barrier,
    Decision,
    Finding,
    Inspection,
    Output,
    Severity,
    release,
)
from tessera.domain.access.permit import AccessMode, Permit, PermitRefused, Reason
from tessera.domain.access.run import least_limits
from tessera.domain.access.tool import Limits, OutputKind
from tessera.domain.zones import Released
from tessera.wire.tasks import ReleasedFile, parts_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OUTPUT = Output(
    use_id=str(uuid4()), name="counts.json", kind=OutputKind.AGGREGATE, content=b'{"n": 30}'
)
DECISION = Decision(sha256=OUTPUT.sha256, by="Eva Ek", at=NOW)
PERMIT = Permit(
    permit_id=str(uuid4()),
    application_id=str(uuid4()),
    title="Men",
    purpose="To count them.",
    duo=(),
    persons=(),
    datasets=(),
    modes=frozenset({AccessMode.RUN}),
    tools=(),
    outputs=frozenset({OutputKind.AGGREGATE}),
    issued_at=NOW - timedelta(days=1),
    starts=NOW - timedelta(days=1),
    ends=NOW + timedelta(days=1),
)


def inspected(*findings: Finding, output: Output = OUTPUT) -> Inspection:
    return Inspection(sha256=output.sha256, findings=findings)


def stopping(*, is_final: bool = False) -> Finding:
    return Finding(code="small-count", severity=Severity.STOP, text="few", is_final=is_final)


def test_what_a_person_decided_over_is_released_as_it_is() -> None:
    look = Finding(code="extreme", severity=Severity.LOOK, text="max")
    released = release(OUTPUT, DECISION, inspected(look), PERMIT)
    assert isinstance(released, Released) and isinstance(released.value, ReleasedFile)
    (part,) = parts_of(released)
    assert (part.name, part.kind, part.data) == ("counts.json", "aggregate", OUTPUT.content)
    assert inspected(look, stopping()).counts() == {"info": 0, "look": 1, "stop": 1}


@pytest.mark.parametrize("by", ["", " \t"])
def test_nobody_lets_nothing_out(by: str) -> None:
    with pytest.raises(AirlockRefused) as refused:
        release(OUTPUT, replace(DECISION, by=by), inspected(), PERMIT)
    assert refused.value.barrier is Barrier.NOBODY


@pytest.mark.parametrize("which", ["output", "decision", "inspection"])
def test_output_decision_and_findings_are_of_the_same_bytes(which: str) -> None:
    other = replace(OUTPUT, content=b'{"n": 31}')
    output = other if which == "output" else OUTPUT
    decision = replace(DECISION, sha256=other.sha256) if which == "decision" else DECISION
    found = inspected(output=other if which == "inspection" else OUTPUT)
    with pytest.raises(AirlockRefused) as refused:
        release(output, decision, found, PERMIT)
    assert refused.value.barrier is Barrier.CHANGED


def test_a_file_that_was_not_declared_stays() -> None:
    with pytest.raises(AirlockRefused) as refused:
        release(replace(OUTPUT, kind=None), DECISION, inspected(), PERMIT)
    assert refused.value.barrier is Barrier.UNDECLARED


@pytest.mark.parametrize(
    ("permit", "reason"),
    [
        (replace(PERMIT, outputs=frozenset({OutputKind.MODEL})), Reason.OUTPUT),
        (replace(PERMIT, ends=NOW), Reason.EXPIRED),
        (replace(PERMIT, starts=NOW + timedelta(hours=1)), Reason.NOT_YET),
    ],
)
def test_the_permit_is_asked_at_the_moment_of_release(permit: Permit, reason: Reason) -> None:
    with pytest.raises(PermitRefused) as refused:
        release(OUTPUT, DECISION, inspected(), permit)
    assert refused.value.reason is reason


def test_a_finding_that_stops_needs_a_reason_and_a_final_one_has_none() -> None:
    despite = replace(DECISION, despite="looked at with the statistician")
    assert release(OUTPUT, despite, inspected(stopping()), PERMIT)
    for decision, finding, barrier in (
        (DECISION, stopping(), Barrier.STOP),
        (replace(DECISION, despite=" ok      "), stopping(), Barrier.STOP),
        (despite, stopping(is_final=True), Barrier.FINAL),
    ):
        with pytest.raises(AirlockRefused) as refused:
            release(OUTPUT, decision, inspected(finding), PERMIT)
        assert refused.value.barrier is barrier


def test_a_run_gets_the_smaller_of_each_limit() -> None:
    asked = Limits(seconds=10, memory_mb=9000, processes=4, output_mb=500)
    allowed = Limits(seconds=3600, memory_mb=4096, processes=128, output_mb=50)
    assert least_limits(asked, allowed) == Limits(
        seconds=10, memory_mb=4096, processes=4, output_mb=50
    )
