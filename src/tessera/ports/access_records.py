"""Ports: what the hub keeps of permits, tools and runs, and of what waits for each node."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tessera.domain.access.permit import Permit
from tessera.domain.access.tool import ToolBundle
from tessera.domain.ids import NodeId
from tessera.wire.runs import HeldPermit, ListedTool, PermitAtNode, Run
from tessera.wire.tasks import DeliveredPart, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One task for one node, until that node says that it is done."""

    task_id: str
    node_id: NodeId
    kind: str
    body: str = field(repr=False)
    """A JSON object as text."""
    subject: str = ""
    """The permit or the use that it is about."""


class TaskQueue(Protocol):
    def put(self, task: TaskRecord, at: datetime) -> None:
        """Add a task behind those of its node."""
        ...

    def take(
        self, node_id: str, *, given_before: datetime, now: datetime, max_bytes: int
    ) -> Sequence[TaskRecord]:
        """Return the node's open tasks from the first one on, and mark them as given.

        At most `max_bytes` of bodies, but always one task. Empty while each of these was given
        at or after `given_before`: a task never overtakes an earlier one that may be lost.
        """
        ...

    def done(self, node_id: str, task_id: str, at: datetime) -> TaskRecord | None:
        """Close a task of that node; None when it has no such open task."""
        ...

    def n_open(self, node_id: str) -> int: ...


class PermitStore(Protocol):
    def add(self, permit: Permit, token: str, nodes: Sequence[PermitAtNode]) -> bool:
        """Add a permit; False when its id is there, whatever it holds."""
        ...

    def find(self, permit_id: str) -> HeldPermit | None: ...

    def all(self) -> Sequence[HeldPermit]:
        """Return every permit, last issued first, then by id."""
        ...

    def for_person(self, person_id: str) -> Sequence[HeldPermit]:
        """Return the permits that name the person, last issued first, then by id."""
        ...

    def set_at_node(self, permit_id: str, standing: PermitAtNode, token: str = "") -> bool:
        """Note how it stands at one of its nodes; False when it is not for that node.

        `token`: the node's countersignature, kept beside it when there is one.
        """
        ...

    def countersignature(self, permit_id: str, node_id: str) -> str:
        """Return the node's signed word, or nothing."""
        ...

    def revoke(self, permit_id: str, at: datetime, reason: str) -> bool:
        """Note the end of a permit; True for the first who does."""
        ...


class ToolStore(Protocol):
    def add(self, bundle: ToolBundle, person_id: str, at: datetime) -> bool:
        """Add a tool by its digest; False when it is there."""
        ...

    def find(self, digest: str) -> ToolBundle | None: ...

    def listed(self, digest: str) -> ListedTool | None: ...

    def n_of(self, person_id: str) -> int:
        """Return how many tools this person has added."""
        ...

    def all(self) -> Sequence[ListedTool]:
        """Return every tool, last added first, then by digest."""
        ...


class RunStore(Protocol):
    def add(self, run: Run) -> bool:
        """Add a run in its first state; False when its use id was there before."""
        ...

    def find(self, use_id: str) -> Run | None: ...

    def n_open(self, person_id: str) -> int:
        """Return how many runs of this person have not ended."""
        ...

    def for_permits(self, permit_ids: Sequence[str]) -> Sequence[Run]:
        """Return the runs under these permits, last asked for first, then by id."""
        ...

    def all(self) -> Sequence[Run]:
        """Return every run, last asked for first, then by id."""
        ...

    def set_state(self, use_id: str, state: RunState, at: datetime, detail: str) -> None: ...

    def announce(self, use_id: str, names: Sequence[str]) -> None:
        """Note that the node has released the run, with these files."""
        ...

    def announced(self, use_id: str) -> tuple[str, ...] | None:
        """Return the names; None until the node has released the run."""
        ...

    def ask_stop(self, use_id: str, at: datetime) -> bool:
        """Note that the person asked to stop; True the first time."""
        ...

    def add_part(self, part: DeliveredPart) -> bool:
        """Keep one part of a file; False when it is there. The caller checks hash and kind."""
        ...

    def n_bytes(self, use_id: str) -> int:
        """Return the size of all parts that have come for a use."""
        ...

    def parts(self, use_id: str, name: str) -> Iterator[bytes]:
        """Yield the parts of a file that are there, in order."""
        ...

    def n_parts(self, use_id: str, name: str) -> tuple[int, int]:
        """Return how many parts are there and how many there are in all."""
        ...

    def close_file(self, use_id: str, name: str, *, is_whole: bool) -> None:
        """Mark a file as whole, or drop its parts so that it can come anew."""
        ...
