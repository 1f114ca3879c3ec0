"""Two answers side by side: what each dataset told, and how far that is apart. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from tessera.domain.cohort.result import DatasetResult, Outcome, SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One dataset in both answers; None where it was not asked."""

    one: DatasetResult | None
    other: DatasetResult | None

    @property
    def either(self) -> DatasetResult:
        found = self.one or self.other
        if found is None:
            raise ValueError("a pair has one side at least")
        return found

    @property
    def apart(self) -> int | None:
        """The other minus the one, where both are counted; each is rounded by its policy."""
        counts = [
            row.n_subjects
            for row in (self.one, self.other)
            if row is not None and row.outcome is Outcome.COUNTED
        ]
        if len(counts) < 2 or counts[0] is None or counts[1] is None:
            return None
        return counts[1] - counts[0]

    @property
    def is_other_version(self) -> bool:
        """Whether the two were counted in different versions of the dataset."""
        return bool(self.one and self.other and self.one.version != self.other.version)


def pairs(one: SearchResult, other: SearchResult) -> tuple[Pair, ...]:
    """Return every dataset of either answer, by node and title."""
    left, right = ({(r.node_id, r.dataset_id): r for r in x.results} for x in (one, other))

    def both() -> Iterator[Pair]:
        for key in {**left, **right}:
            yield Pair(one=left.get(key), other=right.get(key))

    return tuple(sorted(both(), key=lambda p: (p.either.node_name.casefold(), p.either.title)))
