"""Wire `tessera deid --deface`: head CT and MR without the face, series by series."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tessera.adapters.files.deid_faces import DefacedSeries, DeidFaces
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.bootstrap.deid import DeidRun, gate_for
from tessera.bootstrap.writing import writing_to
from tessera.ports.executor import Executor
from tessera.ports.ledger import SourceFile

_workers: dict[str, DeidFaces] = {}


def deface_folder(
    sources: Sequence[SourceFile], out: Path, run: DeidRun
) -> Iterator[DefacedSeries]:
    """Return what became of each series of heads, as they come. Always on this host.

    `sources` are those held for their face alone: what may have text in its pixels too is a
    person's. Raises InvalidSettings, Conflict.
    """
    finder = DeidFaces(gate_for(run), out.absolute())
    series: dict[str, list[SourceFile]] = {}
    for source in sources:
        series.setdefault(finder.series_of(source), []).append(source)
    n = min(run.workers or os.cpu_count() or 1, len(series))
    executor: Executor
    if n > 1:
        executor = ProcessPool(n, _start, (run, out.absolute()))
    else:
        _workers["here"] = finder
        executor = InProcess()
    with writing_to(out):
        try:
            yield from executor.map_unordered(_deface, list(series.values()))
        finally:
            executor.close()


def _start(run: DeidRun, out: Path) -> None:
    _workers["here"] = DeidFaces(gate_for(run), out)


def _deface(sources: Sequence[SourceFile]) -> DefacedSeries:
    return _workers["here"].deface(sources)
