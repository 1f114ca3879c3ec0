"""Fetch from the web or, for a source that the operator named so, from a file."""

from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.harvest.fetch import GuardedFetch
from tessera.domain.errors import Unavailable
from tessera.ports.harvest import Fetched, SourceUnreadable


@dataclass(frozen=True, slots=True)
class FileOrWeb:
    """Implements `tessera.ports.harvest.Fetch`.

    Which file is asked for is seen to by the caller: the source's own, and none that a
    document names (`hub/harvesting.py`). Nor does a redirect lead to one.
    """

    web: GuardedFetch

    def get(self, address: str, *, allow_private: bool) -> Fetched:
        if not address.startswith("/"):
            return self.web.get(address, allow_private=allow_private)
        try:
            with Path(address).open("rb") as stream:
                data = stream.read(self.web.max_bytes + 1)
        except OSError as err:
            raise Unavailable(f"{address}: {err.strerror}") from err
        if len(data) > self.web.max_bytes:
            raise SourceUnreadable(f"{address}: more than {self.web.max_bytes} bytes")
        return Fetched(data, "", f"file://{address}")
