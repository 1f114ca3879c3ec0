"""REST for applications: parse, call one use case, render. No rules here."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.access.application_state import AccessApplication
from tessera.domain.access.people import Person
from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.hub.negotiating import Negotiating
from tessera.wire import fields
from tessera.wire.applications import application_to_json, wish_from_json, written_from_json

_UNCACHED = {"Cache-Control": "no-store"}


def routes(negotiating: Negotiating) -> list[RuledRoute]:
    """Bind the use cases."""
    api = _Api(negotiating)
    one = "/api/v1/applications/{application_id}"
    return [
        RuledRoute("/api/v1/applications", api.applications, SIGNED_IN),
        RuledRoute("/api/v1/applications", api.draft, SIGNED_IN, methods=("POST",)),
        RuledRoute(one, api.application, SIGNED_IN),
        RuledRoute(f"{one}/commands", api.command, SIGNED_IN, methods=("POST",)),
    ]


class _Api:
    def __init__(self, negotiating: Negotiating) -> None:
        self._negotiating = negotiating

    async def applications(self, request: Request) -> Response:
        """All that the person may see, last changed first; without their events."""
        person = signed_in(request)
        found = [self._json(person, state) for state in self._negotiating.visible(person)]
        return JSONResponse({"applications": found}, headers=_UNCACHED)

    async def draft(self, request: Request) -> Response:
        """Body: what is written, and `application_id` and `command_id` to be safe to repeat."""
        person = signed_in(request)
        body = dict(fields.decode(await request.body()))
        application_id = fields.text(body, "application_id", "")
        command_id = fields.text(body, "command_id", "")
        body.pop("application_id", None)
        body.pop("command_id", None)
        written = written_from_json(body)
        state = await run_in_threadpool(
            lambda: self._negotiating.draft(
                person,
                written,
                application_id=application_id or None,
                command_id=command_id or None,
            )
        )
        headers = {**_UNCACHED, "Location": f"/api/v1/applications/{state.application_id}"}
        return JSONResponse(self._json(person, state), 201, headers)

    async def application(self, request: Request) -> Response:
        person = signed_in(request)
        state = self._negotiating.find(person, request.path_params["application_id"])
        return self._whole(person, state)

    async def command(self, request: Request) -> Response:
        """Body: `type`, what belongs to it, and if wished `command_id` and `expected`."""
        person = signed_in(request)
        body = fields.decode(await request.body())
        wish = wish_from_json(body)
        command_id = fields.text(body, "command_id", "") or None
        expected = fields.natural_or_none(body, "expected")
        state = await run_in_threadpool(
            lambda: self._negotiating.step(
                person,
                request.path_params["application_id"],
                wish,
                command_id=command_id,
                expected=expected,
            )
        )
        return self._whole(person, state)

    def _whole(self, person: Person, state: AccessApplication) -> Response:
        events = self._negotiating.history(person, state.application_id)
        ids = (*state.persons, *(event.by for event in events))
        body = application_to_json(
            state,
            turns=self._negotiating.turns(state),
            mine=self._negotiating.turns_of(person, state),
            names=self._negotiating.names(ids),
            events=events,
        )
        return JSONResponse(body, headers=_UNCACHED)

    def _json(self, person: Person, state: AccessApplication) -> dict[str, object]:
        return application_to_json(
            state,
            turns=self._negotiating.turns(state),
            mine=self._negotiating.turns_of(person, state),
            names=self._negotiating.names(state.persons),
        )
