"""Tasks of the hub are taken up once, and none holds up another kind."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from tessera.adapters.access import SqliteOutbox
from tessera.domain.access.permit import PermitRefused, Reason
from tessera.domain.errors import InvalidInput, Unavailable
from tessera.node.tasks import Handler, TaskHandlers, permit_handlers
from tessera.wire.tasks import Task
from tests.permit_trial import PermitTrial


def task(kind: str = "use", **body: object) -> Task:
    return Task(task_id=str(uuid4()), kind=kind, body=body)


def done(outbox: SqliteOutbox) -> list[tuple[str, str, str]]:
    """Return task, problem and reason of each report that waits."""
    found = []
    for one in outbox.first():
        body = one.body["body"]
        assert one.body["kind"] == "done" and isinstance(body, dict)
        found.append((body["task_id"], body["problem"], body["reason"]))
    return found


@pytest.fixture
def outbox(tmp_path: Path) -> SqliteOutbox:
    return SqliteOutbox(tmp_path / "access" / "permits.sqlite")


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(work(), 20)

    asyncio.run(limited())


def handlers(
    outbox: SqliteOutbox,
    lasting: Mapping[str, Handler],
    fleeting: Mapping[str, Handler] | None = None,
) -> TaskHandlers:
    return TaskHandlers(outbox=outbox, lasting=lasting, fleeting=fleeting or {})


def test_a_task_is_taken_up_once_and_reported_each_time_it_is_asked(outbox: SqliteOutbox) -> None:
    taken: list[str] = []

    async def take(one: Task) -> None:
        taken.append(one.task_id)

    one = task()

    async def work() -> None:
        for _ in range(2):  # the second time after a restart
            tasks = handlers(outbox, {"use": take})
            assert tasks.take([one, one]) == 1
            await tasks.close(10)
            assert done(outbox) == [(one.task_id, "", "")]
            outbox.remove([waiting.number for waiting in outbox.first()])

    run(work)
    assert taken == [one.task_id]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (PermitRefused(Reason.EXPIRED), ("permit-refused", "expired")),
        (InvalidInput("x"), ("invalid-input", "")),
        (KeyError("x"), ("internal", "")),
    ],
)
def test_what_is_refused_is_done_with_its_problem(
    outbox: SqliteOutbox, fault: Exception, told: tuple[str, str]
) -> None:
    async def refuse(one: Task) -> None:
        raise fault

    one = task()

    async def work() -> None:
        tasks = handlers(outbox, {"use": refuse})
        tasks.take([one])
        await tasks.close(10)

    run(work)
    assert done(outbox) == [(one.task_id, *told)]


def test_a_kind_that_is_not_known_is_done_and_said(outbox: SqliteOutbox) -> None:
    one = task("dance")

    async def work() -> None:
        tasks = handlers(outbox, {})
        tasks.take([one])
        await tasks.close(10)

    run(work)
    assert done(outbox) == [(one.task_id, "unknown-kind", "")]


def test_what_cannot_be_done_now_comes_again(outbox: SqliteOutbox) -> None:
    attempts: list[str] = []

    async def take(one: Task) -> None:
        attempts.append(one.task_id)
        if len(attempts) < 3:
            raise Unavailable("not now")

    one = task()

    async def work() -> None:
        tasks = handlers(outbox, {"use": take})
        for _ in range(4):
            tasks.take([one])
            await asyncio.gather(*tasks._under_way.values())

    run(work)
    assert len(attempts) == 3
    assert done(outbox) == [(one.task_id, "", "")]


def test_a_slow_kind_holds_up_no_other_and_one_kind_keeps_its_order(outbox: SqliteOutbox) -> None:
    begun: list[str] = []
    may_end = asyncio.Event()

    async def slow(one: Task) -> None:
        begun.append(str(one.body["n"]))
        await may_end.wait()

    async def quick(one: Task) -> None:
        begun.append("quick")

    async def work() -> None:
        tasks = handlers(outbox, {"use": slow, "revoke": quick})
        asked = [task(n=1), task(n=2), task("revoke")]
        assert tasks.take(asked) == 3
        while len(tasks._under_way) > 2:
            await asyncio.sleep(0.01)
        assert [told[0] for told in done(outbox)] == [asked[2].task_id]
        assert sorted(begun) == ["1", "quick"], "in either order"
        assert tasks.take(asked) == 1  # the quick one is told again, the others are under way
        may_end.set()
        await tasks.close(10)
        assert begun[2:] == ["2"]

    run(work)


def test_a_handler_that_does_not_end_is_left_at_the_stop_and_comes_again(
    outbox: SqliteOutbox,
) -> None:
    async def endless(one: Task) -> None:
        await asyncio.Event().wait()

    async def work() -> None:
        tasks = handlers(outbox, {"use": endless})
        tasks.take([task()])
        await tasks.close(0.05)
        assert not tasks._under_way

    run(work)
    assert not outbox.first()


def test_what_somebody_waits_for_leaves_nothing_behind_unless_refused(
    outbox: SqliteOutbox, tmp_path: Path
) -> None:
    taken: list[str] = []

    async def fetch(one: Task) -> None:
        taken.append(one.task_id)
        if "bad" in one.body:
            raise PermitRefused(Reason.MODE)

    good, bad = task("fetch"), task("fetch", bad=True)

    async def work() -> None:
        tasks = handlers(outbox, {}, {"fetch": fetch})
        assert tasks.take([good]) == 1
        await asyncio.gather(*tasks._under_way.values())
        assert not (tmp_path / "access").exists()
        assert tasks.take([good, bad]) == 1
        await tasks.close(10)

    run(work)
    assert taken == [good.task_id, bad.task_id]
    assert done(outbox) == [(bad.task_id, "permit-refused", "mode")]


def test_a_hub_that_asks_without_end_fills_no_memory(outbox: SqliteOutbox) -> None:
    async def endless(one: Task) -> None:
        await asyncio.Event().wait()

    async def work() -> None:
        tasks = handlers(outbox, {"use": endless})
        assert tasks.take(task() for _ in range(1000)) == 200
        assert tasks.take(task() for _ in range(1000)) == 0
        await tasks.close(0.01)

    run(work)


def test_a_permit_comes_in_as_tasks_and_is_revoked_by_one(tmp_path: Path) -> None:
    trial = PermitTrial(tmp_path / "node")
    permit = trial.permit()
    token = trial.signed(permit)
    bundle = trial.tool.to_json()
    asked = [
        task("permit", token=token, tools=[]),
        task("permit", token=token, tools=[bundle]),
        task("permit", token=token, tools=[{**bundle, "main.py": "!"}]),
        task("permit", token=trial.signed(permit, trial.mallory), tools=[]),
        task("permit", tools=[]),
        task("revoke", token=trial.revocation(permit.permit_id, trial.mallory)),
    ]

    async def work() -> None:
        tasks = handlers(trial.outbox, permit_handlers(trial.book))
        tasks.take(asked)
        await tasks.close(10)
        assert trial.desk.look_at(permit.permit_id).missing_tools == ()
        trial.desk.countersign(permit.permit_id, "Data office")
        assert trial.book.still_allowed(permit.permit_id) is None
        tasks.take([task("revoke", token=trial.revocation(permit.permit_id))])
        await tasks.close(10)
        assert trial.book.still_allowed(permit.permit_id) is Reason.REVOKED

    run(work)
    waiting = [one.body for one in trial.outbox.first()]
    told = {
        body["task_id"]: (body["problem"], body["reason"])
        for one in waiting
        if one["kind"] == "done" and isinstance(body := one["body"], dict)
    }
    assert [told[one.task_id] for one in asked] == [
        ("", ""),
        ("", ""),
        ("invalid-tool", ""),
        ("permit-refused", "altered"),
        ("bad-message", ""),
        ("permit-refused", "altered"),
    ]
