"""Ask a Beacon v2; with a permit, also for records."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import httpx

from tessera.domain.access.permit import Action, Permit, Use
from tessera.domain.errors import InvalidInput, NotFound, Refused, Unavailable
from tessera.domain.ids import NodeId
from tessera.ports.signing import Signer
from tessera.ports.trust import trusted
from tessera.wire.beacon import USE_HEADER, what_is_asked
from tessera.wire.permit import use_payload

_WINDOW: Final = timedelta(seconds=280)
_FILTER: Final = re.compile(r"\s*([A-Za-z_0-9]+)\s*(<=|>=|=|!|<|>)\s*(\S.*?)\s*")
TIMEOUT_S: Final = 120.0
Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`entity`: the path of an entry type, as individuals or imagingStudies."""

    entity: str
    filters: tuple[Json, ...]
    granularity: str
    skip: int = 0
    limit: int = 10

    def body(self) -> bytes:
        query: Json = {
            "filters": list(self.filters),
            "requestedGranularity": self.granularity,
            "pagination": {"skip": self.skip, "limit": self.limit},
        }
        return json.dumps({"meta": {"apiVersion": "v2.0.0"}, "query": query}).encode()


def filter_of(text: str) -> Json:
    """Read a filter as written: `modality:MR`, `SNOMED:399068003`, `age_at_diagnosis >= 60`."""
    compared = _FILTER.fullmatch(text)
    if compared is None:
        return {"id": text.strip()}
    return {"id": compared[1], "operator": compared[2], "value": compared[3]}


def signed_use(
    permit: Permit,
    permit_sha256: str,
    node_id: str,
    question: Question,
    signer: Signer,
    now: Callable[[], datetime],
) -> str:
    """Sign a question about the node's datasets that the permit names. Raises NotFound."""
    named = permit.of_node(node_id)
    if not named:
        raise NotFound(f"the permit names no dataset of {node_id}; see tessera permits")
    at = now()
    use = Use(
        use_id=str(uuid4()),
        permit_id=permit.permit_id,
        permit_sha256=permit_sha256,
        node_id=NodeId(node_id),
        action=Action.FETCH,
        datasets=tuple((one.dataset_id, one.version) for one in named),
        tool="",
        at=at,
        until=at + _WINDOW,
        what=what_is_asked(question.entity, question.body()),
    )
    return signer.sign(use_payload(use))


def ask(address: str, token: str, question: Question, use: str = "") -> Json:
    """Return the Beacon's answer. Raises Unavailable, Refused, InvalidInput."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {USE_HEADER: use} if use else {}
    headers["Content-Type"] = "application/json"
    url = f"{address.rstrip('/')}/{question.entity}"
    try:
        reply = httpx.post(
            url, content=question.body(), headers=headers, timeout=TIMEOUT_S, verify=trusted()
        )
        answer = reply.json()
    except httpx.HTTPError as err:
        raise Unavailable(f"{url}: {type(err).__name__}") from err
    except ValueError as err:
        raise Unavailable(f"{url}: the answer ({reply.status_code}) is not a Beacon's") from err
    if not isinstance(answer, dict):
        raise Unavailable(f"{url}: the answer ({reply.status_code}) is not a Beacon's")
    if reply.is_error:
        error = answer.get("error")
        words = error.get("errorMessage") if isinstance(error, dict) else reply.status_code
        raise (InvalidInput if reply.status_code == 400 else Refused)(f"{url}: {words}")
    return answer


def filters_of(texts: Sequence[str]) -> tuple[Json, ...]:
    return tuple(filter_of(text) for text in texts)
