"""The tables of the hub's store. A migration that has been released is never edited."""

import sqlite3
from typing import Final

from tessera.adapters.sqlite_hub.schema import (
    accounts,
    applications,
    distributions,
    first,
    harvest,
    learning,
    link_keys,
    notices,
    permits,
    saved_cohorts,
    statistics,
)
from tessera.domain.errors import InvalidSettings

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    first.STATEMENTS,
    accounts.STATEMENTS,
    applications.STATEMENTS,
    permits.STATEMENTS,
    learning.STATEMENTS,
    distributions.STATEMENTS,
    harvest.STATEMENTS,
    link_keys.STATEMENTS,
    statistics.STATEMENTS,
    notices.STATEMENTS,
    saved_cohorts.STATEMENTS,
)


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables up to date. Raises InvalidSettings for a store of a newer program."""
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY)")
        (done,) = db.execute("SELECT coalesce(max(number), 0) FROM migration").fetchone()
        if done > len(MIGRATIONS):
            raise InvalidSettings(
                f"the store is at migration {done}, this program knows {len(MIGRATIONS)}; "
                "update the program"
            )
        for number, statements in enumerate(MIGRATIONS[done:], start=done + 1):
            for statement in statements:
                db.execute(statement)
            db.execute("INSERT INTO migration VALUES (?)", (number,))
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
