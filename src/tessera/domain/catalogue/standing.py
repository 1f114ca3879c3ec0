"""How a node stands at the hub, for those who run the hub or the node. Pure values.

The public pages tell that a node takes part, what it has published, by which rules it answers
and whether it answers now. What is here helps to run the link, and would help to attack it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from tessera.domain.ids import NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingKey:
    """A key of the node's link."""

    fingerprint: str
    since: datetime | None = None
    """Of the present key, UTC."""
    until: datetime | None = None
    """Of a former one: messages signed by it were accepted until then, UTC."""
    is_revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStanding:
    node_id: NodeId
    name: str
    country: str
    """ISO 3166-1 alpha-2."""
    state: str
    """pending, approved, rejected or revoked."""
    joined_at: datetime
    decided_at: datetime | None
    last_seen: datetime | None
    online: bool
    software: str
    """What the node says that it runs."""
    keys: tuple[StandingKey, ...]
    """The present one first, then the former ones, the newest first."""
    latency_ms: int | None
    """Median, from a question to the node's answer, while it was in touch; None without any."""
    n_answers: int
    """The answers that `latency_ms` is of."""
    n_tasks: int
    """Tasks that are kept for the node until it says that they are done."""
    n_queries: int
    """Searches that still wait for its answer."""


def median_ms(latencies: Sequence[timedelta]) -> int | None:
    """Return the median in whole milliseconds; None of nothing."""
    if not latencies:
        return None
    return round(median(one / timedelta(milliseconds=1) for one in latencies))
