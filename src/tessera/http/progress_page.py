"""How far the hospitals have come: a page with curves, bars and gaps, and its downloads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.catalogue.calls import open_calls
from tessera.domain.catalogue.description import Facet
from tessera.domain.catalogue.incidence import Covered, coverage, widest
from tessera.http.charts import Chart, chart
from tessera.http.growth import activity, growth
from tessera.http.language import Texts, chosen_language, texts
from tessera.http.pages import utc_now
from tessera.http.progress_tables import Told, to_csv, to_json
from tessera.http.rendering import render
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.hub.register import RecentRegister
from tessera.hub.views import HubViews
from tessera.ports.public_tables import NoTables, PublicTables


def routes(
    hub: HubViews, register: RecentRegister | None = None, tables: PublicTables | None = None
) -> list[RuledRoute]:
    """Without a register nothing is told of asking for access."""
    pages = _Pages(hub, register, tables or NoTables())
    return [
        RuledRoute("/progress", pages.page, PUBLIC, name="progress"),
        RuledRoute("/progress.csv", pages.table, PUBLIC, name="progress_csv"),
        RuledRoute("/api/v1/progress", pages.as_json, PUBLIC, name="progress_json"),
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    hub: HubViews
    register: RecentRegister | None
    tables: PublicTables

    async def page(self, request: Request) -> Response:
        told, now = await self._told(), utc_now()
        words, today = texts(chosen_language(request)), now.date()
        return render(
            request,
            "progress.html",
            now=now,
            told=told,
            progress=told.progress,
            curves=growth(told.progress.moments, today, words.language),
            charts=[
                chart(name, cells, partial(words.term, name))
                for name, cells in told.progress.facets.items()
            ],
            done=activity(told.activity.months, today, words.language) if told.activity else (),
            covered=_drawn(told.covered, words),
            calls=[
                (one, one.until and datetime.combine(one.until, time(), UTC)) for one in told.calls
            ],
        )

    async def table(self, request: Request) -> Response:
        headers = {"Content-Disposition": 'attachment; filename="progress.csv"'}
        found = to_csv(await self._told())
        return Response(found, headers=headers, media_type="text/csv; charset=utf-8")

    async def as_json(self, request: Request) -> Response:
        return JSONResponse(to_json(await self._told()))

    async def _told(self) -> Told:
        found, incidence = self.hub.progress(), self.tables.incidence()
        return Told(
            progress=found,
            activity=await run_in_threadpool(self.register.activity) if self.register else None,
            incidence=incidence,
            covered=coverage(found, incidence),
            calls=open_calls(self.tables.calls(), utc_now().date()),
        )


def _drawn(covered: Sequence[Covered], words: Texts) -> Chart | None:
    """Patients per 100,000 new cases in the widest area."""
    cells = [Facet(one.cancer, one.per_100_000) for one in widest(covered)]
    return chart("coverage", cells, partial(words.term, "cancer")) if cells else None
