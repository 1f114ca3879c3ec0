"""Port: evaluates a cohort query over the tables of one dataset version."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from tessera.domain.cohort.exact import ExactCells, ExactCounts, ExactSets, Matching, NotSupported
from tessera.domain.cohort.fields import DISTRIBUTED
from tessera.domain.cohort.query import Query
from tessera.domain.ids import Pseudonym
from tessera.domain.statistics.cut import Cut

__all__ = [
    "CohortEngine",
    "ExactCells",
    "ExactCounts",
    "ExactSets",
    "Matching",
    "NotSupported",
    "Query",
]
NO_CUTS: Final[Mapping[str, Cut]] = MappingProxyType({})


class CohortEngine(Protocol):
    """Implementations pass `CohortEngineContract` of `tessera.testing.cohort_engine`."""

    def count(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        least_subjects: int = 1,
    ) -> ExactCounts | NotSupported:
        """Count over `patient.parquet`, `condition.parquet`, … in `version_dir`.

        Those `excluded` are in no count. What the version supports does not depend on them:
        else a field that only they have would tell a watcher that they have left.

        NotSupported names every field of the query that the version cannot evaluate: its
        column is absent, or fewer than `least_subjects` subjects have a value in it, or its
        table has no file, or this program does not know the field. A version with fewer than
        `least_subjects` subjects supports every field that it has a column for. Whoever
        answers outside the node asks with the policy's minimum: else it would tell whether
        anybody has a value.

        Raises Unavailable when a file that is there cannot be read, or the query takes more
        memory or time than the engine may have; the error's text carries no value from a
        table. Safe to call from several threads.
        """
        ...

    def cells(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        by: Sequence[str] = DISTRIBUTED,
        least_subjects: int = 1,
    ) -> ExactCells | NotSupported:
        """Count as `count` does, and the matching subjects by the values of the fields `by`.

        A field in which fewer than `least_subjects` subjects of the version have a value is
        left out, and one without a column.
        """
        ...

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
        """Count as `cells` does, with sketches by the secret `key` of whom was counted.

        The cells of each of `cuts` are in `cells` too, under its name; those that nobody is in
        are left out, and a whole cut of which a field is left out.
        """
        ...

    def matching(
        self, version_dir: Path, query: Query, excluded: frozenset[Pseudonym] = frozenset()
    ) -> Matching | NotSupported:
        """Return whom `count` counts, and their studies. Raises as it does."""
        ...
