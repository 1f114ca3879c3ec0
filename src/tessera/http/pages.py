"""The hub's web pages. Reads the hub through `HubViews`; holds no rule of its own."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.catalogue.citation import cited, plain
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.cohort.result import SearchResult
from tessera.domain.errors import InvalidInput, InvalidQuery, NotFound
from tessera.http import citation, dataset_page, search_page
from tessera.http.accept import preferred
from tessera.http.catalogue_filter import (
    CHOICES,
    HERE,
    PAGE,
    SORTS,
    CatalogueFilter,
)
from tessera.http.catalogue_index import CatalogueFinder
from tessera.http.errors import status_of
from tessera.http.fair_data_point import record, tombstone
from tessera.http.growth import growth
from tessera.http.language import chosen_language, texts
from tessera.http.rdf_forms import RDF, wished
from tessera.http.rendering import render
from tessera.http.rules import PUBLIC, RuledRoute, person_id_of
from tessera.hub.views import HubViews
from tessera.wire.text import one_line

_log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
FIRST_WAIT_S = 0.3
"""How long the search page waits for quick nodes before it shows itself."""
POLL_WAIT_S = 1.5
"""How long the fragment waits for news before it answers with what there is."""
NEWEST = 3
"""How many datasets the home page shows."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def routes(hub: HubViews, *, now: Clock = utc_now) -> list[RuledRoute]:
    """Return the routes of every page. `now` is what "two hours ago" is counted from."""
    pages = _Pages(hub, now, CatalogueFinder())
    return [
        RuledRoute("/", pages.home, PUBLIC),
        RuledRoute("/catalogue", pages.catalogue, PUBLIC),
        RuledRoute("/datasets/{node_id}/{dataset_id}", pages.dataset, PUBLIC),
        RuledRoute("/harvested/{key}", pages.elsewhere, PUBLIC),
        RuledRoute("/search", pages.search, PUBLIC),
        RuledRoute("/search/{search_id}", pages.asked, PUBLIC),
        RuledRoute("/search/{search_id}/fragment", pages.fragment, PUBLIC),
        RuledRoute("/about", pages.about, PUBLIC),
    ]


async def error_page(request: Request, exc: Exception) -> Response:
    """Say what went wrong in the reader's language; for Starlette's `exception_handlers`."""
    code = exc.status_code if isinstance(exc, HTTPException) else status_of(type(exc))
    if code >= 500:
        path = one_line(request.scope["path"])
        _log.error("%s %s: %s", request.method, path, one_line(str(exc)), exc_info=exc)
    return render(request, "error.html", now=utc_now(), status=code, code=code)


def _page_number(request: Request, n_found: int) -> int:
    text = request.query_params.get("page", "")
    wished = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 1
    return min(max(wished, 1), max(1, -(-n_found // PAGE)))


@dataclass(frozen=True, slots=True)
class _Pages:
    hub: HubViews
    now: Clock
    finder: CatalogueFinder

    async def home(self, request: Request) -> Response:
        return render(
            request,
            "home.html",
            now=self.now(),
            summary=self.hub.summary(),
            newest=self.hub.catalogue()[:NEWEST],
            curves=growth(self.hub.progress().moments, self.now().date(), chosen_language(request)),
            examples=search_page.EXAMPLES,
        )

    async def about(self, request: Request) -> Response:
        return render(request, "about.html", now=self.now(), nodes=self.hub.nodes())

    async def catalogue(self, request: Request) -> Response:
        """The page, or for who asks for RDF the catalogue's record."""
        if media := wished(request):
            return await record(self.hub, "catalogue", media)
        wanted = CatalogueFilter.from_query(request.query_params)
        words = texts(chosen_language(request))
        entries, harvested = self.hub.catalogue(), self.hub.harvested
        sources = {source.source_id: source.name for source in harvested.sources()}
        elsewhere = [e for e in harvested.entries() if e.withdrawn_at is None]
        index = await run_in_threadpool(self.finder.index, entries, elsewhere)
        names = {str(entry.node.node_id): entry.node.name for entry in entries}
        origins = sources | {HERE: words("catalogue.here")}

        def label(name: str, value: str) -> str:
            told = {"node": names, "origin": origins}.get(name)
            return words.term(name, value) if told is None else told.get(value, value)

        found = index.find(wanted, words)
        offered = [name for name in CHOICES if name != "origin" or sources]
        n_found = len(found.places)
        at = _page_number(request, n_found)
        shown = [
            (entries[i], None) if i < len(entries) else (None, elsewhere[i - len(entries)])
            for i in found.places[(at - 1) * PAGE : at * PAGE]
        ]
        return render(
            request,
            "catalogue.html",
            now=self.now(),
            found=shown,
            n_found=n_found,
            n_all=len(entries) + len(elsewhere),
            at=at,
            n_pages=-(-n_found // PAGE),
            sources=sources,
            wanted=wanted,
            choices={
                name: sorted(found.choices[name], key=lambda c: label(name, c[0]).casefold())
                for name in offered
            },
            label=label,
            sorts=SORTS,
        )

    async def dataset(self, request: Request) -> Response:
        """The page, or for who asks for it the dataset's record as RDF, or its citation."""
        media = preferred(request.headers.get("accept", ""), ("text/html", *RDF, *citation.CITED))
        try:
            if media in citation.CITED:
                return citation.negotiated(self.hub, request, media)
            names = request.path_params
            version = citation.asked_version(request)
            entry = self.hub.entry(names["node_id"], names["dataset_id"], version)
        except Withdrawn as gone:
            return await self._withdrawn(request, gone, media)
        except (NotFound, InvalidInput):
            if media != "text/html":
                raise
            return self._missing(request)
        if media in RDF:
            return await record(self.hub, "dataset", media, entry)
        words = texts(chosen_language(request))
        page = dataset_page.view(entry, words, self.hub.address)
        response = render(
            request,
            "dataset.html",
            now=self.now(),
            entry=entry,
            is_confirmed=entry.is_confirmed(self.now()),
            page=page,
            plain=plain,
        )
        response.headers["Link"] = f'<{page.citations[0].address}>; rel="cite-as"'  # RFC 8574
        return response

    async def _withdrawn(self, request: Request, gone: Withdrawn, media: str) -> Response:
        if media in RDF:
            return await tombstone(self.hub, gone, media)
        language, notice = chosen_language(request), gone.notice
        successor = None
        if notice.successor:
            with suppress(NotFound):
                successor = self.hub.entry(gone.node_id, notice.successor)
        return render(
            request,
            "withdrawn.html",
            now=self.now(),
            status=410,
            gone=gone,
            successor=successor,
            schema_org=dataset_page.schema_org_withdrawn(gone, language, self.hub.address),
            citation=cited(gone.entry, self.hub.address, is_version=False, notice=notice),
            plain=plain,
        )

    async def elsewhere(self, request: Request) -> Response:
        """A dataset of another catalogue: what is known of it, and the way there."""
        try:
            entry, source = self.hub.harvested.entry(request.path_params["key"])
        except NotFound:
            return self._missing(request)
        return render(request, "harvested.html", now=self.now(), entry=entry, source=source)

    async def search(self, request: Request) -> Response:
        """The form; with `?q=` also the question, asked anew at each visit."""
        text = request.query_params.get("q", "").strip()
        about = request.query_params.get("dataset", "")
        if not text:
            return self._search_page(request, about=about)
        try:
            search_id = await self.hub.ask(text, person_id=person_id_of(request))
        except InvalidQuery as error:
            words = texts(chosen_language(request))
            trouble = search_page.Trouble.of(error, text, words)
            return self._search_page(request, 400, text=text, about=about, trouble=trouble)
        result = await self.hub.wait_search(search_id, FIRST_WAIT_S)
        view = self._view(request, result)
        return self._search_page(request, text=text, about=about, view=view)

    async def asked(self, request: Request) -> Response:
        """The answers to a question that was asked before; its address can be kept."""
        about = request.query_params.get("dataset", "")
        try:
            result = self.hub.search(request.path_params["search_id"])
        except (NotFound, InvalidInput):
            return self._missing(request)
        view = self._view(request, result)
        return self._search_page(request, text=result.query, about=about, view=view)

    async def fragment(self, request: Request) -> Response:
        """The result alone, for the page to put in place of the one before."""
        try:
            result = await self.hub.wait_search(request.path_params["search_id"], POLL_WAIT_S)
        except (NotFound, InvalidInput):
            return self._missing(request)
        view = self._view(request, result)
        response = render(request, "search_result.html", now=self.now(), view=view)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _search_page(
        self,
        request: Request,
        status: int = 200,
        *,
        text: str = "",
        about: str = "",
        view: search_page.View | None = None,
        trouble: search_page.Trouble | None = None,
    ) -> Response:
        chosen = self._chosen_dataset(about)
        response = render(
            request,
            "search.html",
            now=self.now(),
            status=status,
            text=text,
            about=about if chosen else "",
            chosen=chosen,
            view=view,
            trouble=trouble,
            examples=search_page.EXAMPLES,
            fields=search_page.field_help(texts(chosen_language(request))),
        )
        if view:
            response.headers["Cache-Control"] = "no-store"
        return response

    def _view(self, request: Request, result: SearchResult) -> search_page.View:
        return search_page.view(
            result,
            texts(chosen_language(request)),
            about=request.query_params.get("dataset", ""),
            online=frozenset(node.node_id for node in self.hub.nodes() if node.online),
            entries=self.hub.catalogue(),
        )

    def _chosen_dataset(self, about: str) -> CatalogueEntry | None:
        """Return the dataset that the reader came from, named `node/dataset`; None if unknown."""
        node_id, _, dataset_id = about.partition("/")
        try:
            return self.hub.entry(node_id, dataset_id) if dataset_id else None
        except (NotFound, InvalidInput):
            return None

    def _missing(self, request: Request) -> Response:
        return render(request, "error.html", now=self.now(), status=404, code=404)
