"""The pages of trainings: a list, and how each hospital gets on in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.learning.plan import LearningState
from tessera.http.learning_chart import metric_charts
from tessera.http.rendering import link, render
from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.http.tools_page import hub_address
from tessera.http.trainings import Trainings
from tessera.wire.learning import Learning


def routes(trainings: Trainings) -> list[RuledRoute]:
    pages = _LearningPages(trainings)
    return [
        RuledRoute("/learning", pages.learnings, SIGNED_IN),
        RuledRoute("/learning/{learn_id}", pages.learning, SIGNED_IN),
        RuledRoute("/learning/{learn_id}/stop", pages.stop, SIGNED_IN, methods=("POST",)),
    ]


@dataclass(frozen=True, slots=True)
class _LearningPages:
    trainings: Trainings

    async def learnings(self, request: Request) -> Response:
        return render(
            request,
            "learnings.html",
            now=self.trainings.access.clock.now(),
            learnings=self.trainings.learnings.of_person(signed_in(request)),
        )

    async def learning(self, request: Request) -> Response:
        access, person = self.trainings.access, signed_in(request)
        learning = self.trainings.learnings.shown(person, request.path_params["learn_id"])
        names: dict[str, str] = {
            site.node_id: access.node_name(site.node_id) for site in learning.sites
        }
        tool = access.permits.find(learning.permit_id).permit.tool(learning.tool)
        word, about = cause(learning, names)
        return render(
            request,
            "learning.html",
            now=access.clock.now(),
            learning=learning,
            names=names,
            tool_name=tool.name if tool else learning.tool,
            charts=metric_charts(learning.updates, names, learning.rounds),
            n_rounds=max((update.round for update in learning.updates), default=0),
            waited=", ".join(waited_for(learning, names)),
            word=word,
            about=about,
            may_stop=not learning.state.is_final
            and self.trainings.learnings.may_stop(person, learning),
            command=f"tessera model download {learning.learn_id} --hub "
            f"{quote(hub_address(request))} --out model",
        )

    async def stop(self, request: Request) -> Response:
        learn_id = request.path_params["learn_id"]
        learning = self.trainings.learnings.stop(signed_in(request), learn_id)
        return RedirectResponse(link("learning", learning.learn_id), 303)


def cause(learning: Learning, names: Mapping[str, str]) -> tuple[str, str]:
    """Return the word for why it ended badly, and whom or what that is about."""
    if learning.state is LearningState.WITHHELD:
        word, about = "withheld", learning.detail
    else:
        word, _, about = learning.detail.partition(" ")
    if word in ("withheld", "too-few-nodes", "node-left"):
        about = ", ".join(names.get(one, one) for one in about.split(", "))
    return word, about


def waited_for(learning: Learning, names: Mapping[str, str]) -> list[str]:
    """Return the names of the nodes that hold it up just now."""
    holding = {
        LearningState.WAITING: ("expected",),
        LearningState.RUNNING: (),
        LearningState.IN_AIRLOCK: ("training", "in-airlock"),
    }.get(learning.state, ())
    return [
        names[site.node_id]
        for site in learning.sites
        if site.standing in holding
        and (learning.state is LearningState.WAITING or site.node_id in learning.gave)
    ]
