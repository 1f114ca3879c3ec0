"""The public pages of models: a card for each one that all its hospitals have released."""

from dataclasses import dataclass
from shlex import quote

from starlette.requests import Request
from starlette.responses import Response

from tessera.http.access_api import file_response
from tessera.http.rendering import render
from tessera.http.rules import PUBLIC, SIGNED_IN, RuledRoute, person_of, signed_in
from tessera.http.tools_page import hub_address
from tessera.http.trainings import Trainings


def routes(trainings: Trainings) -> list[RuledRoute]:
    pages = _ModelPages(trainings)
    return [
        RuledRoute("/models", pages.models, PUBLIC),
        RuledRoute("/models/{model_id}", pages.model, PUBLIC),
        RuledRoute("/models/{model_id}/model.npz", pages.content, SIGNED_IN),
    ]


@dataclass(frozen=True, slots=True)
class _ModelPages:
    trainings: Trainings

    async def models(self, request: Request) -> Response:
        now = self.trainings.access.clock.now()
        return render(request, "models.html", now=now, cards=self.trainings.models.all())

    async def model(self, request: Request) -> Response:
        model_id = request.path_params["model_id"]
        card = self.trainings.models.card(model_id)
        return render(
            request,
            "model.html",
            now=self.trainings.access.clock.now(),
            card=card,
            metrics=sorted({name for site in card.sites for name in site.metrics}),
            may_have=self.trainings.models.may_have(person_of(request), model_id),
            command=f"tessera model download {model_id} --hub "
            f"{quote(hub_address(request))} --out model",
        )

    async def content(self, request: Request) -> Response:
        model_id = request.path_params["model_id"]
        return file_response(*self.trainings.models.content(signed_in(request), model_id))
