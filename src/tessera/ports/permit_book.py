"""Ports: what a node keeps about its permits, and the tools that came with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tessera.domain.access.tool import ToolBundle
from tessera.wire.tasks import Report


class Verdict(StrEnum):
    """What a person at the node said to a permit."""

    COUNTERSIGNED = "countersigned"
    DECLINED = "declined"


class RevokedBy(StrEnum):
    HUB = "hub"
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer of a person at the node. It stays as first written."""

    verdict: Verdict
    by: str
    at: datetime
    token: str = ""
    """The countersignature; empty when declined."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A permit is over for ever."""

    source: RevokedBy
    token: str
    """The signed revocation."""
    reason: str
    at: datetime
    by: str = ""
    """Who, at the node; empty when the hub revoked it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPermit:
    """What is kept of one permit. Nothing of it is believed before its signatures are checked."""

    permit_id: str
    token: str
    received_at: datetime
    decision: Decision | None = None
    revoked: Revoked | None = None


class PermitRecords(Protocol):
    """Implementations pass `PermitRecordsContract` of `tessera.testing.permit_book`.

    Every change is whole and durable when it returns; several processes may change and read at
    the same time, and each read sees what another process has written. Every method raises
    Unavailable when the records cannot be read or written.
    """

    def put(self, permit_id: str, token: str, at: datetime) -> str:
        """Keep a permit and return the text that is kept: the first one, whatever comes later."""
        ...

    def find(self, permit_id: str) -> KeptPermit | None: ...

    def all(self) -> Sequence[KeptPermit]:
        """Return all permits, as they came."""
        ...

    def decide(self, permit_id: str, decision: Decision, report: Report) -> Decision:
        """Write a decision and its report down, both or none; return the one that is kept.

        The first decision stays: then no report is added. Raises NotFound for an unknown permit.
        """
        ...

    def revoke(self, permit_id: str, revoked: Revoked, report: Report | None) -> bool:
        """Write a revocation and its report down, both or none; False when there was one.

        Also for a permit that has not come: it is revoked when it comes.
        """
        ...

    def take_up(self, use_id: str, task_id: str, at: datetime) -> bool:
        """Return True the first time, and again for the same `task_id` unless that is empty."""
        ...

    def latest(self, now: datetime, *, anew: bool = False) -> datetime:
        """Return the latest moment this was asked with, `now` included.

        May forget up to a minute. `anew`: forget all that was before.
        """
        ...


class ToolShelf(Protocol):
    """Tools by digest. What is read back is checked against its digest each time."""

    def put(self, bundle: ToolBundle) -> None:
        """Keep a tool, read-only and whole; again changes nothing. Durable when it returns."""
        ...

    def find(self, digest: str) -> ToolBundle:
        """Return a tool. Raises NotFound; InvalidTool when what is kept was changed."""
        ...

    def folder(self, digest: str) -> Path:
        """Return the folder of a tool's files. Raises as `find`."""
        ...
