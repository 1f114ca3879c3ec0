"""Datasets on their way into an application: from a dataset's page or from the answers to a search.

What is chosen is kept in the draft of the person, so somebody who is not signed in carries it
in the address through the sign-in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.access.application import MAX_DATASETS
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.http.pages import Clock, utc_now
from tessera.http.rendering import link, render
from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.hub.negotiating import Negotiating
from tessera.hub.views import HubViews

Chosen = tuple[NodeId, DatasetId, int | None]


def routes(hub: HubViews, negotiating: Negotiating, *, now: Clock = utc_now) -> list[RuledRoute]:
    """Return the routes of the basket."""
    pages = _Basket(hub, negotiating, now)
    return [
        RuledRoute("/basket", pages.shown, SIGNED_IN),
        RuledRoute("/basket", pages.add, SIGNED_IN, methods=("POST",)),
    ]


@dataclass(frozen=True, slots=True)
class _Basket:
    hub: HubViews
    negotiating: Negotiating
    now: Clock

    async def shown(self, request: Request) -> Response:
        """Show what is chosen, with the button that puts it into the draft."""
        person = signed_in(request)
        chosen, search_id = _chosen(request.query_params)
        return render(
            request,
            "basket.html",
            now=self.now(),
            entries=self._entries(chosen),
            search_id=search_id,
            draft=self.negotiating.open_draft(person),
        )

    async def add(self, request: Request) -> Response:
        person = signed_in(request)
        chosen, search_id = _chosen(await request.form())
        if not chosen:
            return RedirectResponse("/catalogue", 303)
        state = await run_in_threadpool(self.negotiating.add_to_draft, person, chosen, search_id)
        return RedirectResponse(f"{link('applications', state.application_id)}#datasets", 303)

    def _entries(self, chosen: Sequence[Chosen]) -> list[CatalogueEntry]:
        found = []
        for one in chosen:
            try:
                found.append(self.hub.entry(*one))
            except NotFound:
                continue
        return found


def _chosen(given: QueryParams | FormData) -> tuple[list[Chosen], str]:
    """Read `dataset=node/dataset/version`, once for each; what cannot be read is left out."""
    found: list[Chosen] = []
    for text in given.getlist("dataset")[:MAX_DATASETS]:
        parts = text.split("/") if isinstance(text, str) else []
        if len(parts) not in (2, 3):
            continue
        number = parts[2] if len(parts) == 3 else ""
        is_number = number.isascii() and number.isdecimal() and len(number) < 10
        try:
            found.append(
                (node_id(parts[0]), dataset_id(parts[1]), int(number) if is_number else None)
            )
        except InvalidInput:
            continue
    search = given.get("search", "")
    return found, search if isinstance(search, str) else ""
