"""The search as a form, for readers who do not want to write it. Needs no script.

Lines are numbered in the address: `f0` field, `o0` operator, `v0` value, or `x0` a part as text.
What is asked is the text form, at the search page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.form import (
    MAX_LINES,
    ConditionLine,
    Form,
    Line,
    TextLine,
    form_of,
    query_of_form,
)
from tessera.domain.cohort.query import MAX_LENGTH, Operator
from tessera.domain.cohort.syntax import parse
from tessera.domain.errors import InvalidQuery
from tessera.http.condition_words import field_label
from tessera.http.language import chosen_language, texts
from tessera.http.pages import utc_now
from tessera.http.rendering import link, render
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.http.search_page import Trouble, field_help

EMPTY: Final = 3
"""Lines that are offered beside those that say something."""
_PLACE: Final = re.compile(r"[fovx]([0-9]{1,2})")


def routes() -> list[RuledRoute]:
    """Return the routes; before those of `pages`, whose search ids are any word."""
    return [RuledRoute("/search/form", search_form, PUBLIC)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One line as shown. `text` is None on a line of field, operator and value."""

    place: int
    field: str = ""
    operator: str = Operator.EQ.value
    value: str = ""
    text: str | None = None
    values: tuple[str, ...] = ()
    """What the field may hold, offered while typing."""
    has_trouble: bool = False


async def search_form(request: Request) -> Response:
    """The form; with `do=ask`, the reader is sent to the search page with the query as text."""
    given = request.query_params
    words = texts(chosen_language(request))
    about = given.get("dataset", "")
    form, text, trouble, at = Form(()), "", None, -1
    try:
        form = _given(given)
        if form.lines:
            text = str(query_of_form(form))
    except InvalidQuery as error:
        at = error.line
        if not form.lines:  # it could not even be read: it stays, as text
            form, at = Form((TextLine(given.get("q", "").strip()),)), 0
        trouble = Trouble.of(error, _said(form.lines, at), words)
    if text and given.get("do") == "ask":
        return RedirectResponse(link("search", q=text, dataset=about), 303)
    named = groupby(FIELDS.values(), key=lambda one: one.level.value)
    groups: dict[str, list[tuple[str, str]]] = {}
    for level, fields in named:
        for field in fields:
            label = field_label(field.name, words)
            groups.setdefault(level, []).append((field.name, label[:1].upper() + label[1:]))
    return render(
        request,
        "search_form.html",
        now=utc_now(),
        status=400 if trouble else 200,
        lines=_shown(form, at),
        is_any=form.is_any,
        text=text,
        about=about,
        trouble=trouble,
        groups=groups,
        operators=[(one.name.lower(), one.value) for one in Operator],
        fields=field_help(words),
    )


def _given(given: Mapping[str, str]) -> Form:
    """Return the form that an address says. Raises InvalidQuery."""
    if said := given.get("q", "").strip():
        return form_of(parse(said))
    places = sorted({int(found[1]) for name in given if (found := _PLACE.fullmatch(name))})
    lines = (_line(given, str(place)) for place in places)
    return Form(tuple(one for one in lines if one is not None), given.get("how") == "or")


def _line(given: Mapping[str, str], place: str) -> Line | None:
    """Return what a line says; None when it says nothing."""
    if text := given.get(f"x{place}", "").strip():
        return TextLine(text[:MAX_LENGTH])
    field, value = given.get(f"f{place}", ""), given.get(f"v{place}", "")[:MAX_LENGTH]
    if not field and not value.strip():
        return None
    return ConditionLine(field, given.get(f"o{place}", ""), value)


def _said(lines: tuple[Line, ...], at: int) -> str:
    if not 0 <= at < len(lines):
        return ""
    line = lines[at]
    if isinstance(line, TextLine):
        return line.text
    return " ".join(part for part in (line.field, line.operator, line.value) if part)


def _shown(form: Form, at: int) -> list[Shown]:
    lines = [_shown_line(line, place, at) for place, line in enumerate(form.lines)]
    n = min(len(lines) + EMPTY, max(MAX_LINES, len(lines)))
    return lines + [Shown(place=place) for place in range(len(lines), n)]


def _shown_line(line: Line, place: int, at: int) -> Shown:
    if isinstance(line, TextLine):
        return Shown(place=place, text=line.text, has_trouble=place == at)
    known = FIELDS.get(line.field)
    return Shown(
        place=place,
        field=line.field,
        operator=line.operator,
        value=line.value,
        values=tuple(one.name for one in known.values) if known else (),
        has_trouble=place == at,
    )
