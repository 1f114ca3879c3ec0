"""What a node has published at its hub: the newest version of each dataset, and its description."""

from dataclasses import dataclass, field
from pathlib import Path

from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.datasets import release_dataset
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.ids import DatasetId
from tessera.domain.zones import Released
from tessera.node.answer import PublishedVersion
from tessera.ports.hub_link import AnsweredVersion
from tessera.wire.messages import ReceivedDataset


@dataclass(frozen=True, slots=True)
class PublishedHere:
    """`home`: the node's. A withdrawn dataset is not among them."""

    home: Path
    _kept: dict[tuple[DatasetId, int], Released[DatasetDescription]] = field(default_factory=dict)

    def versions(self) -> list[PublishedVersion]:
        return [
            PublishedVersion(
                dataset_id=one.dataset_id,
                version=one.version,
                folder=self.home / one.folder,
                created=one.created,
            )
            for one in self._newest()
        ]

    def described(self, version: PublishedVersion) -> Released[DatasetDescription]:
        """Return the description with its numbers through the gate."""
        key = version.dataset_id, version.version
        if key not in self._kept:
            self._kept[key] = release_dataset(self.home, str(version.dataset_id), version.version)
        return self._kept[key]

    def sent(self) -> list[DatasetDescription]:
        """Return the descriptions as the hub was sent them, with the signed report on the tiers.

        One that was published before these were kept is not among them until it is published anew.
        """
        records = LinkFolder(self.home / "link")
        bodies = (records.sent(one) for one in self._newest())
        return [ReceivedDataset.from_json(body).description for body in bodies if body]

    def _newest(self) -> list[AnsweredVersion]:
        newest: dict[DatasetId, AnsweredVersion] = {}
        for one in LinkFolder(self.home / "link").answered():
            if one.dataset_id not in newest or newest[one.dataset_id].version < one.version:
                newest[one.dataset_id] = one
        return [newest[name] for name in sorted(newest)]
