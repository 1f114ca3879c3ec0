"""ReviewQueue on PostgreSQL, in the identified schema.

What is decided is deleted; the server's own vacuum takes it off the disk.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from tessera.adapters.postgres_node.connection import Cursor, PostgresDatabase
from tessera.adapters.postgres_node.values import text
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

_ITEM = "SELECT source, quarantine, reason, layout, findings, since FROM item"


class PostgresReviewQueue:
    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def put(self, items: Sequence[ReviewItem]) -> None:
        def work(cursor: Cursor) -> None:
            for item in sorted(items, key=lambda item: item.item_id):
                _put_one(cursor, item)

        if items:
            self._database.write(work)

    def waiting(self) -> tuple[ReviewItem, ...]:
        rows = self._database.rows(f"{_ITEM} ORDER BY since, item_id")
        return tuple(item_of(row, ()) for row in rows)

    def find(self, item_id: str) -> ReviewItem:
        rows = self._database.rows(f"{_ITEM} WHERE item_id = %s", (text(item_id),))
        if not rows:
            raise NotFound(f"nothing named {item_id!r} waits for a review")
        pictures = self._database.rows(
            "SELECT frame, png, scale, after FROM picture WHERE item_id = %s ORDER BY number",
            (item_id,),
        )
        return item_of(
            rows[0],
            tuple(
                Picture(frame, Identified(png), scale, bool(after))
                for frame, png, scale, after in pictures
            ),
        )

    def close(self, item_ids: Sequence[str], verdict: Verdict, by: str, at: datetime) -> None:
        def work(cursor: Cursor) -> None:
            for item_id in sorted(item_ids):
                cursor.execute("DELETE FROM item WHERE item_id = %s", (text(item_id),))
                if cursor.rowcount:
                    cursor.execute(
                        "INSERT INTO verdict VALUES (%s, %s, %s, %s)",
                        (item_id, verdict, text(by), at.isoformat()),
                    )

        self._database.write(work)

    def closed(self) -> Mapping[str, int]:
        return dict(self._database.rows("SELECT verdict, count(*) FROM verdict GROUP BY verdict"))

    def remember(self, rule: Remembered) -> None:
        self._database.write(
            lambda cursor: cursor.execute(
                "INSERT INTO remembered VALUES (%s, %s, %s, %s, %s) "
                "ON CONFLICT (layout_key) DO UPDATE SET layout = excluded.layout, "
                "decisions = excluded.decisions, decided_by = excluded.decided_by, "
                "since = excluded.since",
                (
                    rule.layout.key,
                    json.dumps(asdict(rule.layout)),
                    json.dumps([asdict(one) for one in rule.decisions]),
                    text(rule.by),
                    rule.since.isoformat(),
                ),
            )
        )

    def forget(self, key: str) -> None:
        def work(cursor: Cursor) -> int:
            cursor.execute("DELETE FROM remembered WHERE layout_key = %s", (text(key),))
            return cursor.rowcount

        if not self._database.write(work):
            raise NotFound(f"nothing is remembered for the layout {key!r}")

    def remembered(self) -> tuple[Remembered, ...]:
        rows = self._database.rows(
            "SELECT layout, decisions, decided_by, since FROM remembered "
            "ORDER BY since DESC, layout_key"
        )
        return tuple(
            Remembered(
                Layout(**json.loads(layout)),
                tuple(decision_of(raw) for raw in json.loads(decisions)),
                by,
                datetime.fromisoformat(since),
            )
            for layout, decisions, by, since in rows
        )


def _put_one(cursor: Cursor, item: ReviewItem) -> None:
    cursor.execute("DELETE FROM item WHERE item_id = %s", (item.item_id,))
    cursor.execute(
        "INSERT INTO item VALUES (%s, %s, %s, %s, %s, %s, %s)",
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
    cursor.executemany(
        "INSERT INTO picture VALUES (%s, %s, %s, %s, %s, %s)",
        [
            (item.item_id, number, one.frame, int(one.after), one.scale, one.png.value)
            for number, one in enumerate(item.pictures)
        ],
    )
