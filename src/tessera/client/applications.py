"""What a person does with applications through a hub's REST: apply, look, decide."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from urllib.parse import quote
from uuid import uuid4

from tessera.wire import fields
from tessera.wire.applications import WrittenContents, written_to_json
from tessera.wire.fields import Json


class ApplicationCalls:
    """The part of `Client` for applications; it needs a token. Applications come as JSON."""

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

    def applications(self) -> Sequence[Json]:
        """Return every application that the person may see, last changed first."""
        return fields.objects(self._call("GET", "api/v1/applications"), "applications", dict)

    def application(self, application_id: str) -> Json:
        """Return one application with what has happened to it."""
        return self._call("GET", f"api/v1/applications/{quote(application_id, safe='')}")

    def draft_application(self, contents: WrittenContents) -> Json:
        """Begin an application; nobody else sees it before it is submitted."""
        ids = {"application_id": str(uuid4()), "command_id": str(uuid4())}
        return self._call("POST", "api/v1/applications", body=written_to_json(contents) | ids)

    def application_step(self, application_id: str, type: str, **told: object) -> Json:
        """Give one command, as `grant` with `node_id` and `dataset_id`."""
        address = f"api/v1/applications/{quote(application_id, safe='')}/commands"
        body = {"type": type, "command_id": str(uuid4())} | told
        return self._call("POST", address, body=body)
