"""What came of asking for access, in numbers over time. Pure.

Of applications only numbers are public (`tessera.domain.access.register`): how many, by month,
and how long it took, where there are enough of them to be a number and not somebody's case.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from statistics import median
from typing import Final

from tessera.domain.access.application_state import AccessApplication, Stage, Verdict
from tessera.domain.access.register import RegisterEntry, StepKind

ENOUGH: Final = 3
"""Fewer than so many have no median."""


class Done(StrEnum):
    """What is counted, in the order in which it happens."""

    SUBMITTED = "submitted"
    DECIDED = "decided"
    GRANTED = "granted"
    """At least one dataset."""
    RESULTS = "results"
    """Runs whose files a hospital has released."""
    MODELS = "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """All that had happened by the end of a month, UTC."""

    day: date
    """The first of the month."""
    submitted: int
    decided: int
    granted: int
    results: int
    models: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """How long something took."""

    n: int
    median: float | None
    """Days; None for fewer than `ENOUGH`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    months: tuple[Month, ...]
    """Those in which something happened, ascending; each holds the sums up to it."""
    to_decision: Days
    """From submission until the application was decided."""
    to_access: Days
    """From submission until the first hospital agreed to the permit."""
    n_refused: int
    """Applications that were decided, and by which no dataset was granted."""


def activity_of(
    entries: Sequence[RegisterEntry], applications: Iterable[AccessApplication]
) -> Activity:
    """Return the numbers over all permits and all submitted applications."""
    happened: list[tuple[datetime, Done]] = []
    to_decision: list[float] = []
    n_refused = 0
    for one in applications:
        if one.submitted_at is None:
            continue
        happened.append((one.submitted_at, Done.SUBMITTED))
        if one.stage not in (Stage.CONCLUDED, Stage.DECLINED) or one.concluded_at is None:
            continue
        happened.append((one.concluded_at, Done.DECIDED))
        to_decision.append(_days(one.submitted_at, one.concluded_at))
        if one.stage is Stage.CONCLUDED and any(
            one.decision(dataset).verdict is Verdict.GRANTED for dataset in one.contents.datasets
        ):
            happened.append((one.concluded_at, Done.GRANTED))
        else:
            n_refused += 1
    for entry in entries:
        happened += [(result.released_at, Done.RESULTS) for result in entry.results]
        happened += [(model.released_at, Done.MODELS) for model in entry.models]
    return Activity(
        months=_months(happened),
        to_decision=_took(to_decision),
        to_access=_took(_accesses(entries)),
        n_refused=n_refused,
    )


def _accesses(entries: Sequence[RegisterEntry]) -> list[float]:
    found = []
    for entry in entries:
        asked = min((s.at for s in entry.story if s.kind is StepKind.ASKED), default=None)
        agreed = min((s.at for s in entry.story if s.kind is StepKind.AGREED), default=None)
        if asked is not None and agreed is not None:
            found.append(_days(asked, agreed))
    return found


def _days(one: datetime, other: datetime) -> float:
    return max((other - one).total_seconds(), 0) / 86_400


def _took(days: Sequence[float]) -> Days:
    return Days(n=len(days), median=round(median(days), 1) if len(days) >= ENOUGH else None)


def _months(happened: Iterable[tuple[datetime, Done]]) -> tuple[Month, ...]:
    counted: dict[date, Counter[Done]] = {}
    for at, what in happened:
        counted.setdefault(at.date().replace(day=1), Counter())[what] += 1
    sums, months = Counter[Done](), []
    for day in sorted(counted):
        sums += counted[day]
        months.append(Month(day=day, **{one.value: sums[one] for one in Done}))
    return tuple(months)
