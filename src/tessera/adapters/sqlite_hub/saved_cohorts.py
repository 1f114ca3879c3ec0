"""SavedCohortStore on SQLite."""

from collections.abc import Sequence

from tessera.adapters.sqlite_hub.database import Database, Row, time_of, time_text
from tessera.ports.saved_cohorts import SavedCohort

_COHORT = "SELECT cohort_id, owner, name, query, saved_at, is_shared, search_ids FROM saved_cohort"


class SqliteSavedCohorts:
    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, cohort: SavedCohort) -> None:
        self._db.change(
            "INSERT OR REPLACE INTO saved_cohort VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(cohort.cohort_id, cohort.owner, cohort.name, cohort.query),
                *(time_text(cohort.saved_at), int(cohort.is_shared)),
                " ".join(cohort.search_ids),
            ),
        )

    def find(self, cohort_id: str) -> SavedCohort | None:
        row = self._db.row(f"{_COHORT} WHERE cohort_id = ?", (cohort_id,))
        return None if row is None else _cohort(row)

    def of_owner(self, owner: str) -> Sequence[SavedCohort]:
        rows = self._db.rows(
            f"{_COHORT} WHERE owner = ? ORDER BY saved_at DESC, cohort_id", (owner,)
        )
        return [_cohort(row) for row in rows]

    def remove(self, cohort_id: str) -> None:
        self._db.change("DELETE FROM saved_cohort WHERE cohort_id = ?", (cohort_id,))


def _cohort(row: Row) -> SavedCohort:
    return SavedCohort(
        cohort_id=row[0],
        owner=row[1],
        name=row[2],
        query=row[3],
        saved_at=time_of(row[4]),
        is_shared=bool(row[5]),
        search_ids=tuple(row[6].split()),
    )
