"""What one run at a node may use, and how often it is begun. Pure."""

from dataclasses import fields
from typing import Final

from tessera.domain.access.tool import Limits
from tessera.domain.errors import Refused

MAX_ATTEMPTS: Final = 2
"""A run that the node's own end broke off is begun once more, from the start."""


def least_limits(asked: Limits, allowed: Limits) -> Limits:
    """Return of each limit the smaller one: the tool asks, the node allows."""
    return Limits(
        **{
            field.name: min(getattr(asked, field.name), getattr(allowed, field.name))
            for field in fields(Limits)
        }
    )


class TooManyRuns(Refused):
    """A permit has had its runs of the day at this node."""

    code = "too-many-runs"
    public = "This permit has had its runs of the day at this node; try again tomorrow."


def check_number(n_runs: int, a_day: int) -> None:
    """Raise TooManyRuns unless one more may follow `n_runs` of the last 24 hours.

    How each run ends is told to its person, and results of many runs can be subtracted from
    each other: what few runs can tell is little.
    """
    if n_runs >= a_day:
        raise TooManyRuns(f"{n_runs} runs in 24 hours; runs_a_day in node.toml allows {a_day}")
