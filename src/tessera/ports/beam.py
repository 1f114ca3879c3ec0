"""Port: a site's proxy of a Beam network (samply/beam), which brings tasks and takes results."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class WorkStatus(StrEnum):
    """Of a result, in Beam's words (beam-lib, `messages.rs`)."""

    CLAIMED = "claimed"
    SUCCEEDED = "succeeded"
    FAILED = "permfailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamTask:
    """A task for this app. Nothing in it has been judged but its form."""

    task_id: UUID
    sender: str
    """App id; the result goes there."""
    body: str
    project: str
    """Of the metadata; empty where there is none."""


class BeamProxy(Protocol):
    def tasks(self, wait_s: float) -> Sequence[BeamTask]:
        """Return what waits for this app, with what it has claimed and not answered.

        Waits up to `wait_s` seconds for the first. Raises Unavailable, and NotSignedIn when the
        proxy does not know the app or its key.
        """
        ...

    def put(self, task: BeamTask, status: WorkStatus, body: str = "") -> None:
        """Hand over a result, in place of an earlier one; that the task is gone is no error.

        Raises as `tasks`.
        """
        ...
