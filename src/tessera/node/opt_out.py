"""Use case: a patient opts out of every count, version and run, or takes that back; where she was.

The list is written first and the report made after: whatever cannot be read, she is out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tessera.domain.access.exclusions import Exclusion
from tessera.domain.errors import TesseraError
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.node.datasets import subjects_of_version
from tessera.node.runs import RunWith
from tessera.ports.dataset_store import DatasetStore
from tessera.ports.exclusions import ExclusionList


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSeen:
    """One dataset version and who of those named is in it. It is never rewritten."""

    dataset_id: DatasetId
    version: int
    is_newest: bool
    is_published: bool
    """The hub's catalogue has it, or its description is on the way there."""
    subjects: frozenset[Pseudonym] | None
    """None when its table of patients cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutOutcome:
    """What came of it. Exact; stays inside the node."""

    subjects: tuple[Pseudonym, ...]
    """In the order named, each once."""
    changed: frozenset[Pseudonym]
    """Who was not on the list before, or after a removal is no longer."""
    in_node: frozenset[Pseudonym]
    """Of whom the node holds images or a clinical record."""
    versions: tuple[VersionSeen, ...]
    """Those that hold one of the subjects, and those that cannot be read."""
    runs: tuple[RunWith, ...]
    """Runs and trainings that saw one of the subjects, with what of them was released."""

    @property
    def to_renew(self) -> tuple[DatasetId, ...]:
        """Datasets whose newest version holds one of the subjects."""
        return tuple(one.dataset_id for one in self.versions if one.is_newest and one.subjects)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutDesk:
    """Where opt-outs are written down."""

    exclusions: ExclusionList
    store: DatasetStore
    published: Callable[[], frozenset[tuple[DatasetId, int]]]
    in_node: Callable[[], frozenset[Pseudonym]]
    """Gives everybody of whom the node holds something."""
    runs_with: Callable[[frozenset[Pseudonym]], tuple[RunWith, ...]]
    """Gives the runs that saw any of these."""

    def add(
        self, subjects: Sequence[Pseudonym], *, by: str, reason: str, now: datetime
    ) -> OptOutOutcome:
        """Leave these out from now on, in the node or not yet. Again changes nothing."""
        since = now.replace(microsecond=0)
        changed = self.exclusions.add(
            [Exclusion(subject=one, since=since, by=by, reason=reason) for one in subjects]
        )
        return self._outcome(subjects, changed)

    def remove(self, subjects: Sequence[Pseudonym]) -> OptOutOutcome:
        """Count these again from now on; of somebody who is not on the list, nothing changes."""
        return self._outcome(subjects, self.exclusions.remove(subjects))

    def _outcome(
        self, subjects: Sequence[Pseudonym], changed: frozenset[Pseudonym]
    ) -> OptOutOutcome:
        named, published = frozenset(subjects), self.published()
        return OptOutOutcome(
            subjects=tuple(dict.fromkeys(subjects)),
            changed=changed,
            in_node=named & self.in_node(),
            versions=tuple(
                seen
                for dataset_id in self.store.dataset_ids()
                for seen in self._of_dataset(dataset_id, named, published)
                if seen.subjects is None or seen.subjects
            ),
            runs=self.runs_with(named),
        )

    def _of_dataset(
        self,
        dataset_id: DatasetId,
        named: frozenset[Pseudonym],
        published: frozenset[tuple[DatasetId, int]],
    ) -> Sequence[VersionSeen]:
        versions = self.store.versions(dataset_id)
        return [
            VersionSeen(
                dataset_id=dataset_id,
                version=version,
                is_newest=version == versions[-1],
                is_published=(dataset_id, version) in published,
                subjects=self._seen(dataset_id, version, named),
            )
            for version in versions
        ]

    def _seen(
        self, dataset_id: DatasetId, version: int, named: frozenset[Pseudonym]
    ) -> frozenset[Pseudonym] | None:
        try:
            return named & subjects_of_version(self.store, dataset_id, version)
        except TesseraError:  # a damaged version must not hide where else she is
            return None
