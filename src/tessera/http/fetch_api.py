"""REST for downloads: a signed question in, a node's sealed answer out. No rules here."""

from starlette.requests import Request
from starlette.responses import Response

from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.hub.access import Access
from tessera.wire import fields


def routes(access: Access) -> list[RuledRoute]:
    """Bind the use case."""

    async def fetch(request: Request) -> Response:
        token = fields.text(fields.decode(await request.body()), "token")
        sealed = await access.relay.fetch(signed_in(request).person_id, token)
        headers = {"Cache-Control": "no-store"}
        return Response(sealed, media_type="application/octet-stream", headers=headers)

    return [RuledRoute("/api/v1/fetch", fetch, SIGNED_IN, methods=("POST",))]
