"""Port: evaluates a cohort query over the tables of one dataset version."""

from pathlib import Path
from typing import Protocol

from tessera.domain.cohort.exact import ExactCounts, NotSupported
from tessera.domain.cohort.query import Query

__all__ = ["CohortEngine", "ExactCounts", "NotSupported", "Query"]


class CohortEngine(Protocol):
    """Implementations pass `CohortEngineContract` of `tessera.testing.cohort_engine`."""

    def count(self, version_dir: Path, query: Query) -> ExactCounts | NotSupported:
        """Count over `patient.parquet`, `condition.parquet`, … in `version_dir`.

        NotSupported names every field of the query that the version cannot evaluate: its
        column is absent, or null in every row, or its table has no file, or this program
        does not know the field. Raises Unavailable when a file that is there cannot be
        read, or the query takes more memory than the engine may have; the error's text
        carries no value from a table. Safe to call from several threads.
        """
        ...
