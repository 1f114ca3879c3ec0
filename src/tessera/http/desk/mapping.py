"""The desk's mapping pages: columns down the page, what each becomes, why, and what it says.

They show values of identified tables, never those of columns that may identify a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.clinical.profile import ColumnProfile
from tessera.domain.clinical.suggest_types import (
    NOTHING,
    Choice,
    LeftOut,
    Proposal,
    Question,
    Suggestion,
)
from tessera.domain.errors import NotFound
from tessera.http.desk.app import desk_page
from tessera.http.rendering import link
from tessera.http.rules import PUBLIC, RuledRoute


@dataclass(frozen=True, slots=True)
class Tried:
    """What a dry run over the table came to."""

    n_rows: int
    n_left_out: int
    filled: Mapping[str, int]
    """Variable → rows that have a value for it."""
    problems: Sequence[tuple[str, str, str, int]]
    """Column, variable, reason, how many."""
    trouble: str = ""
    """Why there was no run; "" when there was one."""


class Mappings(Protocol):
    """What the pages ask for."""

    def suggestions(self) -> Sequence[Suggestion]: ...

    def variables(self, language: str) -> Sequence[tuple[str, Sequence[Choice]]]:
        """Return families of variables with a label each, for a list to choose from."""
        ...

    def label(self, variable: str, language: str) -> str: ...

    def meanings(self, variable: str, language: str) -> Sequence[Choice]:
        """Return what a value of the variable may mean; none where values are not words."""
        ...

    def units(self, variable: str) -> Sequence[str]: ...

    def answer(self, table: int, answers: Mapping[str, str]) -> None:
        """Keep answers, and propose anew. Raises InvalidInput."""
        ...

    def save(self) -> str:
        """Write the mapping and the answers; return where."""
        ...

    def attempt(self, table: int) -> Tried: ...

    def now(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One column on the page."""

    number: int
    column: ColumnProfile
    proposal: Proposal | None
    left: LeftOut | None
    questions: tuple[Question, ...]
    variable: str
    """What is chosen in the list; "-" for nothing."""
    values: tuple[tuple[int, str, int, str], ...]
    """Number, value, how often, and what it means now ("?" when nothing has been said)."""
    units: tuple[str, ...]
    unit: str

    @property
    def is_open(self) -> bool:
        """Whether nobody has said yet what the column is."""
        return any(one.kind == "meaning" for one in self.questions)

    @property
    def state(self) -> str:
        if any(one.kind in ("meaning", "unit", "dates") for one in self.questions):
            return "asked"
        if self.proposal is None:
            return "left"
        return "asked" if self.questions else str(self.proposal.state)


def routes(mappings: Mappings) -> list[RuledRoute]:
    """Return the pages. The desk's key guards them all."""
    pages = _Pages(mappings)
    return [
        RuledRoute("/", pages.first, PUBLIC),
        RuledRoute("/tables/{table:int}", pages.table, PUBLIC),
        RuledRoute("/tables/{table:int}", pages.change, PUBLIC, methods=("POST",)),
    ]


class _Pages:
    def __init__(self, mappings: Mappings) -> None:
        self._mappings = mappings

    async def first(self, request: Request) -> Response:
        language = request.query_params.get("lang", "")
        return RedirectResponse(link("tables", 1, lang=language), 303)

    async def table(self, request: Request) -> Response:
        return self._table(request, saved=request.query_params.get("saved", ""))

    def _table(self, request: Request, *, saved: str = "", tried: Tried | None = None) -> Response:
        number, one = self._find(request)
        return desk_page(
            request,
            "desk_mapping.html",
            now=self._mappings.now(),
            number=number,
            tables=[each.profile.table.name for each in self._mappings.suggestions()],
            one=one,
            lines=lines_of(one, self._mappings),
            families={code: self._mappings.variables(code) for code in ("en", "sv")},
            meanings=self._mappings.meanings,
            labels=self._mappings.label,
            wholes={q.kind: q for q in one.questions if q.kind in ("dates", "all", "sign")},
            saved=saved,
            tried=tried,
            nothing=NOTHING,
        )

    async def change(self, request: Request) -> Response:
        number, one = self._find(request)
        form = await request.form()
        self._mappings.answer(number - 1, answers_of(form, one, self._mappings))
        match form.get("do"):
            case "save":
                return RedirectResponse(link("tables", number, saved=self._mappings.save()), 303)
            case "try":
                return self._table(request, tried=self._mappings.attempt(number - 1))
            case _:
                return RedirectResponse(link("tables", number), 303)

    def _find(self, request: Request) -> tuple[int, Suggestion]:
        number = request.path_params["table"]
        every = self._mappings.suggestions()
        if not 1 <= number <= len(every):
            raise NotFound("there is no such table")
        return number, every[number - 1]


def lines_of(one: Suggestion, mappings: Mappings) -> list[Line]:
    """Return a line for each column: first those with a question, then in the table's order."""
    proposals: dict[str, Proposal] = {}
    for each in one.proposals:
        if not each.if_filled:
            proposals.setdefault(each.column, each)
    left = {leaving.column: leaving for leaving in one.left}
    lines = []
    for number, column in enumerate(one.profile.columns, start=1):
        proposal = proposals.get(column.name)
        questions = tuple(q for q in one.questions if q.column == column.name)
        meaning = next((q for q in questions if q.kind == "meaning"), None)
        variable = proposal.variable if proposal else (meaning.default if meaning else NOTHING)
        unit = next((q.default for q in questions if q.kind == "unit"), "")
        lines.append(
            Line(
                number=number,
                column=column,
                proposal=proposal,
                left=left.get(column.name),
                questions=questions,
                variable=variable,
                values=_values(column, variable, proposal, mappings),
                units=tuple(mappings.units(variable)) if variable != NOTHING else (),
                unit=(proposal.unit if proposal else "") or unit,
            )
        )
    return sorted(lines, key=lambda line: (line.state != "asked", line.number))


def _values(
    column: ColumnProfile, variable: str, proposal: Proposal | None, mappings: Mappings
) -> tuple[tuple[int, str, int, str], ...]:
    if (
        variable == NOTHING
        or not mappings.meanings(variable, "en")
        or (column.identifying and proposal is None)
    ):
        return ()
    rules = {rule.value: rule.target or NOTHING for rule in proposal.values} if proposal else {}
    ordered = sorted(column.values.value.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        (place, text, n, rules.get(text, "?")) for place, (text, n) in enumerate(ordered[:60])
    )


def answers_of(form: FormData, one: Suggestion, mappings: Mappings) -> dict[str, str]:
    """Return what the form says that the proposal does not."""
    said: dict[str, str] = {}

    def given(name: str) -> str:
        value = form.get(name, "")
        return value if isinstance(value, str) else ""

    if given("patient") and given("patient") != one.patient:
        said["patient"] = given("patient")
    for name, key in (("dates", "dates"), ("all", "all:cancer"), ("sign", "sign:-")):
        if given(name):
            said[key] = given(name)
    for line in lines_of(one, mappings):
        name = line.column.name
        chosen = given(f"c{line.number}")
        is_asked = any(q.kind == "meaning" for q in line.questions)
        before = line.variable if line.proposal or is_asked else NOTHING
        if chosen and (chosen != before or is_asked):
            said[f"meaning:{name}"] = chosen
        unit = given(f"c{line.number}.unit")
        if unit and (unit != line.unit or any(q.kind == "unit" for q in line.questions)):
            said[f"unit:{name}"] = unit
        if chosen and chosen != line.variable:
            continue  # its values are those of another variable: they come with the next page
        for place, text, _, target in line.values:
            meant = given(f"c{line.number}.v{place}")
            if meant and meant not in ("?", target):
                said[f"value:{name}:{text}"] = meant
        for question in line.questions:
            answer = given(f"c{line.number}.{question.kind}.{question.facts.get('value', '')}")
            if question.kind in ("code", "sign") and answer:
                said[question.id] = answer
    return said
