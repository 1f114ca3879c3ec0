"""The look across a study: does an output name somebody whom only another file of it knows?

Each file is searched for its own people when it is written. When all files of a run are there,
the outputs of a study whose files name different people are searched for those not all know, and
what names one is taken back. Bytes never depend on it, and neither does the order of the files.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from pathlib import Path

from tessera.adapters.files.deid_folder import FileOutcome
from tessera.adapters.files.dicom_source import dataset_source, opened
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.looking import RESIDUAL
from tessera.domain.deid.second_look import search
from tessera.domain.imaging.header import scan
from tessera.ports.executor import Executor
from tessera.ports.ledger import State

__all__ = ["StudyPeople"]

_NOTHING: frozenset[int] = frozenset()
_FORM = "-form"
"""Ends the kinds of residue that name nobody in particular; those were looked for before."""
_MOST = 128


@dataclass(frozen=True, slots=True)
class _Look:
    """Outputs of one study, and whom to search for in them. Identified."""

    out: str
    outputs: tuple[str, ...]
    people: Identities


@dataclass(slots=True)
class StudyPeople:
    """Who each study of a run names. Identified: it is never written."""

    _met: dict[str, set[Identities]] = field(default_factory=lambda: defaultdict(set), repr=False)

    def add(self, met: Mapping[str, frozenset[Identities]]) -> None:
        """Take what a batch has met, by new study UID."""
        for study, people in met.items():
            self._met[study] |= people

    def n_to_search(self, outcomes: Iterable[FileOutcome]) -> int:
        """Return how many outputs have to be looked at again."""
        return sum(len(some) for some in self._to_search(outcomes).values())

    def taken_back(
        self, outcomes: Iterable[FileOutcome], out: Path, executor: Executor
    ) -> list[FileOutcome]:
        """Return new outcomes of the files whose output named another's people; it is deleted."""
        of_study = self._to_search(outcomes)
        looks = (
            _Look(str(out), tuple(sorted(outputs))[at : at + _MOST], people)
            for study, outputs in of_study.items()
            for people in (_not_in_all(self._met[study]),)
            for at in range(0, len(outputs), _MOST)
        )
        kinds = {
            output: kind
            for found in executor.map_unordered(_naming, looks)
            for output, kind in found.items()
        }
        for output in kinds:
            _delete(out / output)
        everything = (one for some in of_study.values() for each in some.values() for one in each)
        return [_held(one, kinds[one.output]) for one in everything if one.output in kinds]

    def _to_search(
        self, outcomes: Iterable[FileOutcome]
    ) -> dict[str, dict[str, list[FileOutcome]]]:
        """Return study → output → its sources, of the studies whose files name different people."""
        found: dict[str, dict[str, list[FileOutcome]]] = {}
        for one in outcomes:
            study = one.output.split("/")[1] if one.output else ""
            if len(self._met.get(study, ())) > 1:
                found.setdefault(study, {}).setdefault(one.output, []).append(one)
        return found


def _not_in_all(people: Iterable[Identities]) -> Identities:
    """Return whom some files know and others do not: each was searched for its own."""
    every = tuple(people)
    return reduce(or_, every) - reduce(and_, every)


def _naming(look: _Look) -> dict[str, str]:
    """Return the outputs that name one of these people, with the kind of what was found."""
    kinds = {}
    for output in look.outputs:
        for residue in search(_head(f"{look.out}/{output}"), look.people):
            if not residue.kind.endswith(_FORM):
                kinds[output] = residue.kind
                break
    return kinds


def _head(path: str) -> bytes:
    """Return the bytes before the pixels, or all of a file without: inflated, as they say it."""
    with opened(path) as file:
        source, meta = dataset_source(file)
        at = scan(source, meta, _NOTHING).pixel_offset
        return source.read(0, at or source.size)


def _delete(place: Path) -> None:
    """Delete an output and the folders of its series, study and subject that become empty."""
    place.unlink(missing_ok=True)
    for folder in tuple(place.parents)[:3]:
        if not folder.is_dir() or any(folder.iterdir()):
            break
        folder.rmdir()


def _held(one: FileOutcome, kind: str) -> FileOutcome:
    return FileOutcome(
        source=one.source,
        state=State.HELD,
        reason=RESIDUAL,
        message=f"it may name somebody whom another file of its study names ({kind})",
        mend="look at both; add a rule to the profile or correct it at the sender",
    )
