"""QIDO-RS: search for studies, series and instances (PS3.18 10.6)."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.dicomweb.levels import Level
from tessera.domain.dicomweb.query import web_query
from tessera.http.dicomweb.bodies import metadata_choice, metadata_response
from tessera.http.dicomweb.service import DicomWeb, base_of, sight_of
from tessera.http.rules import PUBLIC, RuledRoute

_PATHS: dict[str, Level] = {
    "/studies": "studies",
    "/series": "series",
    "/instances": "instances",
    "/studies/{study}/series": "series",
    "/studies/{study}/instances": "instances",
    "/studies/{study}/series/{series}/instances": "instances",
}
_FUZZY = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
_MORE = "There are additional results that can be requested"


def routes(service: DicomWeb) -> list[RuledRoute]:
    """Return the routes of searches. The door before them has found who asks."""

    def searched(request: Request, level: Level) -> Response:
        sight = sight_of(request, service)
        chosen = metadata_choice(request)
        uids = request.path_params
        query = web_query(
            level,
            request.query_params.multi_items(),
            study_uid=uids.get("study", ""),
            series_uid=uids.get("series", ""),
        )
        base = base_of(request)
        found = service.index.search(query, sight, base)
        response = metadata_response(request, chosen, found.answers, {})
        if query.wants_fuzzy:
            response.headers.append("warning", f'299 {base}: "{_FUZZY}"')
        if found.has_more:
            response.headers.append("warning", f'299 {base}: "{_MORE}"')
        return response

    def ruled(path: str, level: Level) -> RuledRoute:
        async def search(request: Request) -> Response:
            return await asyncio.to_thread(searched, request, level)

        return RuledRoute(path, search, PUBLIC, name=f"search {path}")

    return [ruled(path, level) for path, level in _PATHS.items()]
