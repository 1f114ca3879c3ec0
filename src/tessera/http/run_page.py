"""The page of one run: where it stands, and what has been released of it."""

from dataclasses import dataclass
from shlex import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.http.access_api import file_response
from tessera.http.rendering import link, render
from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.http.tools_page import hub_address
from tessera.hub.access import Access


def routes(access: Access) -> list[RuledRoute]:
    pages = _RunPages(access)
    return [
        RuledRoute("/runs/{use_id}", pages.run, SIGNED_IN),
        RuledRoute("/runs/{use_id}/stop", pages.stop, SIGNED_IN, methods=("POST",)),
        RuledRoute("/runs/{use_id}/files/{name}", pages.file, SIGNED_IN),
    ]


@dataclass(frozen=True, slots=True)
class _RunPages:
    access: Access

    async def run(self, request: Request) -> Response:
        run = self.access.runs.shown(signed_in(request), request.path_params["use_id"])
        held = self.access.permits.find(run.permit_id)
        tool = held.permit.tool(run.tool)
        hub = quote(hub_address(request))
        return render(
            request,
            "run.html",
            now=self.access.clock.now(),
            run=run,
            held=held,
            node_name=self.access.node_name(run.node_id),
            tool_name=tool.name if tool else run.tool,
            command=f"tessera results {run.use_id} --hub {hub} --out results",
        )

    async def stop(self, request: Request) -> Response:
        run = self.access.runs.stop(signed_in(request), request.path_params["use_id"])
        return RedirectResponse(link("runs", run.use_id), 303)

    async def file(self, request: Request) -> Response:
        use_id, name = request.path_params["use_id"], request.path_params["name"]
        return file_response(*self.access.runs.file(signed_in(request), use_id, name))
