"""DatasetStore on SQLite."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tessera.adapters.sqlite_hub.database import Database, Row, time_of, time_text
from tessera.domain.catalogue.notice import Notice, NoticeKind
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId
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
_HERE = """
NOT EXISTS (
    SELECT 1 FROM dataset_notice AS n
    WHERE n.node_id = d.node_id AND n.dataset_id = d.dataset_id AND n.kind = 'withdrawn'
)
"""


class SqliteDatasets:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._newest: tuple[int, tuple[CataloguedVersion, ...]] | None = None
        self._all: tuple[int, tuple[CataloguedVersion, ...]] | None = None
        self._notices: tuple[int, Mapping[tuple[str, str], Mapping[NoticeKind, Notice]]] | None = (
            None
        )
        self._versions: tuple[int, Mapping[tuple[str, str], tuple[int, ...]]] | None = None

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
                self._db.change(
                    "DELETE FROM dataset_notice"
                    " WHERE node_id = ? AND dataset_id = ? AND kind = 'withdrawn'",
                    key[:2],
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
        """Thousands of descriptions are read once and then kept until one changes."""
        revision = self._revision()
        kept = self._newest
        if kept is None or kept[0] != revision:
            kept = revision, self._read_newest()
            # What is read inside a transaction may yet be undone.
            self._newest = None if self._db.is_in_transaction else kept
        return kept[1]

    def all(self) -> Sequence[CataloguedVersion]:
        """Kept as `newest` is."""
        revision = self._revision()
        kept = self._all
        if kept is None or kept[0] != revision:
            rows = self._db.rows(
                f"{_VERSION} WHERE {_HERE} ORDER BY published_at, node_id, dataset_id, version"
            )
            kept = revision, tuple(_version(row) for row in rows)
            self._all = None if self._db.is_in_transaction else kept
        return kept[1]

    def versions_of_all(self) -> Mapping[tuple[str, str], tuple[int, ...]]:
        revision = self._revision()
        kept = self._versions
        if kept is None or kept[0] != revision:
            kept = revision, self._read_versions()
            self._versions = None if self._db.is_in_transaction else kept
        return kept[1]

    def note(self, node_id: str, notice: Notice) -> None:
        with self._db.transaction():
            if self.find(node_id, notice.dataset_id, None) is None:
                raise NotFound(f"no dataset {notice.dataset_id} of node {node_id}")
            key = (node_id, notice.dataset_id, notice.kind.value)
            self._db.change(
                "DELETE FROM dataset_notice WHERE node_id = ? AND dataset_id = ? AND kind = ?", key
            )
            self._db.change(
                "INSERT INTO dataset_notice VALUES (?, ?, ?, ?, ?, ?)",
                (*key, time_text(notice.at), notice.reason, notice.successor),
            )

    def notices(self) -> Mapping[tuple[str, str], Mapping[NoticeKind, Notice]]:
        revision = self._revision()
        kept = self._notices
        if kept is None or kept[0] != revision:
            kept = revision, self._read_notices()
            self._notices = None if self._db.is_in_transaction else kept
        return kept[1]

    def _read_notices(self) -> dict[tuple[str, str], dict[NoticeKind, Notice]]:
        found: dict[tuple[str, str], dict[NoticeKind, Notice]] = {}
        for node_id, dataset_id, kind, at, reason, successor in self._db.rows(
            "SELECT node_id, dataset_id, kind, at, reason, successor FROM dataset_notice"
        ):
            notice = Notice(
                dataset_id=DatasetId(dataset_id),
                kind=NoticeKind(kind),
                at=time_of(at),
                reason=reason,
                successor=successor,
            )
            found.setdefault((node_id, dataset_id), {})[notice.kind] = notice
        return found

    def _revision(self) -> int:
        row = self._db.row("SELECT number FROM catalogue_revision")
        return int(row[0]) if row else 0

    def _read_versions(self) -> dict[tuple[str, str], tuple[int, ...]]:
        found: dict[tuple[str, str], tuple[int, ...]] = {}
        for node_id, dataset_id, version in self._db.rows(
            "SELECT node_id, dataset_id, version FROM dataset ORDER BY version"
        ):
            key = (node_id, dataset_id)
            found[key] = (*found.get(key, ()), version)
        return found

    def _read_newest(self) -> tuple[CataloguedVersion, ...]:
        rows = self._db.rows(
            f"{_VERSION} WHERE {_NEWEST} AND {_HERE}"
            " ORDER BY published_at DESC, node_id, dataset_id"
        )
        return tuple(_version(row) for row in rows)

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
