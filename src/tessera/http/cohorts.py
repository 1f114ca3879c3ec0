"""Pages and REST routes of the cohorts that a person keeps."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tessera.domain.cohort.compare import Pair, pairs
from tessera.domain.cohort.result import SearchResult
from tessera.domain.errors import InvalidInput
from tessera.http.pages import utc_now
from tessera.http.rendering import link, render
from tessera.http.rules import SIGNED_IN, RuledRoute, signed_in
from tessera.hub.cohorts import SavedCohorts
from tessera.ports.saved_cohorts import SavedCohort
from tessera.wire import fields
from tessera.wire.search import search_to_json

_NOT_KEPT = {"Cache-Control": "no-store"}


def routes(saved: SavedCohorts) -> list[RuledRoute]:
    pages, api = _Pages(saved), _Api(saved)
    one = "/api/v1/cohorts/{cohort_id}"
    return [
        RuledRoute("/cohorts", pages.mine, SIGNED_IN, name="cohorts"),
        RuledRoute("/cohorts", pages.save, SIGNED_IN, methods=("POST",)),
        RuledRoute("/cohorts/compare", pages.compare, SIGNED_IN, name="cohorts_compare"),
        RuledRoute("/cohorts/{cohort_id}", pages.one, SIGNED_IN, name="cohort"),
        RuledRoute("/cohorts/{cohort_id}", pages.change, SIGNED_IN, methods=("POST",)),
        RuledRoute("/api/v1/cohorts", api.mine, SIGNED_IN, name="api_cohorts"),
        RuledRoute("/api/v1/cohorts", api.save, SIGNED_IN, methods=("POST",)),
        RuledRoute(one, api.one, SIGNED_IN, name="api_cohort"),
        RuledRoute(one, api.delete, SIGNED_IN, methods=("DELETE",)),
        RuledRoute(f"{one}/run", api.run, SIGNED_IN, methods=("POST",)),
        RuledRoute(f"{one}/share", api.share, SIGNED_IN, methods=("POST",)),
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    saved: SavedCohorts

    async def mine(self, request: Request) -> Response:
        """The cohorts of who is signed in."""
        cohorts = self.saved.of(signed_in(request))
        return _shown(request, "cohorts.html", cohorts=cohorts, trouble="")

    async def save(self, request: Request) -> Response:
        form, person = await request.form(), signed_in(request)
        try:
            cohort = self.saved.save(
                person, *(str(form.get(key, "")) for key in ("name", "query", "search"))
            )
        except InvalidInput as error:
            response = _shown(
                request, "cohorts.html", cohorts=self.saved.of(person), trouble=str(error)
            )
            response.status_code = 400
            return response
        return RedirectResponse(link("cohorts", cohort.cohort_id), 303)

    async def one(self, request: Request) -> Response:
        """One cohort: its query, and what its last runs found side by side."""
        person = signed_in(request)
        cohort = self.saved.get(person, request.path_params["cohort_id"])
        results = self.saved.results(person, cohort.cohort_id)
        return _shown(
            request,
            "cohort.html",
            cohort=cohort,
            is_own=cohort.owner == person.person_id,
            others=[c for c in self.saved.of(person) if c.cohort_id != cohort.cohort_id],
            results=results,
            pairs=pairs(results[1], results[0]) if len(results) > 1 else (),
        )

    async def change(self, request: Request) -> Response:
        """Run, share, stop sharing or delete, by the button that was pressed."""
        form, person = await request.form(), signed_in(request)
        cohort_id = request.path_params["cohort_id"]
        match form.get("do"):
            case "run":
                found = self.saved.run(person, cohort_id)
                return RedirectResponse(link("search", found.search_id), 303)
            case "share" | "unshare" as how:
                self.saved.share(person, cohort_id, is_shared=how == "share")
            case "delete":
                self.saved.delete(person, cohort_id)
                return RedirectResponse("/cohorts", 303)
        return RedirectResponse(link("cohorts", cohort_id), 303)

    async def compare(self, request: Request) -> Response:
        """The newest answers of two cohorts side by side."""
        person = signed_in(request)
        cohorts = [
            self.saved.get(person, request.query_params.get(key, "")) for key in ("one", "other")
        ]
        found = [self.saved.results(person, cohort.cohort_id)[:1] for cohort in cohorts]
        both: tuple[Pair, ...] = pairs(found[0][0], found[1][0]) if all(found) else ()
        return _shown(
            request,
            "cohorts_compare.html",
            cohorts=cohorts,
            results=[one for results in found for one in results],
            pairs=both,
        )


@dataclass(frozen=True, slots=True)
class _Api:
    saved: SavedCohorts

    async def mine(self, request: Request) -> Response:
        cohorts = [_to_json(cohort) for cohort in self.saved.of(signed_in(request))]
        return JSONResponse({"cohorts": cohorts}, headers=_NOT_KEPT)

    async def save(self, request: Request) -> Response:
        body = fields.decode(await request.body())
        cohort = self.saved.save(
            signed_in(request),
            fields.text(body, "name"),
            fields.text(body, "query"),
            fields.text(body, "search_id", ""),
        )
        where = {"Location": f"/api/v1/cohorts/{cohort.cohort_id}"}
        return JSONResponse(_to_json(cohort), 201, where | _NOT_KEPT)

    async def one(self, request: Request) -> Response:
        """One cohort with the answers of the owner's last runs, the newest first."""
        person, cohort_id = signed_in(request), request.path_params["cohort_id"]
        cohort = self.saved.get(person, cohort_id)
        runs = [search_to_json(one) for one in self.saved.results(person, cohort_id)]
        return JSONResponse(_to_json(cohort) | {"runs": runs}, headers=_NOT_KEPT)

    async def run(self, request: Request) -> Response:
        found: SearchResult = self.saved.run(signed_in(request), request.path_params["cohort_id"])
        where = {"Location": f"/api/v1/search/{found.search_id}"}
        return JSONResponse(search_to_json(found), 201, where | _NOT_KEPT)

    async def share(self, request: Request) -> Response:
        body = fields.decode(await request.body())
        person, cohort_id = signed_in(request), request.path_params["cohort_id"]
        self.saved.share(person, cohort_id, is_shared=fields.flag(body, "shared"))
        return JSONResponse(_to_json(self.saved.get(person, cohort_id)), headers=_NOT_KEPT)

    async def delete(self, request: Request) -> Response:
        self.saved.delete(signed_in(request), request.path_params["cohort_id"])
        return Response(status_code=204)


def _shown(request: Request, template: str, **values: object) -> Response:
    response = render(request, template, now=utc_now(), **values)  # type: ignore[arg-type]
    response.headers["Cache-Control"] = "no-store"
    return response


def _to_json(cohort: SavedCohort) -> dict[str, object]:
    return {
        "cohort_id": cohort.cohort_id,
        "name": cohort.name,
        "query": cohort.query,
        "saved_at": fields.moment_text(cohort.saved_at),
        "shared": cohort.is_shared,
        "search_ids": list(cohort.search_ids),
    }
