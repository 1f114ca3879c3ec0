"""The public register of a hub, for everybody; no sign-in."""

from abc import abstractmethod
from collections.abc import Mapping
from urllib.parse import quote

from tessera.domain.access.register import Register, RegisterEntry, RegisterFilter
from tessera.wire.fields import Json
from tessera.wire.register import entry_from_json, register_from_json


class RegisterCalls:
    """The part of `Client` that reads the register."""

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

    def register(self, wanted: RegisterFilter | None = None) -> Register:
        """Return the permits that were asked for, last issued first, and the numbers of all."""
        asked = wanted or RegisterFilter()
        given = {"hospital": asked.hospital, "status": asked.status, "q": asked.text}
        parameters = {name: value for name, value in given.items() if value}
        return register_from_json(self._call("GET", "api/v1/register", parameters=parameters))

    def register_entry(self, permit_id: str) -> RegisterEntry:
        """Return one permit as everybody may read it. Raises NotFound."""
        address = f"api/v1/register/{quote(permit_id, safe='')}"
        return entry_from_json(self._call("GET", address))
