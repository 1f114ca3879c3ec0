"""The Python client of a hub: `tessera.Client`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from tessera.client.access import AccessCalls
from tessera.client.applications import ApplicationCalls
from tessera.client.cohorts import CohortCalls
from tessera.client.learning import LearningCalls
from tessera.client.register import RegisterCalls
from tessera.domain.catalogue.entry import CatalogueEntry, NodeSummary
from tessera.domain.cohort.result import SearchResult
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.domain.statistics.statistic import Statistic
from tessera.ports.trust import trusted, why
from tessera.wire import fields
from tessera.wire.catalogue import entry_from_json, node_from_json
from tessera.wire.fields import Json
from tessera.wire.problem import problem_from_json
from tessera.wire.search import search_from_json

_TIMEOUT_S = 30.0
_RELAY_S = 60.0
"""So long the hub waits for a node's answer to a fetch."""


class Client(AccessCalls, ApplicationCalls, CohortCalls, LearningCalls, RegisterCalls):
    """Reads a hub's catalogue and asks all its nodes.

    Every method raises Unavailable when the hub cannot be reached, and otherwise the error
    that the hub gives: NotFound, InvalidQuery with the position of the fault, Refused.

    `token`: of a person, from `tessera login` or the account page; for what needs a sign-in.

    >>> with Client("https://hub.example.org") as hub:  # doctest: +SKIP
    ...     print(hub.search("cancer = prostate and modality = MR").n_subjects)
    """

    def __init__(self, hub_url: str, *, token: str = "") -> None:
        url = httpx.URL(hub_url.rstrip("/") + "/")
        if url.scheme not in ("http", "https") or not url.host:
            raise InvalidInput(f"hub address {hub_url!r}: expected http://… or https://…")
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(base_url=url, headers=headers, verify=trusted())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def nodes(self) -> Sequence[NodeSummary]:
        """Return the approved nodes, by name."""
        return fields.objects(self._call("GET", "api/v1/nodes"), "nodes", node_from_json)

    def datasets(self) -> Sequence[CatalogueEntry]:
        """Return the newest version of each dataset, last published first."""
        return fields.objects(self._call("GET", "api/v1/datasets"), "datasets", entry_from_json)

    def dataset(self, node_id: str, dataset_id: str, version: int | None = None) -> CatalogueEntry:
        """Return one dataset, its newest version unless one is named."""
        address = f"api/v1/datasets/{quote(node_id, safe='')}/{quote(dataset_id, safe='')}"
        parameters = {} if version is None else {"version": str(version)}
        return entry_from_json(self._call("GET", address, parameters=parameters))

    def search(self, text: str, wait_s: float = 10) -> SearchResult:
        """Ask every node, and return after `wait_s` seconds (0 to 30) at the most.

        Nodes that have not answered by then have the outcome NO_ANSWER; `answers` gets what
        comes later.
        """
        body = {"query": text, "wait_s": wait_s}
        return search_from_json(self._call("POST", "api/v1/search", body=body, wait_s=wait_s))

    def statistic(self, text: str, asked: Statistic, wait_s: float = 10) -> SearchResult:
        """Ask every node for the cuts of a statistic; else as `search`.

        `tessera.hub.computing.result_of` computes it of what comes back.
        """
        body = asked.to_json() | {"query": text, "wait_s": wait_s}
        found = self._call("POST", "api/v1/statistics", body=body, wait_s=wait_s)
        return search_from_json(fields.child(found, "search"))

    def answers(
        self, search_id: str, wait_s: float = 0, *, after: int | None = None
    ) -> SearchResult:
        """Return the answers to an earlier search, waiting up to `wait_s` seconds for the rest.

        With `after` also as soon as more than so many datasets have answered.
        """
        address = f"api/v1/search/{quote(search_id, safe='')}"
        parameters = {"wait_s": str(wait_s)} | ({} if after is None else {"after": str(after)})
        found = self._call("GET", address, parameters=parameters, wait_s=wait_s)
        return search_from_json(found)

    def _call(
        self,
        method: str,
        address: str,
        *,
        body: Json | None = None,
        parameters: Mapping[str, str] | None = None,
        wait_s: float = 0,
    ) -> Json:
        response = self._asked(method, address, body, parameters, wait_s)
        try:
            return fields.decode(response.content)
        except InvalidInput as err:
            raise Unavailable("the address did not answer as a Tessera hub") from err

    def fetch(self, token: str) -> bytes:
        """Hand in a signed fetch; return the node's answer, sealed for who signed it.

        Raises PermitRefused with its reason, Unavailable when the node is not in touch.
        """
        return self._asked("POST", "api/v1/fetch", {"token": token}, None, _RELAY_S).content

    def _do(self, method: str, address: str) -> None:
        """Ask for what has no answer."""
        self._asked(method, address, None, None, 0)

    def _asked(
        self,
        method: str,
        address: str,
        body: Json | None,
        parameters: Mapping[str, str] | None,
        wait_s: float,
    ) -> httpx.Response:
        try:
            response = self._http.request(
                method, address, json=body, params=parameters, timeout=_TIMEOUT_S + wait_s
            )
        except httpx.TimeoutException as err:
            raise Unavailable("the hub did not answer in time") from err
        except httpx.HTTPError as err:
            raise Unavailable(f"the hub cannot be reached: {why(err)}") from err
        if not response.is_success:
            raise _problem(response)
        return response

    @contextmanager
    def _content(self, address: str, parameters: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        """Give the bytes of a file as they come."""
        try:
            with self._http.stream(
                "GET", address, params=parameters, timeout=_TIMEOUT_S
            ) as response:
                if not response.is_success:
                    response.read()
                    raise _problem(response)
                yield response.iter_bytes()
        except httpx.TimeoutException as err:
            raise Unavailable("the hub did not answer in time") from err
        except httpx.HTTPError as err:
            raise Unavailable(f"the hub cannot be reached: {why(err)}") from err


def _problem(response: httpx.Response) -> TesseraError:
    try:
        return problem_from_json(fields.decode(response.content), response.status_code)
    except InvalidInput:
        return Unavailable(
            f"the address answered with status {response.status_code}, not as a Tessera hub"
        )
