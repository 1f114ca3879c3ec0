"""Distances in days between two events of a subject. Pure.

An event is a dated row: a study, a treatment, the first diagnosis (day 0) or death. The tables
hold whole days, so two events of one day stand in no order: each is before and after the other,
at a distance of 0 days.
"""

from dataclasses import dataclass
from enum import StrEnum

from tessera.domain.errors import InvalidQuery

MAX_DAYS = 36_525
"""A hundred years: more than between any two events of one subject."""
MAX_REPEATED = 5
"""Events that `at least … apart` may ask for."""


class Moment(StrEnum):
    """An event that a subject has once."""

    DIAGNOSIS = "diagnosis"
    """The first: day 0."""
    DEATH = "death"


class Direction(StrEnum):
    """Where an event lies, seen from another."""

    BEFORE = "before"
    AFTER = "after"
    OF = "of"
    """On either side."""


@dataclass(frozen=True, slots=True)
class Span:
    """Least and greatest distance, in whole days, both included. `most` None: no greatest."""

    least: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        for days in (self.least, self.most):
            if days is not None and not 0 <= days <= MAX_DAYS:
                raise InvalidQuery(
                    f"{days} days is no distance between two events",
                    mend=f"use at most {MAX_DAYS}",
                )
        if self.most is not None and self.least > self.most:
            raise InvalidQuery(
                "the first number of days is the greater one",
                mend=f"write `between {self.most} and {self.least} days`",
            )

    def windows(self, direction: Direction) -> tuple[tuple[int, int], ...]:
        """Return from where to where the other's day less the event's own may lie, ends included.

        No two windows overlap.
        """
        least, most = self.least, MAX_DAYS if self.most is None else self.most
        match direction:
            case Direction.BEFORE:
                return ((least, most),)
            case Direction.AFTER:
                return ((-most, -least),)
        return ((-most, most),) if least == 0 else ((-most, -least), (least, most))

    def __str__(self) -> str:
        """Return the words of the language, with a space behind; none for any distance."""
        if self.most is None:
            return f"at least {_days(self.least)} " if self.least else ""
        if self.least == 0:
            return f"within {_days(self.most)} "
        return f"between {self.least} and {self.most} days "


def _days(n: int) -> str:
    return f"{n} day" if n == 1 else f"{n} days"
