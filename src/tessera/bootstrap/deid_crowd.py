"""Wire `tessera deid --profile crowd`: the whole batch first, then each file.

1. All headers are read: who is in the batch, and what would be told of each.
2. Each patient gets the level at which at least k patients look the same, or is held back.
3. The files are written to a folder of their own, each patient by the rules of that level.
4. What was written is read again and counted; who is in too small a group now, since another's
   files were held or refused, is taken away. Only then do the files get their place.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from tessera.adapters.dask import DaskCluster
from tessera.adapters.files.deid_folder import FileOutcome
from tessera.adapters.files.dicom_source import dataset_source, normalised, opened
from tessera.adapters.files.take_in import source_path
from tessera.adapters.pool import InProcess, ProcessPool
from tessera.bootstrap.deid import DeidRun, rules_of
from tessera.bootstrap.writing import writing_to
from tessera.domain.deid.crowd import (
    HELD_BACK,
    LEVELS,
    SEEN_TAGS,
    STANDS_OUT,
    Crowd,
    Seen,
    as_released,
    levels_for,
    seen,
    small_classes,
    together,
)
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.subject import subject_of
from tessera.domain.errors import InvalidInput, InvalidSettings
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.encoding import OddEncoding
from tessera.domain.imaging.header import scan
from tessera.ports.executor import Executor
from tessera.ports.ledger import SourceFile, State

_BATCH = 64
_WAITING = ".not-released"
_MEND = "take it in with more patients, or change k or known in the profile's [crowd]"
_looking: dict[str, tuple[Pseudonymiser, Path]] = {}
Looked = tuple[str, Pseudonym, Seen]
"""Source, its patient, and what its header tells."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What the headers of all sources say: identified, of this run alone."""

    rules: Crowd
    waiting: Path
    """Where files wait until all are known."""
    subjects: dict[str, Pseudonym] = field(default_factory=dict, repr=False)
    """Source → patient, of the sources that have a header."""
    levels: dict[Pseudonym, int] = field(default_factory=dict, repr=False)

    def parts(
        self, sources: Sequence[SourceFile], run: DeidRun
    ) -> Iterator[tuple[list[SourceFile], DeidRun]]:
        """Return the sources of each level and how they are de-identified.

        Those without a header come with the first: why they are none is found there.
        """
        for level in range(HELD_BACK):
            some = [one for one in sources if self._level(one) == level]
            if some:
                yield some, replace(run, level=level)

    def held_back(self, sources: Iterable[SourceFile]) -> list[FileOutcome]:
        """Return the outcomes of those whom no level hides."""
        return [_stands_out(one.key) for one in sources if self._level(one) == HELD_BACK]

    def _level(self, source: SourceFile) -> int:
        subject = self.subjects.get(source.key)
        return 0 if subject is None else self.levels[subject]


@dataclass(frozen=True, slots=True)
class CrowdFigures:
    """What a batch came to. Counts alone: it may be shown."""

    k: int
    patients: int
    """CrowdFigures."""
    smallest: int
    """Patients of the smallest group that looks the same; at least k, 0 when nobody is left."""
    levels: tuple[int, ...]
    """Patients released at each of LEVELS."""
    held_back: int
    """Patients who would have stood out."""

    def as_json(self) -> dict[str, object]:
        return {
            "k": self.k,
            "patients": self.patients,
            "smallest_group": self.smallest,
            "levels": [
                {"level": n, "told": LEVELS[n], "patients": count}
                for n, count in enumerate(self.levels)
            ],
            "patients_held_back": self.held_back,
        }


def require_untold(*, key: Path | None, mapping: Path | None) -> None:
    """Raises InvalidSettings when a key or a mapping would lead back to the patients."""
    for option, given in (("--key", key), ("--mapping", mapping)):
        if given is not None:
            raise InvalidSettings(
                f"{option}: a set under this profile has none, since it would lead back to the"
                " patients; leave it out, or take the profile research"
            )


@contextmanager
def look_at_batch(sources: Sequence[SourceFile], out: Path, run: DeidRun) -> Iterator[Batch]:
    """Read all headers and give the batch; what was not released by then is deleted at the end.

    Raises InvalidInput when `out` has something in it or holds sources; Conflict.
    """
    rules = rules_of(run.profile).profile.crowd or Crowd()
    if any(Path(source.path).is_relative_to(out.absolute()) for source in sources):
        raise InvalidInput(f"{out} holds files to be read; name a folder outside them")
    waiting = out.absolute() / _WAITING
    with writing_to(out):
        if waiting.exists():  # of a run that was killed; its key is gone
            shutil.rmtree(waiting)
        if out.exists() and any(out.iterdir()):
            raise InvalidInput(
                f"{out} is not empty: a set under this profile is made in one go; name a new folder"
            )
        waiting.mkdir(mode=0o700, parents=True)
    try:
        found: list[Looked] = []
        executor = _executor(len(sources), run, waiting)
        try:
            left = iter(sources)
            batches = iter(lambda: tuple(islice(left, _BATCH)), ())
            for some in executor.map_unordered(_look, batches):
                found.extend(some)
        finally:
            executor.close()
        levels = levels_for(together((who, one) for _, who, one in found), rules)
        yield Batch(rules, waiting, {source: who for source, who, _ in found}, levels)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def release(batch: Batch, outcomes: dict[str, FileOutcome], out: Path) -> CrowdFigures:
    """Put what k patients or more share in its place, and hold back the rest.

    `outcomes` by source are mended: those held back now are no longer stored, and no source is
    said to have become this or that file. Raises Conflict when `out` cannot be written.
    """
    written = together(
        (Pseudonym(path.relative_to(batch.waiting).parts[0]), _seen(path))
        for path in batch.waiting.rglob("*.dcm")
    )
    values = {who: as_released(one, batch.rules) for who, one in written.items()}
    few = small_classes(values, batch.rules.k)
    with writing_to(out):
        for who in sorted(written.keys() - few):
            (batch.waiting / who).rename(out / who)
    for source, one in outcomes.items():
        subject = batch.subjects.get(source)
        if subject in few and one.state in (State.STORED, State.DUPLICATE):
            outcomes[source] = _stands_out(source)
        else:
            outcomes[source] = replace(one, output="")
    stays = {who: told for who, told in values.items() if who not in few}
    levels = Counter(batch.levels.get(who, 0) for who in stays)
    n_held = sum(level == HELD_BACK for level in batch.levels.values())
    return CrowdFigures(
        batch.rules.k,
        len(stays),
        min(Counter(stays.values()).values(), default=0),
        tuple(levels[n] for n in range(HELD_BACK)),
        n_held + len(few),
    )


def _stands_out(source: str) -> FileOutcome:
    return FileOutcome(
        source=source,
        state=State.HELD,
        reason=STANDS_OUT,
        message="too few patients look like its patient",
        mend=_MEND,
    )


def _seen(path: Path) -> Seen:
    with opened(path) as file:
        return seen(scan(*dataset_source(file), SEEN_TAGS))


def _executor(n_sources: int, run: DeidRun, inbox: Path) -> Executor:
    n = run.workers or os.cpu_count() or 1
    if run.cluster:
        return DaskCluster(run.cluster, _start, (run, inbox))
    if n > 1 and n_sources > _BATCH:
        return ProcessPool(n, _start, (run, inbox), forked=True)
    _start(run, inbox)
    return InProcess()


def _start(run: DeidRun, inbox: Path) -> None:
    _looking["here"] = (Pseudonymiser(run.key, home_issuers=frozenset(run.issuers)), inbox)


def _look(sources: Sequence[SourceFile]) -> list[Looked]:
    pseudonymiser, inbox = _looking["here"]
    all_of = (_looked(source, pseudonymiser, inbox) for source in sources)
    return [one for one in all_of if one is not None]


def _looked(source: SourceFile, pseudonymiser: Pseudonymiser, inbox: Path) -> Looked | None:
    """Return what one header tells; None when it cannot be read: de-identifying it says why."""
    try:
        with source_path(source, inbox) as path, opened(path) as file:
            try:
                header = scan(*dataset_source(file), SEEN_TAGS)
            except OddEncoding:
                header = scan(*normalised(file), SEEN_TAGS)
        return source.key, subject_of(header, pseudonymiser), seen(header)
    except Exception:  # a hostile file, whatever it hits
        return None
