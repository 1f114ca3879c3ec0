"""ApplicationStore on SQLite; triggers keep its events from being changed or removed."""

from collections.abc import Mapping, Sequence

from tessera.adapters.sqlite_hub.database import Database, time_text
from tessera.domain.access.application import ApplicationMoved, Event
from tessera.wire import fields
from tessera.wire.application_events import event_from_json, event_to_json


class SqliteApplications:
    def __init__(self, db: Database) -> None:
        self._db = db

    def append(self, events: Sequence[Event], *, expected: int) -> None:
        with self._db.transaction():
            for place, event in enumerate(events, start=expected + 1):
                (last,) = self._db.row(
                    "SELECT coalesce(max(number), 0) FROM application_event "
                    "WHERE application_id = ?",
                    (event.application_id,),
                ) or (0,)
                if event.number != place or last != place - 1:
                    raise ApplicationMoved(
                        f"application {event.application_id} is at event {last}, not {place - 1}"
                    )
                body = event_to_json(event)
                self._db.change(
                    "INSERT INTO application_event VALUES (?, ?, ?, ?, ?)",
                    (
                        event.application_id,
                        event.number,
                        time_text(event.at),
                        type(event.what).__name__,
                        fields.encode(body).decode(),
                    ),
                )

    def events(self, application_id: str, since: int = 0) -> Sequence[Event]:
        rows = self._db.rows(
            "SELECT body FROM application_event WHERE application_id = ? AND number > ? "
            "ORDER BY number",
            (application_id, since),
        )
        return [event_from_json(fields.decode(row[0])) for row in rows]

    def heads(self) -> Mapping[str, int]:
        rows = self._db.rows(
            "SELECT application_id, max(number) FROM application_event "
            "GROUP BY application_id ORDER BY min(at), application_id"
        )
        return {row[0]: row[1] for row in rows}

    def visit(self, person_id: str, application_id: str, number: int) -> None:
        self._db.change(
            "INSERT INTO application_visit VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET number = max(number, excluded.number)",
            (person_id, application_id, number),
        )

    def visited(self, person_id: str) -> Mapping[str, int]:
        rows = self._db.rows(
            "SELECT application_id, number FROM application_visit WHERE person_id = ?",
            (person_id,),
        )
        return {row[0]: row[1] for row in rows}
