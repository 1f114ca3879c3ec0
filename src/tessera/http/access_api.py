"""REST for permits, tools and runs: parse, call one use case, render. No rules here."""

import asyncio
import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tessera.domain.access.people import Role
from tessera.domain.access.tool import ToolBundle
from tessera.http.api import MAX_WAIT_S
from tessera.http.rules import SIGNED_IN, RuledRoute, needs, signed_in
from tessera.hub.access import Access
from tessera.hub.bell import Bell
from tessera.hub.runs import runs_key
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage
from tessera.wire.runs import RunFile

_UNCACHED: Final = {"Cache-Control": "no-store"}
_CONTAINED: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""A released file is somebody else's content: a browser saves it and shows nothing of it."""


def routes(access: Access) -> list[RuledRoute]:
    """Bind the use cases."""
    api = _AccessApi(access)
    return [
        RuledRoute("/api/v1/tools", api.tools, SIGNED_IN),
        RuledRoute("/api/v1/tools", api.add_tool, needs(Role.RESEARCHER), methods=("POST",)),
        RuledRoute("/api/v1/tools/{digest}", api.tool, SIGNED_IN),
        RuledRoute("/api/v1/permits", api.permits, SIGNED_IN),
        RuledRoute("/api/v1/permits/{permit_id}", api.permit, SIGNED_IN),
        RuledRoute(
            "/api/v1/permits/{permit_id}/revoke",
            api.revoke,
            needs(Role.COMMITTEE),
            methods=("POST",),
        ),
        RuledRoute("/api/v1/uses", api.use, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/runs", api.runs, SIGNED_IN),
        RuledRoute("/api/v1/runs/{use_id}", api.run, SIGNED_IN),
        RuledRoute("/api/v1/runs/{use_id}/stop", api.stop, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/runs/{use_id}/files/{name}", api.file, SIGNED_IN),
    ]


class _AccessApi:
    def __init__(self, access: Access) -> None:
        self._access = access

    async def tools(self, request: Request) -> Response:
        return _json({"tools": [tool.to_json() for tool in self._access.tools.all()]})

    async def add_tool(self, request: Request) -> Response:
        """Body: `files`, each path with its content in base64."""
        body = fields.decode(await request.body())
        bundle = ToolBundle.from_json(fields.child(body, "files"))
        tool = self._access.tools.add(signed_in(request), bundle)
        return _json(tool.to_json(), 201, {"Location": f"/api/v1/tools/{tool.digest}"})

    async def tool(self, request: Request) -> Response:
        """One tool with the content of its files in base64."""
        digest = request.path_params["digest"]
        listed, bundle = self._access.tools.listed(digest), self._access.tools.find(digest)
        return _json({**listed.to_json(), "files": bundle.to_json()})

    async def permits(self, request: Request) -> Response:
        held = self._access.permits.for_person(signed_in(request).person_id)
        return _json({"permits": [one.to_json() for one in held]})

    async def permit(self, request: Request) -> Response:
        permit_id = request.path_params["permit_id"]
        return _json(self._access.permits.shown(signed_in(request), permit_id).to_json())

    async def revoke(self, request: Request) -> Response:
        """Body: `reason`, which the nodes and the persons of the permit read."""
        person = signed_in(request)
        held = self._access.permits.shown(person, request.path_params["permit_id"])
        reason = fields.text(fields.decode(await request.body()), "reason")
        self._access.permits.revoke(held.permit.permit_id, reason, "committee", person.person_id)
        return _json(self._access.permits.find(held.permit.permit_id).to_json())

    async def use(self, request: Request) -> Response:
        """Body: `token`, signed with the person's key; `inputs`, name → base64."""
        body = fields.decode(await request.body())
        raw = fields.as_object(body.get("inputs", {}), "inputs")
        inputs = {name: _bytes(raw, name) for name in raw}
        run = self._access.runs.start(signed_in(request), fields.text(body, "token"), inputs)
        return _json(run.to_json(), 201, {"Location": f"/api/v1/runs/{run.use_id}"})

    async def runs(self, request: Request) -> Response:
        """All runs under the person's permits; `?permit=` only those under one of them."""
        person, permit_id = signed_in(request), request.query_params.get("permit", "")

        def found() -> Json:
            runs = self._access.runs.of_person(person, permit_id)
            return {"runs": [run.to_json() for run in runs]}

        return await self._when_changed(request, found)

    async def run(self, request: Request) -> Response:
        person, use_id = signed_in(request), request.path_params["use_id"]
        return await self._when_changed(
            request, lambda: self._access.runs.shown(person, use_id).to_json()
        )

    async def stop(self, request: Request) -> Response:
        """Ask the node to stop; the answer is how the run stands now."""
        use_id = request.path_params["use_id"]
        return _json(self._access.runs.stop(signed_in(request), use_id).to_json())

    async def file(self, request: Request) -> Response:
        """One released file, as an attachment; `?offset=` leaves out its first bytes."""
        use_id, name = request.path_params["use_id"], request.path_params["name"]
        found, parts = self._access.runs.file(signed_in(request), use_id, name)
        offset = request.query_params.get("offset", "0")
        if not (offset.isascii() and offset.isdecimal() and len(offset) < 13):
            raise BadMessage("offset", "a number of bytes")
        return file_response(found, parts, int(offset))

    async def _when_changed(self, request: Request, found: Callable[[], Json]) -> Response:
        return await when_changed(request, self._access.bell, found)


async def when_changed(request: Request, bell: Bell, found: Callable[[], Json]) -> Response:
    """Answer at once, or with `?wait_s=` when it differs from what has the tag `?unlike=`."""
    unlike, wait_s = request.query_params.get("unlike", ""), _seconds(request)
    key = runs_key(signed_in(request).person_id)
    now_s = asyncio.get_running_loop().time
    until = now_s() + wait_s
    while True:
        body = found()
        tag = hashlib.sha256(fields.encode(body)).hexdigest()[:32]
        left_s = until - now_s()
        if tag != unlike or left_s <= 0 or bell.is_stopped:
            return _json({**body, "tag": tag})
        await bell.wait(key, left_s)


def file_response(found: RunFile, parts: Iterator[bytes], offset: int = 0) -> Response:
    """Return a released file so that a browser saves it and runs nothing of it."""

    async def content() -> AsyncIterator[bytes]:
        left_out = min(offset, found.n_bytes)
        while (part := await run_in_threadpool(next, parts, None)) is not None:
            yield part[left_out:]
            left_out = max(0, left_out - len(part))

    headers = {
        **_CONTAINED,
        "Content-Disposition": f'attachment; filename="{found.name}"',
        "Content-Length": str(max(0, found.n_bytes - offset)),
        "Digest": f"sha-256={found.sha256}",
    }
    return StreamingResponse(content(), media_type="application/octet-stream", headers=headers)


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(dict(body), status, {**_UNCACHED, **(headers or {})})


def _bytes(raw: Json, name: str) -> bytes:
    try:
        return b64decode(fields.text(raw, name), validate=True)
    except (Base64Error, ValueError) as err:
        raise BadMessage(f"inputs.{name[:80]}", "base64") from err


def _seconds(request: Request) -> float:
    text = request.query_params.get("wait_s", "0")
    if not (text.replace(".", "", 1).isdecimal() and text.isascii() and len(text) < 10):
        raise BadMessage("wait_s", f"a number of seconds from 0 to {MAX_WAIT_S:.0f}")
    return min(float(text), MAX_WAIT_S)
