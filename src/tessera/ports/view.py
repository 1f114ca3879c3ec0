"""Port: what one run sees of a dataset version, without those who have opted out."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tessera.domain.errors import InvalidInput
from tessera.domain.ids import DatasetId, Pseudonym

_PLACE = re.compile(r"[0-9a-zA-Z]{1,8}/[0-9a-zA-Z][0-9a-zA-Z.]{0,100}")
INSTANCES: Final = "instances"


def place_in_view(path: str) -> str:
    """Return where in a view the instance lies whose `path` a table or a manifest gives.

    Raises InvalidInput unless that is <folder>/<file>, below instances/ or with it.
    """
    place = path.removeprefix(f"{INSTANCES}/")
    if not _PLACE.fullmatch(place) or place.startswith("."):
        raise InvalidInput(f"the path of an instance leads elsewhere: {path!r:.100}")
    return f"{INSTANCES}/{place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewMade:
    folder: Path
    """manifest.json, tables/ and instances/: mounted as /data/<dataset id>."""
    subjects: frozenset[Pseudonym]
    """Who is in it. Stays at the node."""
    n_instances: int


class ViewMaker(Protocol):
    """Makes views as folders of real files."""

    def make(
        self,
        into: Path,
        dataset_id: DatasetId,
        version: int,
        *,
        manifest_sha256: str,
        excluded: AbstractSet[Pseudonym],
    ) -> ViewMade:
        """Make the view into/<dataset id>, in place of what is there.

        Tables have been compared with the manifest, the manifest with `manifest_sha256`, and
        each instance file with the size that its row says; not with its hash. Raises NotFound
        when there is no such version, Conflict when something of it is missing or has changed.
        """
        ...

    def remove(self, folder: Path) -> None:
        """Remove a folder of views. What they were made from stays."""
        ...
