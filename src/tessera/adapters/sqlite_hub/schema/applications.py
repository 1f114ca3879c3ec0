"""Migration 3: applications for access and what happened to them."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE application_event (
            application_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (application_id, number)
        )
        """,
    """
        CREATE TRIGGER application_event_stays BEFORE DELETE ON application_event
        BEGIN SELECT RAISE(ABORT, 'events of applications are never removed'); END
        """,
    """
        CREATE TRIGGER application_event_is_final BEFORE UPDATE ON application_event
        BEGIN SELECT RAISE(ABORT, 'events of applications are never changed'); END
        """,
    """
        CREATE TABLE application_visit (
            person_id TEXT NOT NULL,
            application_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (person_id, application_id)
        )
        """,
)
