"""ReviewQueue in one SQLite file of mode 0600. Each call opens its own connection.

So the page, a command and an ingest see what the others wrote.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tessera.adapters.sqlite_node.connection import connect, transaction
from tessera.adapters.sqlite_review.forms import (
    decision_of,
    finding_fields,
    item_of,
    source_fields,
)
from tessera.domain.deid.pixels.findings import Layout, Picture
from tessera.domain.errors import NotFound
from tessera.domain.zones import Identified
from tessera.ports.review import Remembered, ReviewItem, Verdict

MIGRATIONS = (
    """
    CREATE TABLE item (
        item_id TEXT PRIMARY KEY, source TEXT NOT NULL, quarantine TEXT NOT NULL,
        reason TEXT NOT NULL, layout TEXT NOT NULL, findings TEXT NOT NULL, since TEXT NOT NULL
    ) STRICT;
    CREATE TABLE picture (
        item_id TEXT NOT NULL REFERENCES item(item_id) ON DELETE CASCADE, number INTEGER NOT NULL,
        frame INTEGER NOT NULL, after INTEGER NOT NULL, scale REAL NOT NULL, png BLOB NOT NULL,
        PRIMARY KEY (item_id, number)
    ) STRICT;
    CREATE TABLE verdict (
        item_id TEXT NOT NULL, verdict TEXT NOT NULL, decided_by TEXT NOT NULL, at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE remembered (
        layout_key TEXT PRIMARY KEY, layout TEXT NOT NULL, decisions TEXT NOT NULL,
        decided_by TEXT NOT NULL, since TEXT NOT NULL
    ) STRICT
    """,
)


_ITEM = "SELECT source, quarantine, reason, layout, findings, since FROM item"


class SqliteReviewQueue:
    def __init__(self, path: Path) -> None:
        """Nothing is made at `path` before something waits."""
        self._path = path

    def put(self, items: Sequence[ReviewItem]) -> None:
        if not items:
            return
        with self._database() as db, transaction(db):
            for item in items:
                self._put_one(db, item)

    def _put_one(self, db: sqlite3.Connection, item: ReviewItem) -> None:
        db.execute("DELETE FROM item WHERE item_id = ?", (item.item_id,))
        db.execute(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                item.item_id,
                json.dumps(source_fields(item.entry)),
                item.entry.quarantine,
                item.reason,
                json.dumps(asdict(item.layout)),
                json.dumps([finding_fields(one) for one in item.findings]),
                item.since.isoformat(),
            ),
        )
        db.executemany(
            "INSERT INTO picture VALUES (?, ?, ?, ?, ?, ?)",
            [
                (item.item_id, number, one.frame, int(one.after), one.scale, one.png.value)
                for number, one in enumerate(item.pictures)
            ],
        )

    def waiting(self) -> tuple[ReviewItem, ...]:
        if not self._path.exists():
            return ()
        with self._database() as db:
            rows = db.execute(f"{_ITEM} ORDER BY since, item_id").fetchall()
        return tuple(item_of(row, ()) for row in rows)

    def find(self, item_id: str) -> ReviewItem:
        with self._database() as db:
            row = db.execute(f"{_ITEM} WHERE item_id = ?", (item_id,)).fetchone()
            if row is None:
                raise NotFound(f"nothing named {item_id!r} waits for a review")
            pictures = db.execute(
                "SELECT frame, png, scale, after FROM picture WHERE item_id = ? ORDER BY number",
                (item_id,),
            ).fetchall()
        return item_of(
            row,
            tuple(
                Picture(frame, Identified(png), scale, bool(after))
                for frame, png, scale, after in pictures
            ),
        )

    def close(self, item_ids: Sequence[str], verdict: Verdict, by: str, at: datetime) -> None:
        with self._database() as db, transaction(db):
            for item_id in item_ids:
                if db.execute("DELETE FROM item WHERE item_id = ?", (item_id,)).rowcount:
                    db.execute(
                        "INSERT INTO verdict VALUES (?, ?, ?, ?)",
                        (item_id, verdict, by, at.isoformat()),
                    )

    def closed(self) -> Mapping[str, int]:
        if not self._path.exists():
            return {}
        with self._database() as db:
            rows = db.execute("SELECT verdict, count(*) FROM verdict GROUP BY verdict").fetchall()
        return {str(verdict): int(n) for verdict, n in rows}

    def remember(self, rule: Remembered) -> None:
        with self._database() as db, transaction(db):
            db.execute(
                "INSERT OR REPLACE INTO remembered VALUES (?, ?, ?, ?, ?)",
                (
                    rule.layout.key,
                    json.dumps(asdict(rule.layout)),
                    json.dumps([asdict(one) for one in rule.decisions]),
                    rule.by,
                    rule.since.isoformat(),
                ),
            )

    def forget(self, key: str) -> None:
        with self._database() as db, transaction(db):
            if not db.execute("DELETE FROM remembered WHERE layout_key = ?", (key,)).rowcount:
                raise NotFound(f"nothing is remembered for the layout {key!r}")

    def remembered(self) -> tuple[Remembered, ...]:
        if not self._path.exists():
            return ()
        with self._database() as db:
            rows = db.execute(
                "SELECT layout, decisions, decided_by, since FROM remembered "
                "ORDER BY since DESC, layout_key"
            ).fetchall()
        return tuple(
            Remembered(
                Layout(**json.loads(layout)),
                tuple(decision_of(raw) for raw in json.loads(decisions)),
                by,
                datetime.fromisoformat(since),
            )
            for layout, decisions, by, since in rows
        )

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        self._path.touch(mode=0o600)
        with closing(connect(self._path, MIGRATIONS)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")  # texts and pictures name patients
            yield db
