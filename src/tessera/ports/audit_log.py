"""Port: the audit log of this party, and the heads of the other party's log that it keeps."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tessera.domain.audit.entry import Entry, Event
from tessera.wire.heads import ShownHead
from tessera.wire.keys import Keys, PublicKey


class Verdict(StrEnum):
    """What came of a head that the other side showed."""

    KEPT = "kept"
    """It is the first one, or it goes on from the one kept before."""
    KNOWN = "known"
    """Nothing new."""
    UNPROVEN = "unproven"
    """Larger, but without the proof from the kept one: it is asked for with the next message."""
    FORKED = "forked"
    """It does not go on from the kept one. Kept as evidence; told once for each such head."""
    UNSIGNED = "unsigned"
    """Not a head signed by the other side's key."""


class AuditLog(Protocol):
    """Append-only. Its implementations pass `tessera.testing.audit_log.AuditLogContract`.

    Several processes may append at the same time.
    """

    def append(self, event: Event, at: datetime) -> Entry:
        """Write an event down; durable on return. Raises Conflict when the log is damaged."""
        ...

    def append_all(self, events: Sequence[Event], at: datetime) -> None:
        """Write events down in their order, as `append` does one."""
        ...

    def entries(self, since: int = 0) -> Iterator[Entry]:
        """Yield the entries from index `since`. Raises Conflict at one that cannot be read."""
        ...

    def show(self, at: datetime, *, party: str, kept_there: int) -> ShownHead:
        """Return the newest head, signed anew when the log has grown, for `party`.

        `kept_there`: entries of the head that `party` says it keeps; the proof starts there.
        Raises Conflict when the log does not go on from the last head signed here.
        """
        ...

    def keep(self, party: str, key: PublicKey | Keys, shown: ShownHead) -> Verdict:
        """Check and keep a head of `party`, whose keys are `key`; durable on return."""
        ...
