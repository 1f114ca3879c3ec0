"""What can be computed over nodes, and which cuts of the cohort each kind needs."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.domain.statistics.cut import Axis, Cut, Steps, axis_of, steps_of

SURVIVAL: Final = "survival_days(0..1825/91) until deceased"
"""Five years in quarters, from day zero of the dataset."""
_HALF_YEARS: Final = "survival_days(0..1825/182) until deceased"
_MOST_AXES: Final = 6


class Kind(StrEnum):
    TABLE = "table"
    """Subjects by one to three fields, with the chi-squared test where there are two."""
    HISTOGRAM = "histogram"
    """A number: its histogram, mean and quantiles."""
    SURVIVAL = "survival"
    """Kaplan-Meier curves, by one field or none, with the log-rank test."""
    LINEAR = "linear"
    LOGISTIC = "logistic"
    COX = "cox"
    SIMILAR = "similar"
    """Survival in all and by first treatment, and how many had which treatment first."""


_AXES: Final = {
    Kind.TABLE: (1, 3),
    Kind.HISTOGRAM: (0, 0),
    Kind.SURVIVAL: (0, 1),
    Kind.LINEAR: (1, _MOST_AXES),
    Kind.LOGISTIC: (1, _MOST_AXES),
    Kind.COX: (1, _MOST_AXES),
    Kind.SIMILAR: (1, 1),
}
_TIMED: Final = (Kind.SURVIVAL, Kind.COX, Kind.SIMILAR)


@dataclass(frozen=True, slots=True)
class Statistic:
    """`str` gives its JSON form, `statistic_of` reads it."""

    kind: Kind
    by: tuple[Axis, ...] = ()
    """Rows of a table, groups of a curve, or what a regression explains the outcome with."""
    steps: Steps | None = None
    """Of a time, with `until`; of the number of a histogram or the outcome of a linear model."""
    outcome: Axis | None = None
    """Of a logistic model,"""
    event: str = ""
    """and the value of it that is explained."""

    def __post_init__(self) -> None:
        least, most = _AXES[self.kind]
        if not least <= len(self.by) <= most:
            raise InvalidInput(f"{self.kind} is by {least} to {most} fields, not {len(self.by)}")
        needs_steps = self.kind not in (Kind.TABLE, Kind.LOGISTIC)
        if needs_steps != (self.steps is not None):
            raise InvalidInput(
                f"{self.kind} needs steps, as `age_at_diagnosis(0..100/5)`"
                if needs_steps
                else f"{self.kind} has no steps"
            )
        if self.steps is not None and bool(self.steps.until) != (self.kind in _TIMED):
            raise InvalidInput(
                f"{self.kind} needs a time that ends, as `{SURVIVAL}`"
                if self.kind in _TIMED
                else f"{self.kind} has steps without `until`"
            )
        if (self.kind is Kind.LOGISTIC) != (self.outcome is not None):
            raise InvalidInput("a logistic model, and no other, has an outcome: `deceased = yes`")
        if self.outcome is not None and self.event not in self.outcome.values:
            values = ", ".join(self.outcome.values)
            raise InvalidInput(f"{self.event} is not a value of {self.outcome.field}: {values}")
        _ = self.cuts  # too many cells are told here

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The cuts of which it is computed, in the order in which `computed` takes them."""
        match self.kind:
            case Kind.TABLE:
                return (Cut(self.by),)
            case Kind.LOGISTIC:
                return (Cut((*self.by, *([self.outcome] if self.outcome else []))),)
            case Kind.HISTOGRAM if self.steps is not None:
                bands = Axis(self.steps.field, self.steps.edges)
                return (Cut((bands,)), Cut((), self.steps))
            case Kind.SIMILAR:
                return (Cut(self.by), Cut((), self.steps), Cut(self.by, self.steps))
        return (Cut(self.by, self.steps),)

    def to_json(self) -> dict[str, object]:
        outcome = f"{self.outcome} = {self.event}" if self.outcome else ""
        steps = str(self.steps) if self.steps else ""
        body: dict[str, object] = {"kind": str(self.kind), "by": list(map(str, self.by))}
        return body | {k: v for k, v in (("steps", steps), ("outcome", outcome)) if v}

    def __str__(self) -> str:
        return json.dumps(self.to_json(), ensure_ascii=False)


def statistic(
    kind: str, by: tuple[str, ...] = (), *, steps: str = "", outcome: str = ""
) -> Statistic:
    """Make one of texts, as people write them. Raises InvalidInput, InvalidQuery."""
    try:
        found = Kind(kind)
    except ValueError:
        raise InvalidInput(f"{kind[:30]} is none of {', '.join(Kind)}") from None
    if found is Kind.SIMILAR:
        by = by or ("first_treatment",)
    if found in _TIMED:
        steps = steps or (_HALF_YEARS if found is Kind.COX else SURVIVAL)
    field, equals, event = outcome.rpartition("=") if outcome else ("", "", "")
    if outcome and (not equals or field[-1:] in "<>!="):
        # `psa(10) = >=10` has the sign in the value.
        field, equals, event = outcome.partition(" = ")
    if outcome and not equals:
        raise InvalidInput(f"`{outcome[:60]}` is not an outcome, as `deceased = yes`")
    return Statistic(
        found,
        tuple(map(axis_of, by)),
        steps_of(steps) if steps else None,
        axis_of(field) if outcome else None,
        event.strip(),
    )


def statistic_of(text: str) -> Statistic:
    """Read the JSON form. Raises InvalidInput, InvalidQuery."""
    try:
        body = json.loads(text)
    except ValueError:
        raise InvalidInput("a statistic is a JSON object") from None
    if not isinstance(body, dict) or not body.keys() <= {"kind", "by", "steps", "outcome"}:
        raise InvalidInput("a statistic has the keys kind, by, steps and outcome")
    by, rest = body.pop("by", []), {key: body.get(key, "") for key in ("kind", "steps", "outcome")}
    if not isinstance(by, list) or not all(isinstance(one, str) for one in (*by, *rest.values())):
        raise InvalidInput("kind, steps and outcome of a statistic are texts, by is a list of them")
    return statistic(rest["kind"], tuple(by), steps=rest["steps"], outcome=rest["outcome"])
