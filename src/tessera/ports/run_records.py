"""Ports: what a node writes down of each run, and where what came out of it waits."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tessera.domain.access.airlock import Inspection
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.wire.tasks import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run or training at this node: who asked, for what, where it stands. Stays here."""

    use_id: str
    action: str
    """`run`, `learn` or `case`."""
    permit_id: str
    person: str
    """Who asked, as the permit names them."""
    tool: str
    """Its digest."""
    datasets: tuple[tuple[DatasetId, int], ...]
    taken_at: datetime
    task_id: str = ""
    arguments: str = "{}"
    has_inputs: bool = False
    state: RunState = RunState.WAITING
    detail: str = ""
    """A word and no more, since the hub gets to know it."""
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None


class Decided(StrEnum):
    PENDING = "pending"
    RELEASED = "released"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRecord:
    """One file that came out of a run, and what a person decided about it."""

    use_id: str
    name: str
    kind: OutputKind | None
    """None when the tool did not declare it; then it is withheld from the start."""
    sha256: str
    n_bytes: int
    decided: Decided = Decided.PENDING
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    """Why it was let out despite a finding, or withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One subject was in one run."""

    use_id: str
    dataset_id: DatasetId
    version: int
    subject: Pseudonym
    is_last: bool = True
    """In its last attempt too, from which its outputs are."""


class RunRecords(Protocol):
    """Every run of a node. Each write is durable when it returns, and whole or not at all.

    Safe to use from several threads and processes.
    """

    def add(self, record: RunRecord) -> bool:
        """Add a run; False, and nothing changes, when its use is there already."""
        ...

    def change(self, record: RunRecord, *, was: RunState) -> bool:
        """Write a run anew; False, and nothing changes, when it is not in the state `was`."""
        ...

    def all(self) -> Sequence[RunRecord]:
        """Return every run, the oldest first."""
        ...

    def put_subjects(
        self, use_id: str, dataset_id: DatasetId, version: int, subjects: Collection[Pseudonym]
    ) -> None:
        """Add who is in a new attempt of a run, of a dataset version.

        Nobody is ever taken off; who is there no more is no longer `is_last`.
        """
        ...

    def seen(
        self, *, subjects: Collection[Pseudonym] | None = None, use_id: str = ""
    ) -> Sequence[Seen]:
        """Return who was in which run: of these subjects, or in this run."""
        ...

    def put_outputs(self, use_id: str, outputs: Sequence[OutputRecord]) -> None:
        """Write the outputs of a run, in place of any of the same names."""
        ...

    def outputs(self, use_id: str) -> Sequence[OutputRecord]: ...


class AirlockShelf(Protocol):
    """Where outputs lie until a person has decided. Only complete entries are ever seen."""

    def put(
        self, use_id: str, files: Mapping[str, bytes], inspections: Mapping[str, Inspection]
    ) -> None:
        """Lay the outputs of a run down, with what was found in them. Durable when it returns."""
        ...

    def alone(self, use_id: str) -> AbstractContextManager[None]:
        """Hold the outputs of a run for one decision; another program waits meanwhile."""
        ...

    def has(self, use_id: str) -> bool: ...

    def sweep(self) -> None:
        """Remove what a kill left half-done."""
        ...

    def read(self, use_id: str, name: str) -> bytes:
        """Return one output as it lies there now. Raises NotFound."""
        ...

    def place(self, use_id: str) -> str:
        """Return where the files of a run lie, for a person to open them."""
        ...
