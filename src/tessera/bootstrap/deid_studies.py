"""Wire the look across the studies of `tessera deid`, once all their files are there."""

import os
from collections.abc import Collection
from pathlib import Path

from tessera.adapters.files.deid_folder import FileOutcome
from tessera.adapters.files.study_people import StudyPeople
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.bootstrap.deid import DeidRun
from tessera.bootstrap.writing import writing_to

__all__ = ["StudyPeople", "taken_back"]

_WORTH_WORKERS = 20_000
"""Outputs to look at: fewer are done before workers have started."""


def taken_back(
    studies: StudyPeople, outcomes: Collection[FileOutcome], out: Path, run: DeidRun
) -> list[FileOutcome]:
    """Return new outcomes of the files whose output named another's people; it is deleted."""
    n = run.workers or os.cpu_count() or 1
    many = n > 1 and studies.n_to_search(outcomes) >= _WORTH_WORKERS
    executor = ProcessPool(n, _ready, ()) if many else InProcess()
    with writing_to(out):
        try:
            return studies.taken_back(outcomes, out, executor)
        finally:
            executor.close()


def _ready() -> None:
    """Nothing is to be set up: a look brings what it needs."""
