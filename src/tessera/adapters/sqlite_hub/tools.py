"""ToolStore on SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import Database, time_text
from tessera.domain.access.tool import ToolBundle
from tessera.wire import fields
from tessera.wire.runs import ListedTool


class SqliteTools:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, bundle: ToolBundle, person_id: str, at: datetime) -> bool:
        added = self._db.change(
            "INSERT OR IGNORE INTO tool VALUES (?, ?, ?, ?, ?)",
            (
                bundle.digest,
                json.dumps(ListedTool.of(bundle, at).to_json(), ensure_ascii=False),
                json.dumps(bundle.to_json()),
                *(person_id, time_text(at)),
            ),
        )
        return added == 1

    def find(self, digest: str) -> ToolBundle | None:
        row = self._db.row("SELECT bundle FROM tool WHERE digest = ?", (digest,))
        return None if row is None else ToolBundle.from_json(fields.decode(row[0]))

    def listed(self, digest: str) -> ListedTool | None:
        row = self._db.row("SELECT listing FROM tool WHERE digest = ?", (digest,))
        return None if row is None else ListedTool.from_json(fields.decode(row[0]))

    def n_of(self, person_id: str) -> int:
        row = self._db.row("SELECT count(*) FROM tool WHERE added_by = ?", (person_id,))
        return int(row[0]) if row else 0

    def all(self) -> Sequence[ListedTool]:
        rows = self._db.rows("SELECT listing FROM tool ORDER BY added_at DESC, digest")
        return [ListedTool.from_json(fields.decode(row[0])) for row in rows]
