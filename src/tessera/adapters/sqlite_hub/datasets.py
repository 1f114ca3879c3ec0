"""DatasetStore on SQLite."""

from collections.abc import Sequence
from dataclasses import replace

from tessera.adapters.sqlite_hub.database import Database, Row, time_of, time_text
from tessera.domain.errors import NotFound
from tessera.domain.ids import NodeId
from tessera.ports.hub_store import CataloguedVersion
from tessera.wire import fields
from tessera.wire.description import description_from_json, description_to_json
from tessera.wire.refusals import VersionTaken

_VERSION = "SELECT node_id, description, published_at FROM dataset AS d"
_NEWEST = """
version = (
    SELECT max(version) FROM dataset AS other
    WHERE other.node_id = d.node_id AND other.dataset_id = d.dataset_id
)
"""


class SqliteDatasets:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, published: CataloguedVersion) -> bool:
        description = published.description
        key = (published.node_id, description.dataset_id, description.version)
        with self._db.transaction():
            there = self._db.row(
                "SELECT manifest_sha256 FROM dataset "
                "WHERE node_id = ? AND dataset_id = ? AND version = ?",
                key,
            )
            if there is None:
                text = fields.encode(description_to_json(description)).decode()
                self._db.change(
                    "INSERT INTO dataset VALUES (?, ?, ?, ?, ?, ?)",
                    (*key, description.manifest_sha256, text, time_text(published.published_at)),
                )
                return True
            if there[0] != description.manifest_sha256:
                raise VersionTaken(
                    f"dataset {description.dataset_id} version {description.version} was "
                    "published with other content"
                )
            return False

    def renew_conformance(self, published: CataloguedVersion) -> None:
        description = published.description
        key = (published.node_id, description.dataset_id, description.version)
        with self._db.transaction():
            kept = self.find(*key)
            if kept is None:
                raise NotFound(f"no dataset {description.dataset_id} of node {published.node_id}")
            renewed = replace(
                kept.description,
                conformance=description.conformance,
                interoperability_tier=description.interoperability_tier,
            )
            self._db.change(
                "UPDATE dataset SET description = ? "
                "WHERE node_id = ? AND dataset_id = ? AND version = ?",
                (fields.encode(description_to_json(renewed)).decode(), *key),
            )

    def newest(self) -> Sequence[CataloguedVersion]:
        rows = self._db.rows(
            f"{_VERSION} WHERE {_NEWEST} ORDER BY published_at DESC, node_id, dataset_id"
        )
        return [_version(row) for row in rows]

    def find(self, node_id: str, dataset_id: str, version: int | None) -> CataloguedVersion | None:
        which = _NEWEST if version is None else "version = ?"
        row = self._db.row(
            f"{_VERSION} WHERE node_id = ? AND dataset_id = ? AND {which}",
            (node_id, dataset_id) if version is None else (node_id, dataset_id, version),
        )
        return None if row is None else _version(row)

    def versions(self, node_id: str, dataset_id: str) -> tuple[int, ...]:
        rows = self._db.rows(
            "SELECT version FROM dataset WHERE node_id = ? AND dataset_id = ? ORDER BY version",
            (node_id, dataset_id),
        )
        return tuple(row[0] for row in rows)


def _version(row: Row) -> CataloguedVersion:
    return CataloguedVersion(
        node_id=NodeId(row[0]),
        description=description_from_json(fields.decode(row[1])),
        published_at=time_of(row[2]),
    )
