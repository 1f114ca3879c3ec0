"""REST for trainings and models: parse, call one use case, render. No rules here."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.http.access_api import file_response, when_changed
from tessera.http.rules import PUBLIC, SIGNED_IN, RuledRoute, signed_in
from tessera.http.trainings import Trainings
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.models import card_to_json
from tessera.wire.refusals import BadMessage


def routes(trainings: Trainings) -> list[RuledRoute]:
    """Bind the use cases."""
    api = _LearningApi(trainings)
    return [
        RuledRoute("/api/v1/learnings", api.learnings, SIGNED_IN),
        RuledRoute("/api/v1/learnings", api.start, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/learnings/{learn_id}", api.learning, SIGNED_IN),
        RuledRoute("/api/v1/learnings/{learn_id}/stop", api.stop, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/models", api.models, PUBLIC),
        RuledRoute("/api/v1/models/{model_id}", api.model, PUBLIC),
        RuledRoute("/api/v1/models/{model_id}/model.npz", api.content, SIGNED_IN),
    ]


class _LearningApi:
    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings

    async def learnings(self, request: Request) -> Response:
        """The trainings under the person's permits, last asked for first."""
        found = self._trainings.learnings.of_person(signed_in(request))
        return _json({"learnings": [one.to_json() for one in found]})

    async def start(self, request: Request) -> Response:
        """Body: `tokens`, a signed use for each node; `title`. The terms are in the uses."""
        body = fields.decode(await request.body())
        tokens, title = fields.texts(body, "tokens"), fields.text(body, "title", "")
        if len(tokens) > 100:
            raise BadMessage("tokens", "at most 100")
        learning = self._trainings.learnings.start(signed_in(request), title, tokens)
        address = f"/api/v1/learnings/{learning.learn_id}"
        return _json(learning.to_json(), 201, {"Location": address})

    async def learning(self, request: Request) -> Response:
        """One training; `?wait_s=` and `?unlike=` as for runs."""
        person, learn_id = signed_in(request), request.path_params["learn_id"]
        return await when_changed(
            request,
            self._trainings.access.bell,
            lambda: self._trainings.learnings.shown(person, learn_id).to_json(),
        )

    async def stop(self, request: Request) -> Response:
        """End the training at every node; the answer is how it stands now."""
        learn_id = request.path_params["learn_id"]
        return _json(self._trainings.learnings.stop(signed_in(request), learn_id).to_json())

    async def models(self, request: Request) -> Response:
        return _json({"models": [card_to_json(card) for card in self._trainings.models.all()]})

    async def model(self, request: Request) -> Response:
        return _json(card_to_json(self._trainings.models.card(request.path_params["model_id"])))

    async def content(self, request: Request) -> Response:
        """The model itself, for a person of its permit."""
        model_id = request.path_params["model_id"]
        return file_response(*self._trainings.models.content(signed_in(request), model_id))


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(dict(body), status, {"Cache-Control": "no-store", **(headers or {})})
