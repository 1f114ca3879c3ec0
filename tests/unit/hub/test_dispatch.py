"""What waits for a node in memory: given, given again, and forgotten."""

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.domain.ids import NodeId
from tessera.hub.bell import Bell
from tessera.hub.dispatch import MAX_TASK_BYTES, Dispatch
from tessera.ports.hub_store import NodeRecord, NodeState
from tessera.wire.keys import PublicKey
from tests.hub_trial import NOW, SetClock

NODE = NodeRecord(
    node_id=NodeId("linkoping"),
    name="Linköping",
    country="SE",
    public_key=PublicKey("B" * 43),
    software="",
    state=NodeState.APPROVED,
    joined_at=NOW,
)


@pytest.fixture
def dispatch(tmp_path: Path) -> Iterator[Dispatch]:
    store = SqliteHubStore(tmp_path / "hub.sqlite")
    yield Dispatch(store=store, clock=SetClock(), bell=Bell())
    store.close()


def test_a_transient_task_is_given_until_done_and_never_kept(dispatch: Dispatch) -> None:
    clock = dispatch.clock
    assert isinstance(clock, SetClock)
    until = NOW + timedelta(seconds=60)
    first = dispatch.put_transient("linkoping", "fetch", {"token": "x"}, until)
    second = dispatch.put_transient("linkoping", "fetch", {"token": "y"}, until)
    kept = dispatch.put("linkoping", "use", {})
    assert [task.task_id for task in dispatch.take("linkoping")] == [kept, first, second]
    assert dispatch.take("linkoping") == ()
    dispatch.done(NODE, {"task_id": kept})
    clock.pass_s(6)
    dispatch.done(NODE, {"task_id": first})
    assert [task.task_id for task in dispatch.take("linkoping")] == [second]
    dispatch.withdraw("linkoping", second)
    third = dispatch.put_transient("linkoping", "fetch", {}, until)
    clock.pass_s(60)
    assert third not in [task.task_id for task in dispatch.take("linkoping")]
    assert dispatch.store.tasks.n_open("linkoping") == 0


def test_a_flood_of_transient_tasks_drops_the_oldest(dispatch: Dispatch) -> None:
    until = NOW + timedelta(seconds=60)
    ids = [dispatch.put_transient("linkoping", "fetch", {}, until) for _ in range(1010)]
    assert [task.task_id for task in dispatch.take("linkoping")] == ids[10:]


def test_a_task_too_large_for_a_message_is_not_kept(dispatch: Dispatch) -> None:
    with pytest.raises(ValueError, match="at most"):
        dispatch.put("linkoping", "use", {"x": "x" * MAX_TASK_BYTES})
    assert dispatch.store.tasks.n_open("linkoping") == 0


def test_a_bell_that_another_thread_rings_wakes_at_once() -> None:
    async def rung() -> tuple[bool, float]:
        bell = Bell()
        waiting = asyncio.create_task(bell.wait("x", 10))
        await asyncio.sleep(0)
        begun = time.monotonic()
        await asyncio.to_thread(bell.ring, "x")
        return await waiting, time.monotonic() - begun

    was_rung, seconds = asyncio.run(rung())
    assert was_rung
    assert seconds < 2
