"""The index on PostgreSQL with a copy of its rows in the home, from which DICOMweb answers.

PostgreSQL is the truth. The copy is a SQLite index as an embedded node has it: the tables of
DICOMweb are kept beside its rows, and it can be removed and is then made anew.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from tessera.adapters.postgres_node.instance_index import COLUMNS, NAMES, PostgresInstanceIndex
from tessera.adapters.sqlite_node.connection import connect, transaction
from tessera.adapters.sqlite_node.instance_index import MIGRATIONS, SqliteInstanceIndex
from tessera.domain.ids import InstanceUid, Pseudonym, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified
from tessera.ports.instance_index import IndexTotals

_BATCH: Final = 1000


class MirroredInstanceIndex:
    """Reads from PostgreSQL, writes there first and then to the copy."""

    def __init__(self, index: PostgresInstanceIndex, copy: Path) -> None:
        self._index, self._path = index, copy
        self._seen_file = copy.with_name(f"{copy.name}.seen")
        self._copy: SqliteInstanceIndex | None = None
        self._behind = -1

    def put(self, rows: Sequence[Deidentified[InstanceRow]]) -> None:
        if rows:
            copy, n = self._caught_up()
            self._index.put(rows)
            copy.put(rows)
            self._saw(n + 1)

    def find(self, instance_uids: Sequence[InstanceUid]) -> dict[InstanceUid, InstanceRow]:
        return self._index.find(instance_uids)

    def all(self) -> Iterator[InstanceRow]:
        return self._index.all()

    def of_study(self, study_uid: StudyUid) -> Sequence[InstanceRow]:
        return self._index.of_study(study_uid)

    def subjects(self) -> frozenset[Pseudonym]:
        return self._index.subjects()

    def remove(self, instance_uids: Sequence[InstanceUid]) -> None:
        if instance_uids:
            copy, n = self._caught_up()
            self._index.remove(instance_uids)
            copy.remove(instance_uids)
            self._saw(n + 1)  # where another change came between, this is one short and found

    def totals(self) -> IndexTotals:
        return self._index.totals()

    def catch_up(self) -> None:
        """Bring the copy to what PostgreSQL holds; cheap when it is there.

        A kill, or another machine, may have come between: PostgreSQL counts the changes, and a
        file beside the copy says how many of them it has.
        """
        self._caught_up()

    def catch_up_if_left_behind(self) -> None:
        """Call this now and then: it catches up with another machine that has done for now.

        A change that is on its way in another process of this one is not waited for.
        """
        n = self._index.changes()
        if self._seen() != n and self._behind == n:
            self._caught_up()
        self._behind = n

    def copy_to(self, path: Path) -> None:
        """Make a SQLite index hold what PostgreSQL holds; what else is in its file stays."""
        catch_up(self._index, path)

    def close(self) -> None:
        self._index.close()
        if self._copy is not None:
            self._copy.close()

    def _caught_up(self) -> tuple[SqliteInstanceIndex, int]:
        """Return the copy, and the number of changes that it has."""
        if self._copy is None:
            if not self._path.exists():
                self._seen_file.unlink(missing_ok=True)  # it speaks of a copy that is gone
            self._copy = SqliteInstanceIndex(self._path)
        n = self._index.changes()
        if self._seen() != n:
            catch_up(self._index, self._path)
            self._saw(n)
        return self._copy, n

    def _seen(self) -> int:
        try:
            return int(self._seen_file.read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return -1

    def _saw(self, n: int) -> None:
        part = self._seen_file.with_name(f"{self._seen_file.name}.part")
        part.write_text(str(n), "ascii")
        part.replace(self._seen_file)


def catch_up(index: PostgresInstanceIndex, path: Path) -> None:
    """Give a copy the rows of `index` and no other, as they are stored; both are read whole."""
    put = (
        f"INSERT OR REPLACE INTO instance ({COLUMNS}) "  # noqa: S608 - names of our own
        f"VALUES ({', '.join('?' * len(NAMES))})"
    )
    with closing(connect(path, MIGRATIONS)) as db:
        known = dict(db.execute("SELECT instance_uid, sha256 FROM instance"))
        at, content = NAMES.index("instance_uid"), NAMES.index("sha256")
        fresh = (row for row in index.stored() if known.pop(row[at], "") != row[content])
        while batch := list(islice(fresh, _BATCH)):
            with transaction(db):
                db.executemany(put, batch)
        with transaction(db):
            db.executemany("DELETE FROM instance WHERE instance_uid = ?", [(u,) for u in known])
