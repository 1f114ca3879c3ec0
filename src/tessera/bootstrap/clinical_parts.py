"""Do the parts of a large clinical delivery in processes; a small one is done here."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tessera.adapters.pool import ProcessPool
from tessera.adapters.tables.parts import RowParts, read_part
from tessera.adapters.tables.provenance import write_trails
from tessera.domain.deid.clinical_part import PartResult, PartRow, PartSource, map_part
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Identified

WORTH_A_POOL = 8_000_000
"""Bytes of tables from which processes are started; less is done sooner than they start."""
_BYTES_PER_PART = 2_000_000
_FEWEST_PARTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsRequest:
    """What every worker knows."""

    key: bytes
    prefix: str
    issuers: frozenset[str]
    max_shift_days: int
    today: date
    excluded: frozenset[Pseudonym]
    files: tuple[str, ...]
    """Names of the delivery's files, by place."""
    provenance: Path | None
    """Folder for the lines of provenance; None keeps none."""

    def __repr__(self) -> str:
        return "PartsRequest(…)"

    def pseudonymiser(self) -> Pseudonymiser:
        return Pseudonymiser(
            self.key,
            prefix=self.prefix,
            home_issuers=self.issuers,
            max_shift_days=self.max_shift_days,
        )


@dataclass(frozen=True, slots=True)
class PartsHere:
    """A `DoParts` of this process: the whole delivery is one part."""

    request: PartsRequest

    def __call__(
        self, sources: Sequence[PartSource], rows: Iterable[tuple[str, Identified[PartRow]]]
    ) -> Iterator[PartResult]:
        mine = Identified([row.value for _, row in rows])
        yield _done(mine, tuple(sources), self.request, self.request.pseudonymiser(), "part-000")


@dataclass(frozen=True, slots=True)
class PartsInPool:
    """A `DoParts` over processes. `folder` is in the identified zone; what is put there goes."""

    request: PartsRequest
    folder: Path
    n_bytes: int
    """Of all tables."""
    workers: int = 0

    def __call__(
        self, sources: Sequence[PartSource], rows: Iterable[tuple[str, Identified[PartRow]]]
    ) -> Iterator[PartResult]:
        scratch = Path(tempfile.mkdtemp(dir=self.folder, prefix=".parts-"))
        try:
            n_parts = max(_FEWEST_PARTS, self.n_bytes // _BYTES_PER_PART)
            paths = RowParts(scratch, n_parts).write(rows)
            pool = ProcessPool(
                self.workers or os.cpu_count() or 1, _start, (self.request, tuple(sources))
            )
            try:
                yield from pool.map_unordered(_work, paths)
            finally:
                pool.close()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


_worker: dict[str, tuple[PartsRequest, tuple[PartSource, ...], Pseudonymiser]] = {}


def _start(request: PartsRequest, sources: tuple[PartSource, ...]) -> None:
    gc.disable()  # a part makes millions of values and no cycle; the process ends with the delivery
    _worker["here"] = (request, sources, request.pseudonymiser())


def _work(path: Path) -> PartResult:
    request, sources, pseudonymiser = _worker["here"]
    made = _done(Identified(read_part(path)), sources, request, pseudonymiser, path.name)
    path.unlink()
    return made


def _done(
    rows: Identified[Iterable[PartRow]],
    sources: Sequence[PartSource],
    request: PartsRequest,
    pseudonymiser: Pseudonymiser,
    name: str,
) -> PartResult:
    made = map_part(rows, sources, pseudonymiser, today=request.today, excluded=request.excluded)
    if request.provenance is not None and made.trails:
        write_trails(request.provenance / f"{name}.parquet", made.trails, request.files)
    return replace(made, trails=())
