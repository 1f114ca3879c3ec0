"""The hub's web application: pages, REST, node links, static files, and the limits on all."""

import time
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tessera.domain.errors import TesseraError
from tessera.http import api, link, pages
from tessera.http.errors import problem
from tessera.http.limits import BodyLimit, Buckets, Rate, RateLimit, SecurityHeaders
from tessera.http.rules import unruled
from tessera.hub.views import HubViews

ALL_REQUESTS: Final = Rate(burst=600, per_second=60)
SEARCHES: Final = Rate(burst=60, per_second=3)
"""A search asks every node; these are requests of one address."""
_FOR_PROGRAMS: Final = ("/api/", "/link/", "/catalogue.")

Handler = Callable[[Request, Exception], Awaitable[Response]]


def create_app(hub: HubViews, receive: link.Receive, *, searches: Rate = SEARCHES) -> Starlette:
    """Return the application over one hub; `receive` takes the messages of nodes."""
    static = str(resources.files("tessera.http").joinpath("static"))
    routes: list[BaseRoute] = [
        *link.routes(receive),
        *api.routes(hub),
        *pages.routes(hub),
        Mount("/static", StaticFiles(directory=static), name="static"),
    ]
    if bare := unruled(routes):
        raise ValueError(f"routes without a rule: {', '.join(bare)}")
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(
                RateLimit,
                all_requests=Buckets(ALL_REQUESTS, time.monotonic),
                searches=Buckets(searches, time.monotonic),
            ),
            Middleware(BodyLimit),
        ],
        exception_handlers={TesseraError: _error, HTTPException: _error, Exception: _error},
    )


async def _error(request: Request, exc: Exception) -> Response:
    """A program reads problem details, a person a page."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and not request.url.path.startswith(_FOR_PROGRAMS):
        return await pages.error_page(request, exc)
    return await problem(request, exc)
