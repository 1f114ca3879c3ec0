"""The page for patients: what happens with their images, who used what, how to say no."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.access.register import Register
from tessera.domain.catalogue.description import Agent
from tessera.http.rendering import render
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.hub.register import RecentRegister
from tessera.hub.views import HubViews

SECTIONS = ("what", "who", "leaves", "looks", "used", "no", "after")
"""Of the page, in order."""
MADE_UP = ("name", "number", "born", "examined", "doctor", "diagnosis", "image")
"""Rows of the example of a de-identified record; nobody's."""


@dataclass(frozen=True, slots=True)
class Whom:
    """One hospital, whom to ask there, and how many permits name its data."""

    node_id: str
    name: str
    country: str
    contacts: tuple[Agent, ...]
    """As its datasets name them, each once."""
    n_permits: int


def routes(hub: HubViews, register: RecentRegister) -> list[RuledRoute]:
    async def patients(request: Request) -> Response:
        shown = await run_in_threadpool(register.shown)
        return render(
            request,
            "patients.html",
            now=register.public.clock.now(),
            hospitals=_hospitals(hub, shown),
            numbers=shown.statistics,
            sections=SECTIONS,
            made_up=MADE_UP,
        )

    return [RuledRoute("/patients", patients, PUBLIC)]


def _hospitals(hub: HubViews, shown: Register) -> Sequence[Whom]:
    entries = hub.catalogue()
    return [
        Whom(
            node_id=node.node_id,
            name=node.name,
            country=node.country,
            contacts=tuple(
                dict.fromkeys(
                    entry.description.contact
                    for entry in entries
                    if entry.node.node_id == node.node_id
                )
            ),
            n_permits=sum(one.hospital(node.node_id) is not None for one in shown.entries),
        )
        for node in hub.nodes()
    ]
