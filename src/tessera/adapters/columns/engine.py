"""A CohortEngine that keeps the columns of the versions it was asked about in memory."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Final

from tessera.adapters.columns.evaluate import Evaluation, not_supported
from tessera.adapters.columns.marked import marked_sets
from tessera.adapters.columns.values import Odd
from tessera.adapters.columns.version import Version, table_path
from tessera.adapters.duckdb.cohort import DuckDbCohortEngine
from tessera.domain.cohort.exact import ExactCells, ExactCounts, ExactSets, Matching, NotSupported
from tessera.domain.cohort.fields import DISTRIBUTED, Level
from tessera.domain.cohort.query import Query
from tessera.domain.errors import InvalidInput, Unavailable
from tessera.domain.ids import Pseudonym
from tessera.domain.statistics.cut import Cut
from tessera.ports.cohort_engine import NO_CUTS

MOST_VERSIONS: Final = 8
"""Kept at once: some 150 MB for 1.5 million series, less than 1 MB for a thousand."""
_Stamp = tuple[tuple[int, int, int], ...]


class ColumnCohortEngine:
    """A CohortEngine. Reads files below `root` and nothing else; writes nothing.

    What is not in the form that the program writes (a row without its key, a column of another
    type) is answered by DuckDB, which reads nearly everything and is slower.
    """

    def __init__(self, root: Path, otherwise: DuckDbCohortEngine | None = None) -> None:
        self._root = root.resolve()
        self._otherwise = otherwise or DuckDbCohortEngine(root)
        self._kept: OrderedDict[Path, tuple[_Stamp, Evaluation, Version]] = OrderedDict()
        self._lock = Lock()

    def close(self) -> None:
        """Free the memory. The engine cannot be used afterwards."""
        self._kept.clear()
        self._otherwise.close()

    def forget(self) -> None:
        """Drop what was found for single conditions; the columns stay."""
        for _, evaluation, _ in self._kept.values():
            evaluation.forget()

    def count(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        least_subjects: int = 1,
    ) -> ExactCounts | NotSupported:
        """See the port."""
        try:
            evaluation, version = self._opened(version_dir)
            lacking = not_supported(version, query.where, least_subjects)
            return lacking or evaluation.counts(query.where, version.patients_but(excluded))
        except Odd:
            return self._otherwise.count(
                version_dir, query, excluded, least_subjects=least_subjects
            )
        except MemoryError:
            raise Unavailable("the query could not be evaluated (MemoryError)") from None

    def cells(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        by: Sequence[str] = DISTRIBUTED,
        least_subjects: int = 1,
    ) -> ExactCells | NotSupported:
        """See the port."""
        try:
            evaluation, version = self._opened(version_dir)
            lacking = not_supported(version, query.where, least_subjects)
            among = version.patients_but(excluded)
            return lacking or evaluation.cells(query.where, among, by, least_subjects)
        except Odd:
            return self._otherwise.cells(
                version_dir, query, excluded, by=by, least_subjects=least_subjects
            )
        except MemoryError:
            raise Unavailable("the query could not be evaluated (MemoryError)") from None

    def sets(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        key: bytes,
        by: Sequence[str] = DISTRIBUTED,
        cuts: Mapping[str, Cut] = NO_CUTS,
        least_subjects: int = 1,
    ) -> ExactSets | NotSupported:
        """See the port."""
        try:
            evaluation, version = self._opened(version_dir)
            lacking = not_supported(version, query.where, least_subjects)
            among = version.patients_but(excluded)
            return lacking or marked_sets(
                evaluation,
                version,
                query.where,
                among,
                key=key,
                by=by,
                cuts=cuts,
                least_subjects=least_subjects,
            )
        except Odd:
            return self._otherwise.sets(
                version_dir,
                query,
                excluded,
                key=key,
                by=by,
                cuts=cuts,
                least_subjects=least_subjects,
            )
        except MemoryError:
            raise Unavailable("the query could not be evaluated (MemoryError)") from None

    def matching(
        self, version_dir: Path, query: Query, excluded: frozenset[Pseudonym] = frozenset()
    ) -> Matching | NotSupported:
        """See the port."""
        try:
            evaluation, version = self._opened(version_dir)
            lacking = not_supported(version, query.where, 1)
            among = version.patients_but(excluded)
            return lacking or evaluation.matching(query.where, among)
        except Odd:
            return self._otherwise.matching(version_dir, query, excluded)
        except MemoryError:
            raise Unavailable("the query could not be evaluated (MemoryError)") from None

    def _opened(self, version_dir: Path) -> tuple[Evaluation, Version]:
        folder = version_dir.resolve()
        if not folder.is_relative_to(self._root):
            raise InvalidInput(f"{version_dir} is not a version of this node")
        stamp = _stamp(folder)
        with self._lock:
            kept = self._kept.get(folder)
            if kept is None or kept[0] != stamp:
                version = Version(folder)
                kept = self._kept[folder] = stamp, Evaluation(version), version
            self._kept.move_to_end(folder)
            while len(self._kept) > MOST_VERSIONS:
                self._kept.popitem(last=False)
            return kept[1], kept[2]


def _stamp(folder: Path) -> _Stamp:
    """Tell the files of a version from any that take their place."""
    found = []
    for level in Level:
        try:
            stat = table_path(folder, level).stat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)
