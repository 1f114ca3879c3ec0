"""How long each party has for its turn. The days are data with a version. Pure."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pkgutil import get_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    version: int
    committee_days: int
    holder_days: int
    applicant_days: int

    @staticmethod
    def due(since: datetime, days: int) -> datetime:
        """Return when a turn that began at `since` is due."""
        return since + timedelta(days=days)


@cache
def clocks() -> Clocks:
    """Return the clocks in force."""
    raw = get_data("tessera.domain.access", "data/clocks-1.toml") or b""
    document = tomllib.loads(raw.decode())
    return Clocks(
        version=document["version"],
        committee_days=document["committee_days"],
        holder_days=document["holder_days"],
        applicant_days=document["applicant_days"],
    )
