"""The pages of permits: what each allows, how it stands at the hospitals, how to use it."""

from dataclasses import dataclass
from datetime import datetime
from shlex import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from tessera.domain.access.people import Role
from tessera.domain.access.permit import AccessMode
from tessera.domain.errors import InvalidInput
from tessera.http.rendering import link, render
from tessera.http.rules import SIGNED_IN, RuledRoute, needs, signed_in
from tessera.http.tools_page import hub_address
from tessera.hub.access import Access
from tessera.hub.permits import is_of
from tessera.wire.runs import HeldPermit


def routes(access: Access) -> list[RuledRoute]:
    pages = _PermitPages(access)
    return [
        RuledRoute("/permits", pages.permits, SIGNED_IN),
        RuledRoute("/permits/{permit_id}", pages.permit, SIGNED_IN),
        RuledRoute("/permits/{permit_id}/token", pages.token, SIGNED_IN),
        RuledRoute(
            "/permits/{permit_id}/revoke", pages.revoke, needs(Role.COMMITTEE), methods=("POST",)
        ),
    ]


def force(held: HeldPermit, now: datetime) -> str:
    """Return the word for where the permit is in its life."""
    if held.revoked_at is not None:
        return "revoked"
    if now < held.permit.starts:
        return "waiting"
    return "in-force" if now < held.permit.ends else "ended"


@dataclass(frozen=True, slots=True)
class _PermitPages:
    access: Access

    async def permits(self, request: Request) -> Response:
        now = self.access.clock.now()
        mine = self.access.permits.for_person(signed_in(request).person_id)
        return render(
            request, "permits.html", now=now, permits=mine, force=lambda held: force(held, now)
        )

    async def permit(self, request: Request) -> Response:
        return self._page(request, self._held(request))

    async def token(self, request: Request) -> Response:
        """The signed permit, for whoever wants to check it elsewhere."""
        held = self._held(request)
        name = f"permit-{held.permit.permit_id}.jwt"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return PlainTextResponse(held.token, headers=headers, media_type="application/jose")

    async def revoke(self, request: Request) -> Response:
        held = self._held(request)
        reason = (await request.form()).get("reason", "")
        try:
            self.access.permits.revoke(
                held.permit.permit_id, str(reason), "committee", signed_in(request).person_id
            )
        except InvalidInput:
            return self._page(request, held, 400, trouble="reason")
        return RedirectResponse(link("permits", held.permit.permit_id), 303)

    def _held(self, request: Request) -> HeldPermit:
        return self.access.permits.shown(signed_in(request), request.path_params["permit_id"])

    def _page(
        self, request: Request, held: HeldPermit, status: int = 200, *, trouble: str = ""
    ) -> Response:
        now, person = self.access.clock.now(), signed_in(request)
        permit_id = held.permit.permit_id
        mine = is_of(person, held)
        return render(
            request,
            "permit.html",
            now=now,
            status=status,
            held=held,
            force=lambda held: force(held, now),
            names={name: self.access.node_name(name) for name in held.permit.nodes()},
            tool_names={tool.digest: tool.name for tool in held.permit.tools},
            runs=self.access.runs.of_person(person, permit_id) if mine else None,
            commands=commands(held, hub_address(request)),
            may_revoke=person.has(Role.COMMITTEE) and held.revoked_at is None,
            trouble=trouble,
        )


def commands(held: HeldPermit, hub: str) -> list[tuple[str, str]]:
    """Return what to type, each with the name of its explanation."""
    permit, at = held.permit, f"--permit {held.permit.permit_id} --hub {quote(hub)}"
    tool = quote(permit.tools[0].name) if permit.tools else ""
    found = [("login", f"tessera login {quote(hub)}")]
    if AccessMode.RUN in permit.modes:
        found += [("run", f"tessera run {tool} {at} --wait --out results")]
    if AccessMode.DOWNLOAD in permit.modes:
        found += [("fetch", f"tessera fetch {permit.permit_id} --hub {quote(hub)} --out data")]
    if permit.modes - {AccessMode.DOWNLOAD}:
        found += [("results", f"tessera results {at} --out results")]
    return found
