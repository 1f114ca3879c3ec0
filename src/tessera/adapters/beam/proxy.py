"""BeamProxy over the HTTP interface of the proxy (samply/beam, README, "API")."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import httpx

from tessera.domain.errors import NotSignedIn, Unavailable
from tessera.ports.beam import BeamTask, WorkStatus
from tessera.ports.trust import trusted

_log = logging.getLogger(__name__)
MARGIN_S: Final = 20.0
"""How much longer than it was told to wait the proxy may take."""


class HttpBeamProxy:
    """`app_id` and `key` are those that the proxy's configuration has for this app."""

    def __init__(self, url: str, app_id: str, key: str) -> None:
        self._app_id, self._n_lost = app_id, 0
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"ApiKey {app_id} {key}"},
            timeout=MARGIN_S,
            verify=trusted(),
            trust_env=False,  # it is beside us, not behind the hospital's own proxy
        )

    def close(self) -> None:
        self._client.close()

    def tasks(self, wait_s: float) -> Sequence[BeamTask]:
        """See the port. A task that cannot be read is left out, and named in the log."""
        wait_ms = max(1, int(wait_s * 1000))
        asked = {"filter": "todo", "wait_count": "1", "wait_time": str(wait_ms)}
        reply = self._called("GET", "/v1/tasks", params=asked, timeout=wait_s + MARGIN_S)
        if reply.status_code not in (200, 206):
            raise Unavailable(f"the Beam proxy answered {reply.status_code} to GET /v1/tasks")
        try:
            bodies = reply.json()
        except ValueError:
            bodies = None
        if not isinstance(bodies, list):
            raise Unavailable("the Beam proxy's answer to GET /v1/tasks is no JSON list")
        found = [_task(body) for body in bodies]
        lost = found.count(None)
        if lost > self._n_lost:
            _log.error("%d tasks of the Beam proxy have no id, sender or body", lost)
        self._n_lost = lost  # they come again each time, until the network forgets them
        return [one for one in found if one is not None]

    def put(self, task: BeamTask, status: WorkStatus, body: str = "") -> None:
        """See the port."""
        result = {
            "from": self._app_id,
            "to": [task.sender],
            "task": str(task.task_id),
            "status": status.value,
            "body": body,
            "metadata": None,
        }
        path = f"/v1/tasks/{task.task_id}/results/{self._app_id}"
        reply = self._called("PUT", path, json=result)
        if reply.status_code == 404:
            _log.warning("Beam task %s is gone: it came too late", task.task_id)
        elif not reply.is_success:
            raise Unavailable(f"the Beam proxy answered {reply.status_code} to PUT {path}")

    def _called(self, method: str, path: str, **more: object) -> httpx.Response:
        try:
            reply = self._client.request(method, path, **more)  # type: ignore[arg-type]
        except httpx.HTTPError as err:
            raise Unavailable(
                f"the Beam proxy at {self._client.base_url} cannot be reached"
                f" ({type(err).__name__})"
            ) from err
        if reply.status_code == 401:
            raise NotSignedIn(f"the Beam proxy does not take {self._app_id} with this key")
        return reply


def _task(body: object) -> BeamTask | None:
    try:
        match body:
            case {"id": str(task_id), "from": str(sender), "body": str(text), **more}:
                metadata = more.get("metadata")
                project = metadata.get("project") if isinstance(metadata, dict) else None
                return BeamTask(
                    task_id=UUID(task_id), sender=sender, body=text, project=str(project or "")
                )
    except ValueError:
        pass  # an id that is no UUID
    return None
