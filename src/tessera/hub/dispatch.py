"""What waits for each node: kept until the node says that it is done, given again until then."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from tessera.domain.ids import node_id as parsed_node_id
from tessera.hub.bell import Bell, node_key
from tessera.ports.access_records import TaskRecord
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.tasks import Task
from tessera.wire.text import one_line

GIVE_AGAIN: Final = timedelta(seconds=30)
"""A task that was given and not reported as done for this long is given again."""
MAX_BYTES: Final = 1_500_000
"""Of task bodies in one reply; one task alone may be larger."""
MAX_TASK_BYTES: Final = 2_800_000
"""Of one body: signed and in base64 it stays below what a node reads."""
_TRANSIENT_AGAIN: Final = timedelta(seconds=5)
_MAX_TRANSIENT: Final = 1000
"""At one node; the oldest goes first."""

OnDone = Callable[[NodeRecord, TaskRecord, str], None]
"""Gets the node, its task, and the problem that the node named; empty when there was none."""


@dataclass(slots=True)
class _Transient:
    task: Task
    until: datetime
    given_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """`put` may be called from any process; the rest belongs to the hub's event loop."""

    store: HubStore
    clock: Clock
    bell: Bell
    on_done: dict[str, OnDone] = field(default_factory=dict)
    """Kind of task → who wants to know that one is done."""
    _transient: dict[str, dict[str, _Transient]] = field(init=False, default_factory=dict)

    def put(self, node_id: str, kind: str, body: Json, *, subject: str = "") -> str:
        """Keep a task for a node and return its id. Raises ValueError over MAX_TASK_BYTES."""
        text = fields.encode(body).decode()
        if len(text.encode()) > MAX_TASK_BYTES:
            raise ValueError(f"a task of {len(text)} bytes; at most {MAX_TASK_BYTES}")
        task = TaskRecord(
            task_id=str(uuid4()),
            node_id=parsed_node_id(node_id),
            kind=kind,
            body=text,
            subject=subject,
        )
        self.store.tasks.put(task, self.clock.now())
        self.ring(node_id)
        return task.task_id

    def put_transient(self, node_id: str, kind: str, body: Json, until: datetime) -> str:
        """Hold a task in memory, and nowhere else, until it is done or `until` has come."""
        task = Task(task_id=str(uuid4()), kind=kind, body=body)
        waiting = self._transient.setdefault(node_id, {})
        waiting[task.task_id] = _Transient(task, until)
        while len(waiting) > _MAX_TRANSIENT:
            del waiting[next(iter(waiting))]
        self.ring(node_id)
        return task.task_id

    def withdraw(self, node_id: str, task_id: str) -> None:
        """Forget a transient task: nobody waits for it any more."""
        self._transient.get(node_id, {}).pop(task_id, None)

    def ring(self, node_id: str) -> None:
        """Wake the node's poll, when this process has it."""
        self.bell.ring(node_key(node_id))

    def take(self, node_id: str) -> tuple[Task, ...]:
        """Return what the node shall be given now: kept tasks in order, then transient ones."""
        now = self.clock.now()
        kept = self.store.tasks.take(
            node_id, given_before=now - GIVE_AGAIN, now=now, max_bytes=MAX_BYTES
        )
        tasks = [
            Task(task_id=one.task_id, kind=one.kind, body=fields.decode(one.body)) for one in kept
        ]
        waiting = self._transient.get(node_id, {})
        for task_id, one in list(waiting.items()):
            if one.until <= now:
                del waiting[task_id]
            elif one.given_at is None or one.given_at < now - _TRANSIENT_AGAIN:
                one.given_at = now
                tasks.append(one.task)
        return tuple(tasks)

    def done(self, node: NodeRecord, body: Json) -> None:
        """Take in that a node has taken a task up. Raises BadMessage."""
        task_id = fields.text(body, "task_id")
        said = (fields.text(body, "problem", ""), fields.text(body, "reason", ""))
        problem = one_line(": ".join(word for word in said if word), 500)
        if self._transient.get(node.node_id, {}).pop(task_id, None) is not None:
            return
        with self.store.transaction():
            task = self.store.tasks.done(node.node_id, task_id, self.clock.now())
            if task is not None and task.kind in self.on_done:
                self.on_done[task.kind](node, task, problem)
