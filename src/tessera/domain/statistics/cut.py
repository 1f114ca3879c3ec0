"""Cuts: how the subjects of a cohort are divided into cells, each a set that a node counts.

Every statistic here follows from counts of such sets, added up over nodes: no node sends a sum of
values, a gradient or a row. A number is known up to the band that its subject is in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Final

from tessera.domain.cohort.fields import FIELDS, Field, Kind, Level, Match, Value, field_named
from tessera.domain.errors import InvalidInput

MOST_CELLS: Final = 5000
UNKNOWN: Final = "?"
"""The cell of an axis for subjects without a value, or with several that differ."""
REACHED: Final = "@"
"""Sign of the cell of those who have at least an edge,"""
ENDED: Final = "!"
"""of those who have less and had the event,"""
SPARED: Final = "~"
"""and of all others of whom both are known."""
_MOST_EDGES: Final = 130
_LONGEST: Final = 4000
_AXIS: Final = re.compile(r"([a-z][a-z0-9_]*)(?:\(([^()]*)\))?")
_STEPS: Final = re.compile(r"([a-z][a-z0-9_]*)\(([^()]*)\)(?: until ([a-z][a-z0-9_]*))?")
_RANGE: Final = re.compile(r"(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Axis:
    """One field by which subjects are divided: its values, or bands between edges.

    Text form: `stage`, or `age_at_diagnosis(50, 60, 70)` for below 50, 50 to below 60, …
    """

    field: str
    edges: tuple[float, ...] = ()
    """Ascending; for numbers only."""

    def __post_init__(self) -> None:
        found = _field(self.field)
        if (found.kind is Kind.NUMBER) != bool(self.edges):
            raise InvalidInput(
                f"{self.field} is a number and needs edges, as `{self.field}(50, 60, 70)`"
                if found.kind is Kind.NUMBER
                else f"{self.field} has values and takes no edges"
            )
        _check_edges(self.field, self.edges)

    @property
    def values(self) -> tuple[str, ...]:
        """The values in order, without UNKNOWN. Narrower concepts are counted under theirs."""
        if self.edges:
            inner = pairwise(self.edges)
            return (
                f"<{_plain(self.edges[0])}",
                *(f"{_plain(low)}-<{_plain(high)}" for low, high in inner),
                f">={_plain(self.edges[-1])}",
            )
        found = FIELDS[self.field]
        known = (
            one.name
            for one in found.values
            if not one.is_grouping and one.name != found.unknown_value
        )
        return tuple(dict.fromkeys(_top(found, name) for name in known))

    def place_of(self, value: Value) -> int:
        """Return the place in `values` under which a stored value is counted, -1 for none.

        A grouping of several, `colorectum`, is under none.
        """
        if isinstance(value, str):
            top = _top(FIELDS[self.field], value)
            return self.values.index(top) if top in self.values else -1
        return sum(value >= edge for edge in self.edges)

    def __str__(self) -> str:
        return f"{self.field}({_written(self.edges)})" if self.edges else self.field


@dataclass(frozen=True, slots=True)
class Steps:
    """A number at whose edges subjects are counted: who has at least so much.

    With `until`, a yes-no field, a number of days is a time to death or to the last contact. Who
    had the event by an edge is then counted, and who had not: of two sets one is often too few to
    tell, seldom both. Text form: `survival_days(0..1825/91) until deceased`.
    """

    field: str
    edges: tuple[float, ...]
    until: str = ""

    def __post_init__(self) -> None:
        if _field(self.field).kind is not Kind.NUMBER:
            raise InvalidInput(f"{self.field} is not a number: steps need one")
        if len(self.edges) < 2:
            raise InvalidInput(f"steps need two edges at least, as `{self.field}(0..1825/91)`")
        _check_edges(self.field, self.edges)
        if self.until and [one.name for one in _field(self.until).values] != ["yes", "no"]:
            raise InvalidInput(f"{self.until} is not a field of yes and no: it ends no time")

    @property
    def signs(self) -> tuple[str, ...]:
        """Of the cells at each edge."""
        return (REACHED, ENDED, SPARED) if self.until else (REACHED,)

    def __str__(self) -> str:
        return f"{self.field}({_written(self.edges)})" + (
            f" until {self.until}" if self.until else ""
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """The cells: every combination of the axes' values, at every step where there are steps."""

    axes: tuple[Axis, ...] = ()
    steps: Steps | None = None

    def __post_init__(self) -> None:
        if not self.axes and self.steps is None:
            raise InvalidInput("a cut needs a field to cut by")
        names = [axis.field for axis in self.axes]
        if len(set(names)) < len(names):
            raise InvalidInput("a cut names each field once")
        if self.n_cells > MOST_CELLS:
            raise InvalidInput(
                f"{self.n_cells} cells are asked for, and {MOST_CELLS} may be:"
                " take fewer fields, bands or steps"
            )

    @property
    def fields(self) -> tuple[str, ...]:
        found = [axis.field for axis in self.axes]
        if self.steps is not None:
            found += (
                [self.steps.field, self.steps.until] if self.steps.until else [self.steps.field]
            )
        return tuple(dict.fromkeys(found))

    @property
    def n_groups(self) -> int:
        return prod(len(axis.values) + 1 for axis in self.axes)

    @property
    def n_cells(self) -> int:
        if self.steps is None:
            return self.n_groups
        return self.n_groups * len(self.steps.edges) * len(self.steps.signs)

    def groups(self) -> Iterator[tuple[str, ...]]:
        """Yield every combination, the last axis first to change; UNKNOWN is first of each axis."""
        return product(*((UNKNOWN, *axis.values) for axis in self.axes))

    def cells(self) -> Iterator[str]:
        """Yield the name of every cell: at steps the ends first, then the middles between.

        In this order the gate tells them. Sets that differ by few get the number of one told
        before: told from end to end, each would get that of the one before it.
        """
        for group in self.groups():
            if self.steps is None:
                yield cell(group)
                continue
            for edge in _from_the_ends(self.steps.edges):
                for sign in self.steps.signs:
                    yield cell(group, edge, sign)

    def __str__(self) -> str:
        axes = " by ".join(map(str, self.axes))
        return axes if self.steps is None else f"{axes} over {self.steps}".lstrip()


def cell(group: tuple[str, ...], edge: float | None = None, sign: str = REACHED) -> str:
    """Return the name of a cell: `II,female`, or `II@365` at a step with one of its signs."""
    name = ",".join(group)
    if edge is None:
        return name or "all"
    return f"{name}{sign}{_plain(edge)}"


def cut_of(text: str) -> Cut:
    """Read the text form: `stage by sex over survival_days(0..1825/91) until deceased`.

    Raises InvalidInput, InvalidQuery.
    """
    if len(text) > _LONGEST:
        raise InvalidInput(f"a cut has at most {_LONGEST} characters")
    axes, over, steps = f" {text.strip()}".partition(" over ")
    by = tuple(axis_of(part) for part in axes.split(" by ")) if axes.strip() else ()
    return Cut(by, steps_of(steps) if over else None)


def axis_of(text: str) -> Axis:
    """Read the text form. Raises InvalidInput, InvalidQuery."""
    found = _AXIS.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"`{text[:60]}` is not a field to cut by, as `age_at_diagnosis(50, 60)`")
    name, edges = found.groups()
    return Axis(field_named(name).name, _edges(edges) if edges else ())


def steps_of(text: str) -> Steps:
    """Read the text form. Raises InvalidInput, InvalidQuery."""
    found = _STEPS.fullmatch(" ".join(text.split()))
    if found is None:
        raise InvalidInput(
            f"`{text[:60]}` is not a field with steps, as `survival_days(0..1825/91)`"
        )
    name, edges, until = found.groups()
    return Steps(field_named(name).name, _edges(edges), field_named(until).name if until else "")


def _edges(text: str) -> tuple[float, ...]:
    if found := _RANGE.fullmatch(text.strip()):
        first, last, step = map(int, found.groups())
        if step < 1 or not 0 < (last - first) // step <= _MOST_EDGES:
            raise InvalidInput(f"`{text}` is not a range of at most {_MOST_EDGES} steps")
        return tuple(map(float, range(first, last + 1, step)))
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(f"`{text[:60]}` is not a list of numbers, as `50, 60, 70`") from None


def _from_the_ends(edges: tuple[float, ...]) -> Iterator[float]:
    """Yield the first, the last, what is midway, midway between those, and so on."""
    yield edges[0]
    yield edges[-1]
    open_gaps = [(0, len(edges) - 1)]
    for low, high in open_gaps:  # grows while it is read
        if high - low > 1:
            middle = (low + high) // 2
            yield edges[middle]
            open_gaps += [(low, middle), (middle, high)]


def _written(edges: tuple[float, ...]) -> str:
    """Return the text form; four or more whole numbers at one distance as a range."""
    apart = {high - low for low, high in pairwise(edges)}
    if len(edges) > 3 and len(apart) == 1 and all(edge.is_integer() for edge in edges):
        return f"{_plain(edges[0])}..{_plain(edges[-1])}/{_plain(apart.pop())}"
    return ", ".join(map(_plain, edges))


def _check_edges(name: str, edges: tuple[float, ...]) -> None:
    if len(edges) > _MOST_EDGES:
        raise InvalidInput(f"{name}: at most {_MOST_EDGES} edges")
    if any(abs(edge) > 1e9 or edge != round(edge, 4) for edge in edges):  # also not a number
        raise InvalidInput(f"{name}: edges are plain numbers with at most four decimals")
    if any(high <= low for low, high in pairwise(edges)):
        raise InvalidInput(f"{name}: edges ascend")


def _field(name: str) -> Field:
    found = FIELDS.get(name)
    one_each = (Level.PATIENT, Level.CONDITION)
    if found is None or found.level not in one_each or found.match is Match.ANY_OF_LIST:
        raise InvalidInput(
            f"{name} is not a field of a patient or a diagnosis: a subject has many of it"
        )
    if found.kind is Kind.TEXT:
        raise InvalidInput(f"{name} is free text: statistics need values or numbers")
    return found


def _top(field: Field, value: str) -> str:
    """Return the broadest concept with data of its own that includes the value; else itself."""
    over = (one.name for one in field.values if value in one.includes and not one.is_grouping)
    return next(over, value)


def _plain(number: float) -> str:
    return f"{number:.4f}".rstrip("0").rstrip(".")
