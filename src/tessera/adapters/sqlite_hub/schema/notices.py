"""Migration: what holders say of published datasets afterwards."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE dataset_notice (
            node_id TEXT NOT NULL,
            dataset_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            reason TEXT NOT NULL,
            successor TEXT NOT NULL,
            PRIMARY KEY (node_id, dataset_id, kind)
        )
        """,
    """
        CREATE TRIGGER notice_added AFTER INSERT ON dataset_notice
        BEGIN UPDATE catalogue_revision SET number = number + 1; END
        """,
    """
        CREATE TRIGGER notice_removed AFTER DELETE ON dataset_notice
        BEGIN UPDATE catalogue_revision SET number = number + 1; END
        """,
)
