"""The cohorts that a person keeps at a hub: save, ask again, share, delete."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from tessera.domain.cohort.result import SearchResult
from tessera.domain.errors import NotFound
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.search import search_from_json


class CohortCalls:
    """The part of `Client` for saved cohorts; it needs a token. Cohorts come as JSON."""

    @abstractmethod
    def _call(
        self,
        method: str,
        address: str,
        *,
        body: Json | None = None,
        parameters: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> Json: ...

    @abstractmethod
    def answers(self, search_id: str, wait_s: float = 0) -> SearchResult: ...

    @abstractmethod
    def _do(self, method: str, address: str) -> None: ...

    def cohorts(self) -> Sequence[Json]:
        """Return the person's cohorts, last saved first."""
        return fields.objects(self._call("GET", "api/v1/cohorts"), "cohorts", dict)

    def cohort(self, named: str) -> Json:
        """Return one by its id, or one's own by its name or the start of its id.

        Raises NotFound when none is called so, or several are.
        """
        mine = [
            one
            for one in self.cohorts()
            if one["name"] == named or str(one["cohort_id"]).startswith(named)
        ]
        if len(mine) > 1:
            raise NotFound(f"{len(mine)} cohorts are called {named!r}; give more of the id")
        return self._call("GET", _address(str(mine[0]["cohort_id"]) if mine else named))

    def save_cohort(self, name: str, query: str) -> Json:
        """Keep a query. Raises InvalidQuery, InvalidInput."""
        return self._call("POST", "api/v1/cohorts", body={"name": name, "query": query})

    def run_cohort(self, cohort_id: str, wait_s: float = 10) -> SearchResult:
        """Ask it again, and return after `wait_s` seconds (0 to 30) at the most."""
        asked = search_from_json(self._call("POST", f"{_address(cohort_id)}/run", body={}))
        return self.answers(asked.search_id, wait_s)

    def share_cohort(self, cohort_id: str, *, shared: bool) -> Json:
        """Let everybody who is signed in and has the id see the query, or end that."""
        return self._call("POST", f"{_address(cohort_id)}/share", body={"shared": shared})

    def delete_cohort(self, cohort_id: str) -> None:
        """Delete one's own."""
        self._do("DELETE", _address(cohort_id))


def _address(cohort_id: str) -> str:
    return f"api/v1/cohorts/{quote(cohort_id, safe='')}"
