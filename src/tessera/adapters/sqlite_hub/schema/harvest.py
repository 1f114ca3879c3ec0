"""Other catalogues, the descriptions that came from them, and when the catalogue last changed.

The revision goes up with every change of a published description, by whichever process: what was
read at the same revision is still true.
"""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE harvest_source (
            source_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            address TEXT NOT NULL UNIQUE,
            every_h INTEGER NOT NULL,
            allow_private INTEGER NOT NULL,
            added_at TEXT NOT NULL,
            run_at TEXT,
            state TEXT NOT NULL,
            detail TEXT NOT NULL
        )
        """,
    """
        CREATE TABLE harvested (
            source_id TEXT NOT NULL REFERENCES harvest_source (source_id) ON DELETE CASCADE,
            iri TEXT NOT NULL,
            entry_key TEXT NOT NULL UNIQUE,
            dataset TEXT NOT NULL,
            first_seen TEXT NOT NULL,
            last_seen TEXT NOT NULL,
            withdrawn_at TEXT,
            PRIMARY KEY (source_id, iri)
        )
        """,
    "CREATE TABLE catalogue_revision (number INTEGER NOT NULL)",
    "INSERT INTO catalogue_revision VALUES (0)",
    """
        CREATE TRIGGER dataset_added AFTER INSERT ON dataset
        BEGIN UPDATE catalogue_revision SET number = number + 1; END
        """,
    """
        CREATE TRIGGER dataset_changed AFTER UPDATE ON dataset
        BEGIN UPDATE catalogue_revision SET number = number + 1; END
        """,
    """
        CREATE TRIGGER dataset_removed AFTER DELETE ON dataset
        BEGIN UPDATE catalogue_revision SET number = number + 1; END
        """,
)
