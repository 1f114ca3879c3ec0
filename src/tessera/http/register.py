"""The public register: pages, REST, CSV and a feed. Everybody may read it, nobody signs in."""

import csv
from dataclasses import dataclass
from io import StringIO
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.access.register import RegisterFilter, Standing
from tessera.domain.errors import NotFound
from tessera.http.language import chosen_language, texts
from tessera.http.rendering import environment, page_words, render
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.hub.register import PublicRegister, RecentRegister
from tessera.wire.register import COLUMNS, entry_to_json, entry_to_row, register_to_json

_LONGEST: Final = 200
"""Characters of a filter."""
PAGE: Final = 50
"""Permits on one page."""


def routes(register: RecentRegister) -> list[RuledRoute]:
    pages = _Register(register.public, register)
    return [
        RuledRoute("/register", pages.register, PUBLIC),
        RuledRoute("/register.csv", pages.csv, PUBLIC, name="register_csv"),
        RuledRoute("/register.atom", pages.atom, PUBLIC, name="register_atom"),
        RuledRoute("/register/{permit_id}", pages.entry, PUBLIC, name="register_entry"),
        RuledRoute("/api/v1/register", pages.json, PUBLIC, name="register_json"),
        RuledRoute("/api/v1/register/{permit_id}", pages.entry_json, PUBLIC),
    ]


@dataclass(frozen=True, slots=True)
class _Register:
    permits: PublicRegister
    recent: RecentRegister

    async def register(self, request: Request) -> Response:
        wanted = _wanted(request)
        shown = await run_in_threadpool(self.recent.shown, wanted)
        text = request.query_params.get("page", "")
        n_pages = max(1, -(-len(shown.entries) // PAGE))
        page = min(n_pages, max(1, int(text))) if text.isascii() and text[:9].isdigit() else 1
        hospitals = self.permits.hospitals()
        return render(
            request,
            "register.html",
            now=self.permits.clock.now(),
            entries=shown.entries[(page - 1) * PAGE : page * PAGE],
            n_found=len(shown.entries),
            page=page,
            n_pages=n_pages,
            numbers=shown.statistics,
            wanted=wanted,
            chosen=_parameters(wanted),
            hospitals=hospitals,
            hospital_name=dict(hospitals).get(wanted.hospital, wanted.hospital),
            standings=list(Standing),
        )

    async def entry(self, request: Request) -> Response:
        now = self.permits.clock.now()
        try:
            entry = await run_in_threadpool(self.permits.entry, request.path_params["permit_id"])
        except NotFound:
            return render(request, "error.html", now=now, status=404, code=404)
        head = await run_in_threadpool(self.permits.head)
        return render(request, "register_entry.html", now=now, entry=entry, head=head)

    async def json(self, request: Request) -> Response:
        shown = await run_in_threadpool(self.recent.shown, _wanted(request))
        return JSONResponse(register_to_json(shown))

    async def entry_json(self, request: Request) -> Response:
        entry = await run_in_threadpool(self.permits.entry, request.path_params["permit_id"])
        head = await run_in_threadpool(self.permits.head)
        log = {"log": head.log_id, "size": head.size, "root": head.root.hex()} if head else None
        return JSONResponse({**entry_to_json(entry), "audit_head": log})

    async def csv(self, request: Request) -> Response:
        """UTF-8 with a byte order mark: spreadsheets read it as it is."""
        shown = await run_in_threadpool(self.recent.shown, _wanted(request))
        out = StringIO()
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        rows.writerows(entry_to_row(entry) for entry in shown.entries)
        headers = {"Content-Disposition": 'attachment; filename="register.csv"'}
        return Response(out.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=headers)

    async def atom(self, request: Request) -> Response:
        shown = await run_in_threadpool(self.recent.shown, _wanted(request))
        words = texts(chosen_language(request))
        now = self.permits.clock.now()
        body = (
            environment()
            .get_template("register.atom.xml")
            .render(
                **page_words(words, now),
                entries=shown.entries[:PAGE],
                hub=str(request.base_url).rstrip("/"),
                updated=max((step.at for e in shown.entries for step in e.story), default=now),
            )
        )
        return Response(body, media_type="application/atom+xml")


def _wanted(request: Request) -> RegisterFilter:
    """A value that nobody offers finds nothing, and is no error."""
    given = {name: text[:_LONGEST].strip() for name, text in request.query_params.items()}
    return RegisterFilter(
        hospital=given.get("hospital", ""),
        status=given.get("status", ""),
        text=given.get("q", ""),
    )


def _parameters(wanted: RegisterFilter) -> dict[str, str]:
    return {"hospital": wanted.hospital, "status": wanted.status, "q": wanted.text}
