"""REST routes of federated statistics: a search whose answers are computed with."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.cohort.result import SearchResult
from tessera.domain.statistics.statistic import statistic
from tessera.http.api import DEFAULT_WAIT_S, seconds
from tessera.http.rules import PUBLIC, RuledRoute, person_id_of
from tessera.hub.computing import result_of
from tessera.hub.views import HubViews
from tessera.wire import fields
from tessera.wire.search import search_to_json
from tessera.wire.statistics import computed_to_csv, computed_to_json

_NOT_KEPT = {"Cache-Control": "no-store"}


def routes(hub: HubViews) -> list[RuledRoute]:
    api = _Api(hub)
    return [
        RuledRoute("/api/v1/statistics", api.start, PUBLIC, methods=("POST",)),
        RuledRoute("/api/v1/statistics/{search_id}.csv", api.table, PUBLIC),
        RuledRoute("/api/v1/statistics/{search_id}", api.found, PUBLIC),
    ]


class _Api:
    def __init__(self, hub: HubViews) -> None:
        self._hub = hub

    async def start(self, request: Request) -> Response:
        """Ask every node; reply when all have answered, or after `wait_s` seconds."""
        body = fields.decode(await request.body())
        asked = statistic(
            fields.text(body, "kind"),
            fields.texts(body, "by") if "by" in body else (),
            steps=fields.text(body, "steps", ""),
            outcome=fields.text(body, "outcome", ""),
        )
        wait_s = seconds(body.get("wait_s", DEFAULT_WAIT_S))
        search_id = await self._hub.ask(
            fields.text(body, "query"), wait_s, person_id=person_id_of(request), statistic=asked
        )
        found = await self._hub.wait_search(search_id, wait_s)
        headers = {"Location": f"/api/v1/statistics/{found.search_id}"} | _NOT_KEPT
        return JSONResponse(await run_in_threadpool(_body, found), 201, headers)

    async def found(self, request: Request) -> Response:
        """Compute with the answers so far; `?wait_s=` waits for the rest."""
        wait_s = seconds(request.query_params.get("wait_s", "0"))
        found = await self._hub.wait_search(request.path_params["search_id"], wait_s)
        return JSONResponse(await run_in_threadpool(_body, found), headers=_NOT_KEPT)

    async def table(self, request: Request) -> Response:
        search_id = request.path_params["search_id"]
        result = await run_in_threadpool(result_of, self._hub.search(search_id))
        name = f"{result.statistic.kind}-{search_id}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'} | _NOT_KEPT
        return Response(
            computed_to_csv(result.computed),
            headers=headers,
            media_type="text/csv; charset=utf-8; header=present",
        )


def _body(search: SearchResult) -> dict[str, object]:
    result = result_of(search)
    return {
        "statistic": result.statistic.to_json(),
        "n_subjects": result.n_subjects,
        "datasets": [f"{row.node_id}/{row.dataset_id}" for row in result.datasets],
        "left_out": [
            {"dataset": f"{row.node_id}/{row.dataset_id}", "why": why.value}
            for row, why in result.left_out
        ],
        "result": computed_to_json(result.computed),
        "search": search_to_json(search),
    }
