"""How far the hospitals have come: a page with curves, bars and gaps, and its downloads."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.catalogue.progress import Moment, Progress
from tessera.http.charts import Chart, chart
from tessera.http.formats import day as day_text
from tessera.http.language import Texts, chosen_language, texts
from tessera.http.pages import utc_now
from tessera.http.rendering import render
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.hub.views import HubViews

WIDTH, HEIGHT = 360, 130
_LEFT, _TOP, _FLOOR = 4, 22, 108
MEASURES: Final = ("n_subjects", "n_instances", "n_hospitals", "n_countries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One number over time, as steps."""

    measure: str
    path: str
    """Points for SVG, in a box of WIDTH by HEIGHT."""
    newest: int
    first: str
    last: str
    rows: tuple[tuple[str, int], ...]
    """Days in the reader's language."""


def routes(hub: HubViews) -> list[RuledRoute]:
    pages = _Pages(hub)
    return [
        RuledRoute("/progress", pages.page, PUBLIC, name="progress"),
        RuledRoute("/progress.csv", pages.table, PUBLIC, name="progress_csv"),
        RuledRoute("/api/v1/progress", pages.as_json, PUBLIC, name="progress_json"),
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    hub: HubViews

    async def page(self, request: Request) -> Response:
        found, now = self.hub.progress(), utc_now()
        words = texts(chosen_language(request))
        return render(
            request,
            "progress.html",
            now=now,
            progress=found,
            curves=curves(found.moments, now.date(), words.language),
            charts=drawn(found, words),
        )

    async def table(self, request: Request) -> Response:
        """The curves and the sums as one table."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(("kind", "value", "measure", "n"))
        found = self.hub.progress()
        for moment in found.moments:
            for measure in (*MEASURES, "n_datasets"):
                writer.writerow(("day", moment.day.isoformat(), measure, getattr(moment, measure)))
        for name, cells in found.facets.items():
            for cell in cells:
                n = "" if cell.n_subjects is None else cell.n_subjects
                writer.writerow((name, _text(cell.value), "n_subjects", n))
        for one in found.countries:
            n = "" if one.n_subjects is None else one.n_subjects
            writer.writerow(("country", one.country, "n_subjects", n))
        headers = {"Content-Disposition": 'attachment; filename="progress.csv"'}
        return Response(out.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")

    async def as_json(self, request: Request) -> Response:
        return JSONResponse(progress_to_json(self.hub.progress()))


def progress_to_json(found: Progress) -> dict[str, object]:
    return {
        "days": [
            {
                "day": moment.day.isoformat(),
                "n_datasets": moment.n_datasets,
                **{measure: getattr(moment, measure) for measure in MEASURES},
            }
            for moment in found.moments
        ],
        "facets": {
            name: [{"value": cell.value, "n_subjects": cell.n_subjects} for cell in cells]
            for name, cells in found.facets.items()
        },
        "countries": [
            {
                "country": one.country,
                "n_hospitals": one.n_hospitals,
                "n_datasets": one.n_datasets,
                "n_subjects": one.n_subjects,
            }
            for one in found.countries
        ],
        "countries_without": list(found.countries_without),
        "cancers_without": list(found.cancers_without),
    }


def curves(moments: tuple[Moment, ...], today: date, language: str) -> tuple[Curve, ...]:
    """Lay out each measure over time up to today; none while nothing was published."""
    if not moments:
        return ()
    first = moments[0].day
    return tuple(_curve(measure, moments, first, today, language) for measure in MEASURES)


def _curve(
    measure: str, moments: tuple[Moment, ...], first: date, today: date, language: str
) -> Curve:
    rows = tuple((moment.day, int(getattr(moment, measure))) for moment in moments)
    n_days = max((today - first).days, 1)
    most = max((n for _, n in rows), default=0) or 1

    def x(day: date) -> float:
        return round(_LEFT + (day - first).days / n_days * (WIDTH - 2 * _LEFT), 1)

    points, before = [f"{_LEFT},{_FLOOR}"], float(_FLOOR)
    for day, n in rows:
        y = round(_FLOOR - n / most * (_FLOOR - _TOP), 1)
        points += [f"{x(day)},{before}", f"{x(day)},{y}"]
        before = y
    points.append(f"{WIDTH - _LEFT},{before}")
    return Curve(
        measure=measure,
        path=" ".join(points),
        newest=rows[-1][1],
        first=_shown(first, language),
        last=_shown(today, language),
        rows=tuple((_shown(day, language), n) for day, n in rows),
    )


def _shown(day: date, language: str) -> str:
    return day_text(datetime.combine(day, time(), UTC), language)


def drawn(found: Progress, words: Texts) -> tuple[Chart, ...]:
    return tuple(
        chart(name, cells, partial(words.term, name)) for name, cells in found.facets.items()
    )


def _text(value: str) -> str:
    """A spreadsheet would take some texts for formulas."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
