"""A cohort query: a tree of conditions (tree.py) within limits, and its written forms. Pure."""

from dataclasses import dataclass

from tessera.domain.cohort.fields import Level, Value
from tessera.domain.cohort.temporal import Moment
from tessera.domain.cohort.tree import (
    KEYWORDS,
    And,
    Comparison,
    Event,
    Expression,
    InOne,
    Not,
    Operator,
    Or,
    Related,
    Repeated,
    UnknownField,
    compare,
    conditions,
    study_conditions,
    value_text,
)
from tessera.domain.errors import InvalidQuery

__all__ = [
    "KEYWORDS",
    "And",
    "Comparison",
    "Event",
    "Expression",
    "InOne",
    "Not",
    "Operator",
    "Or",
    "Query",
    "Related",
    "Repeated",
    "UnknownField",
    "Value",
    "compare",
    "conditions",
    "study_conditions",
    "value_text",
]

MAX_LENGTH = 2000
"""Characters of the text, as given and written out in full."""
MAX_DEPTH = 20
"""Levels of the tree; a single condition is one level."""
MAX_CONDITIONS = 50
"""Those that a relation in time implies (tree.py) included: one to five for each."""
_GROUPS: dict[Level, frozenset[Level]] = {
    Level.CONDITION: frozenset({Level.CONDITION}),
    Level.STUDY: frozenset({Level.STUDY, Level.SERIES}),
    Level.SERIES: frozenset({Level.SERIES}),
    Level.TREATMENT: frozenset({Level.TREATMENT}),
}
"""Level of `in one …` → the levels its conditions may have."""


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query, within the limits. Raises InvalidQuery when it is not."""

    where: Expression

    def __post_init__(self) -> None:
        depth = _depth(self.where)
        if depth > MAX_DEPTH:
            raise InvalidQuery(
                f"the query is {depth} levels deep", mend=f"use at most {MAX_DEPTH} levels"
            )
        n_conditions = sum(1 for _ in conditions(self.where))
        if n_conditions > MAX_CONDITIONS:
            raise InvalidQuery(
                f"the query has {n_conditions} conditions",
                mend=f"use at most {MAX_CONDITIONS}; `in (…)` takes many values in one",
            )
        length = len(str(self.where))
        if length > MAX_LENGTH:
            raise InvalidQuery(
                f"the query, written out in full, has {length} characters",
                mend=f"use at most {MAX_LENGTH}",
            )
        _check_groups(self.where, None)

    def __str__(self) -> str:
        """Return the canonical text, which `syntax.parse` reads back to an equal query."""
        return str(self.where)

    def to_json(self) -> dict[str, object]:
        """Return the versioned JSON form (json_form.py)."""
        from tessera.domain.cohort.json_form import query_to_json  # it builds on this module

        return query_to_json(self)

    @classmethod
    def from_json(cls, body: object) -> "Query":
        """Read what `to_json` wrote, of this or a later version. Raises InvalidQuery."""
        from tessera.domain.cohort.json_form import query_from_json  # it builds on this module

        return query_from_json(body)


def _depth(where: Expression) -> int:
    match where:
        case And(children) | Or(children):
            return 1 + max(_depth(child) for child in children)
        case Not(child) | InOne(_, child) | Repeated(_, child, _):
            return 1 + _depth(child)
        case Related(event, _, _, other):
            return 1 + max(0 if isinstance(one, Moment) else _depth(one) for one in (event, other))
        case _:
            return 1


def _check_groups(where: Expression, group: Level | None) -> None:
    match where:
        case And(children) | Or(children):
            for child in children:
                _check_groups(child, group)
        case Not(child):
            _check_groups(child, group)
        case InOne(level, child):
            if level not in _GROUPS:
                raise InvalidQuery(f"there is no `in one {level}`", mend=_GROUP_MEND)
            if group is not None and (group, level) != (Level.STUDY, Level.SERIES):
                raise InvalidQuery(
                    f"`in one {level}` cannot stand inside `in one {group}`", mend=_GROUP_MEND
                )
            _check_groups(child, level)
        case Related() | Repeated() if group is not None:
            raise InvalidQuery(
                f"a relation in time cannot stand inside `in one {group}`",
                mend="move it outside and join it with `and`",
            )
        case Related(event, _, _, other):
            for one in (event, other):
                if isinstance(one, InOne):
                    _check_groups(one, None)
        case Repeated(_, event, _):
            _check_groups(event, None)
        case Comparison(field):
            level = where.about.level
            if group is not None and level not in _GROUPS[group]:
                raise InvalidQuery(
                    f"{field} is a {level} field and cannot stand inside `in one {group}`",
                    mend="move it outside and join it with `and`",
                )
        case _:
            return


_GROUP_MEND = (
    "use `in one study (…)`, `in one series (…)`, `in one condition (…)` or "
    "`in one treatment (…)`; "
    "only a series group may stand inside a study group"
)
