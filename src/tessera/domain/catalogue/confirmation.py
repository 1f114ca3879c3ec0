"""The yearly confirmation: until when a description counts as confirmed by its holder. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

CONFIRMED_FOR: Final = timedelta(days=365)
"""A description is to be confirmed by its holder once a year."""
REMINDED_BEFORE: Final = timedelta(days=60)
"""So long before its end the holder is reminded."""


class Confirmation(StrEnum):
    HOLDS = "holds"
    DUE = "due"
    """It ends within `REMINDED_BEFORE`."""
    OVERDUE = "overdue"
    """The year is past: the dataset's page says since when."""


def confirm_by(published_at: datetime, confirmed_at: datetime | None) -> datetime:
    """Return the last moment at which the description counts as confirmed."""
    return (confirmed_at or published_at) + CONFIRMED_FOR


def confirmation(by: datetime, now: datetime) -> Confirmation:
    """Tell how a confirmation that holds until `by` stands."""
    if now > by:
        return Confirmation.OVERDUE
    return Confirmation.DUE if by - now <= REMINDED_BEFORE else Confirmation.HOLDS
