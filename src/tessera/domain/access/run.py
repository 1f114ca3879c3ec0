"""What one run at a node may use, and how often it is begun. Pure."""

from dataclasses import fields
from typing import Final

from tessera.domain.access.tool import Limits

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
