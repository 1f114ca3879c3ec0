"""The hub's web application: pages, REST, node links, static files, and the limits on all."""

import time
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tessera.domain.errors import NotSignedIn, TesseraError
from tessera.http import (
    access_api,
    accounts_api,
    api,
    applications,
    applications_api,
    basket,
    citation,
    cohorts,
    fair_data_point,
    fetch_api,
    form_page,
    learning_api,
    learning_page,
    link,
    model_page,
    nodes_page,
    pages,
    patients_page,
    permit_page,
    progress_page,
    register,
    run_page,
    sign_in_provider,
    statistics_api,
    statistics_page,
    tools_page,
)
from tessera.http import accounts as account_pages
from tessera.http.errors import problem
from tessera.http.identify import Identify
from tessera.http.limits import (
    SECURITY_HEADERS,
    BodyLimit,
    Buckets,
    Rate,
    RateLimit,
    SecurityHeaders,
)
from tessera.http.rendering import link as link_to
from tessera.http.rules import RuledRoute, unruled
from tessera.http.trainings import Trainings
from tessera.hub.access import Access
from tessera.hub.accounts import Accounts
from tessera.hub.cohorts import SavedCohorts
from tessera.hub.negotiating import Negotiating
from tessera.hub.register import PublicRegister, RecentRegister
from tessera.hub.standing import Standings
from tessera.hub.views import HubViews
from tessera.ports.public_tables import NoTables, PublicTables

ALL_REQUESTS: Final = Rate(burst=600, per_second=60)
SEARCHES: Final = Rate(burst=60, per_second=3)
"""A search asks every node; these are requests of one address."""
_FOR_PROGRAMS: Final = ("/api/", "/link/", "/catalogue.", "/fdp")

Handler = Callable[[Request, Exception], Awaitable[Response]]


def create_app(
    hub: HubViews,
    receive: link.Receive,
    *,
    searches: Rate = SEARCHES,
    accounts: Accounts | None = None,
    access: Access | None = None,
    negotiating: Negotiating | None = None,
    public: PublicRegister | None = None,
    trainings: Trainings | None = None,
    standings: Standings | None = None,
    saved: SavedCohorts | None = None,
    tables: PublicTables | None = None,
) -> Starlette:
    """Return the application over one hub; `receive` takes the messages of nodes.

    Without `accounts` nobody can sign in: the public pages alone.
    """
    static = str(resources.files("tessera.http").joinpath("static"))
    recent = RecentRegister(public) if public else None
    routes: list[BaseRoute] = [
        *link.routes(receive),
        *api.routes(hub),
        *form_page.routes(),
        *pages.routes(hub),
        *statistics_api.routes(hub),
        *statistics_page.routes(hub),
        *progress_page.routes(hub, recent, tables or NoTables()),
        *nodes_page.routes(hub, standings),
        *fair_data_point.routes(hub),
        *citation.routes(hub),
        *(_account_routes(accounts) if accounts else ()),
        *(_access_routes(access) if access else ()),
        *(_application_routes(hub, negotiating) if negotiating else ()),
        *((*register.routes(recent), *patients_page.routes(hub, recent)) if recent else ()),
        *(_training_routes(trainings) if trainings else ()),
        *(cohorts.routes(saved) if saved else ()),
        Mount("/static", StaticFiles(directory=static), name="static"),
    ]
    if bare := unruled(routes):
        raise ValueError(f"routes without a rule: {', '.join(bare)}")
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(
                RateLimit,
                all_requests=Buckets(ALL_REQUESTS, time.monotonic),
                searches=Buckets(searches, time.monotonic),
            ),
            Middleware(BodyLimit),
            *([Middleware(Identify, accounts=accounts)] if accounts else []),
        ],
        exception_handlers={TesseraError: _error, HTTPException: _error, Exception: _error},
    )
    app.state.n_work = negotiating.n_work if negotiating else None
    app.state.has_register = public is not None
    app.state.keeps_cohorts = saved is not None
    return app


async def _error(request: Request, exc: Exception) -> Response:
    """A program reads problem details, a person a page."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and not request.url.path.startswith(_FOR_PROGRAMS):
        if isinstance(exc, NotSignedIn):
            return _to_sign_in(request)
        return _closed(await pages.error_page(request, exc))
    return _closed(await problem(request, exc))


def _closed(response: Response) -> Response:
    """What is unforeseen is answered outside of all middleware: headers and all."""
    if response.status_code == 500:
        response.headers.update({**SECURITY_HEADERS, "Cache-Control": "no-store"})
    return response


def _account_routes(accounts: Accounts) -> list[RuledRoute]:
    return [
        *account_pages.routes(accounts),
        *sign_in_provider.routes(accounts),
        *accounts_api.routes(accounts),
    ]


def _access_routes(access: Access) -> list[RuledRoute]:
    parts = (access_api, fetch_api, permit_page, run_page, tools_page)
    return [route for part in parts for route in part.routes(access)]


def _application_routes(hub: HubViews, negotiating: Negotiating) -> list[RuledRoute]:
    return [
        *applications.routes(negotiating),
        *applications_api.routes(negotiating),
        *basket.routes(hub, negotiating),
    ]


def _training_routes(trainings: Trainings) -> list[RuledRoute]:
    parts = (learning_api, learning_page, model_page)
    return [route for part in parts for route in part.routes(trainings)]


def _to_sign_in(request: Request) -> Response:
    """After it a page goes on; a form's content is gone, so that it begins at the front."""
    wished = ""
    if request.method in ("GET", "HEAD"):
        query = f"?{request.url.query}" if request.url.query else ""
        wished = f"{request.url.path}{query}"
    address = link_to("sign-in", next=wished)
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
