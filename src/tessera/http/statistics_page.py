"""Pages: statistics over all hospitals, and patients like one that a doctor describes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.fields import Kind as FieldKind
from tessera.domain.cohort.result import SearchResult
from tessera.domain.errors import InvalidInput, InvalidQuery, NotFound
from tessera.domain.statistics.computed import Similar
from tessera.domain.statistics.cut import UNKNOWN
from tessera.domain.statistics.described import FORM, query_of
from tessera.domain.statistics.models import Model
from tessera.domain.statistics.statistic import SURVIVAL, Kind, statistic
from tessera.domain.statistics.survival import Survival
from tessera.domain.statistics.tables import Histogram, Table
from tessera.http import search_page
from tessera.http.condition_words import field_label, value_label
from tessera.http.language import Texts, chosen_language, texts
from tessera.http.pages import FIRST_WAIT_S, POLL_WAIT_S, utc_now
from tessera.http.rendering import link, render
from tessera.http.rules import PUBLIC, RuledRoute, person_id_of
from tessera.http.survival_chart import survival_chart
from tessera.hub.computing import Result, result_of
from tessera.hub.views import HubViews

KINDS: Final = (
    *(Kind.SURVIVAL, Kind.TABLE, Kind.HISTOGRAM),
    *(Kind.COX, Kind.LOGISTIC, Kind.LINEAR),
)
EXAMPLES: Final = (
    {"kind": "survival", "q": "cancer = colorectum", "by": "stage"},
    {"kind": "table", "q": "cancer = breast", "by": "stage, her2"},
    {"kind": "histogram", "q": "cancer = prostate", "steps": "age_at_diagnosis(40..90/5)"},
    {"kind": "cox", "q": "cancer = lung", "by": "age_at_diagnosis(60, 70), stage"},
)
_PARTS: Final = re.compile(r"[^,(]+(?:\([^)]*\))?")


def routes(hub: HubViews) -> list[RuledRoute]:
    pages = _Pages(hub)
    return [
        RuledRoute("/statistics", pages.form, PUBLIC, name="statistics"),
        RuledRoute("/statistics/{search_id}", pages.asked, PUBLIC),
        RuledRoute("/statistics/{search_id}/fragment", pages.fragment, PUBLIC),
        RuledRoute("/similar", pages.similar, PUBLIC, name="similar"),
        RuledRoute("/similar/{search_id}", pages.asked, PUBLIC, name="similar_asked"),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a statistic's groups and fields are called in the reader's language."""

    texts: Texts

    def field(self, name: str) -> str:
        return field_label(name, self.texts)

    def value(self, name: str, value: str) -> str:
        """Return the word for one value or band of a field."""
        words = self.texts
        if value == UNKNOWN:
            return str(words("statistics.unknown"))
        if FIELDS[name].kind is not FieldKind.NUMBER:
            return value_label(name, value, words)
        low, _, high = value.partition("-<")
        if high:
            return str(words("statistics.band", low=low, high=high))
        if value.startswith("<"):
            return str(words("statistics.below", edge=value[1:]))
        return str(words("statistics.from", edge=value[2:]))


@dataclass(frozen=True, slots=True)
class _Pages:
    hub: HubViews

    async def form(self, request: Request) -> Response:
        """The form; with `?q=` the question is asked, and the reader sent to its answer."""
        given = request.query_params
        if not given.get("q", "").strip():
            return self._page(request, given)
        try:
            asked = statistic(
                given.get("kind", ""),
                tuple(part.strip() for part in _PARTS.findall(given.get("by", ""))),
                steps=given.get("steps", "").strip(),
                outcome=given.get("outcome", "").strip(),
            )
            search_id = await self.hub.ask(
                given["q"].strip(), person_id=person_id_of(request), statistic=asked
            )
        except InvalidInput as error:
            return self._page(request, given, trouble=self._trouble(request, error, given["q"]))
        await self.hub.wait_search(search_id, FIRST_WAIT_S)
        return RedirectResponse(link("statistics", search_id), 303)

    async def similar(self, request: Request) -> Response:
        """Describe a patient; with a cancer chosen, ask how such patients fared.

        With `fill`, as a node links to it, the form is only filled in.
        """
        given = request.query_params
        if not given.get("cancer") or given.get("fill"):
            return self._similar_page(request, given)
        try:
            search_id = await self.hub.ask(
                query_of(given), person_id=person_id_of(request), statistic=statistic("similar")
            )
        except InvalidInput as error:
            trouble = self._trouble(request, error, "")
            return self._similar_page(request, given, trouble=trouble)
        await self.hub.wait_search(search_id, FIRST_WAIT_S)
        return RedirectResponse(link("similar", search_id), 303)

    async def asked(self, request: Request) -> Response:
        """What is known of a question that was asked before; its address can be kept."""
        try:
            search = self.hub.search(request.path_params["search_id"])
            view = await self._view(request, search)
        except (NotFound, InvalidInput):
            return render(request, "error.html", now=utc_now(), status=404, code=404)
        response = self._answer(request, view)
        response.headers["Cache-Control"] = "no-store"
        return response

    async def fragment(self, request: Request) -> Response:
        """The result alone, for the page to put in place of the one before."""
        try:
            search = await self.hub.wait_search(request.path_params["search_id"], POLL_WAIT_S)
            view = await self._view(request, search)
        except (NotFound, InvalidInput):
            return render(request, "error.html", now=utc_now(), status=404, code=404)
        response = render(request, "statistic_result.html", now=utc_now(), **view)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _answer(self, request: Request, view: dict[str, Any]) -> Response:
        if view["similar"]:
            return self._similar_page(request, {}, **view)
        return self._page(request, _given_of(view["result"]), **view)

    def _similar_page(
        self,
        request: Request,
        given: Mapping[str, str],
        *,
        trouble: search_page.Trouble | None = None,
        **view: Any,
    ) -> Response:
        return render(
            request,
            "similar.html",
            now=utc_now(),
            status=400 if trouble else 200,
            form=FORM,
            given=given,
            trouble=trouble,
            **({"words": Words(texts=texts(chosen_language(request)))} | view),
        )

    def _page(
        self,
        request: Request,
        given: Mapping[str, str],
        *,
        trouble: search_page.Trouble | None = None,
        **view: Any,
    ) -> Response:
        return render(
            request,
            "statistics.html",
            now=utc_now(),
            status=400 if trouble else 200,
            given=given,
            kinds=KINDS,
            examples=EXAMPLES,
            survival=SURVIVAL,
            trouble=trouble,
            **view,
        )

    async def _view(self, request: Request, search: SearchResult) -> dict[str, Any]:
        result = await run_in_threadpool(result_of, search)
        words = texts(chosen_language(request))
        return {
            "view": search_page.view(
                search,
                words,
                online=frozenset(node.node_id for node in self.hub.nodes() if node.online),
                entries=self.hub.catalogue(),
            ),
            "result": result,
            "words": Words(texts=words),
            "draw_survival": survival_chart,
            "exp": exp,
            **shapes(result),
        }

    def _trouble(self, request: Request, error: InvalidInput, text: str) -> search_page.Trouble:
        if not isinstance(error, InvalidQuery):
            error = InvalidQuery(str(error))
            text = ""
        return search_page.Trouble.of(error, text, texts(chosen_language(request)))


def shapes(result: Result) -> dict[str, Any]:
    """Return the result under the name of its kind, so that a template draws what is there."""
    found = result.computed
    return {
        "table": found if isinstance(found, Table) else None,
        "histogram": found if isinstance(found, Histogram) else None,
        "survival_found": found if isinstance(found, Survival) else None,
        "model": found if isinstance(found, Model) else None,
        "similar": found if isinstance(found, Similar) else None,
    }


def _given_of(result: Result) -> dict[str, str]:
    asked = result.statistic
    return {
        "kind": str(asked.kind),
        "by": ", ".join(map(str, asked.by)),
        "steps": str(asked.steps or ""),
        "outcome": f"{asked.outcome} = {asked.event}" if asked.outcome else "",
    }
