"""What a cohort engine returns: exact numbers, which stay inside the node.

`ExactCounts` is on purpose not a dataclass: it has no field list, no JSON form, no
pickle, and its text never shows a number, so that it reaches neither a message nor
a log by accident. `disclosure.disclose` is the way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from tessera.domain.cohort.sketch import Sketch
from tessera.domain.errors import InvalidInput


class ExactCounts:
    """Exact counts of one query over one dataset version."""

    __slots__ = ("_n_studies", "_n_study_subjects", "_n_subjects")

    def __init__(self, n_subjects: int, n_studies: int, n_study_subjects: int) -> None:
        if min(n_subjects, n_studies, n_study_subjects) < 0:
            raise InvalidInput("a count cannot be negative")
        self._n_subjects = n_subjects
        self._n_studies = n_studies
        self._n_study_subjects = n_study_subjects

    @property
    def n_subjects(self) -> int:
        """Subjects for whom the query holds."""
        return self._n_subjects

    @property
    def n_studies(self) -> int:
        """Studies of those subjects in which a study or series condition holds (query.py)."""
        return self._n_studies

    @property
    def n_study_subjects(self) -> int:
        """Subjects to whom those studies belong; the gate looks at it before `n_studies`."""
        return self._n_study_subjects

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactCounts) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, int, int]:
        return (self._n_subjects, self._n_studies, self._n_study_subjects)

    def __repr__(self) -> str:
        return "ExactCounts(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("exact counts stay in the process that counted")


@dataclass(frozen=True, slots=True, repr=False)
class Matching:
    """For whom a query holds, by name: it stays inside the node but under a permit."""

    subjects: frozenset[str]
    studies: frozenset[str]
    """UIDs of the studies that `ExactCounts.n_studies` counts."""


class ExactCells:
    """Exact numbers of the matching subjects by the values of some fields, closed as above."""

    __slots__ = ("_cells", "_counts")

    def __init__(self, counts: ExactCounts, cells: Mapping[str, Mapping[str, int]]) -> None:
        self._counts = counts
        self._cells = cells

    @property
    def counts(self) -> ExactCounts:
        return self._counts

    @property
    def cells(self) -> Mapping[str, Mapping[str, int]]:
        """Field → value → subjects who match and have it. A subject may have several."""
        return self._cells

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactCells) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._counts)

    def _key(self) -> tuple[object, ...]:
        return self._counts, {name: dict(cells) for name, cells in self._cells.items()}

    def __repr__(self) -> str:
        return "ExactCells(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("exact numbers stay in the process that counted")


class ExactSet:
    """How many there are of something, and the sketch of whose they are. Closed as above."""

    __slots__ = ("_n", "_sketch")

    def __init__(self, n: int, sketch: Sketch) -> None:
        self._n = n
        self._sketch = sketch

    @property
    def n(self) -> int:
        return self._n

    @property
    def sketch(self) -> Sketch:
        """Shape (64,)."""
        return self._sketch

    def __repr__(self) -> str:
        return "ExactSet(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("exact numbers stay in the process that counted")


class ExactSets:
    """What one query found over one dataset version, with whom; closed as above."""

    __slots__ = ("_cells", "_counts", "_studies", "_studies_each", "_study_subjects", "_subjects")

    def __init__(
        self,
        counts: ExactCounts,
        *,
        subjects: ExactSet,
        study_subjects: ExactSet,
        studies: ExactSet,
        studies_each: int,
        cells: Mapping[str, Mapping[str, ExactSet]],
    ) -> None:
        self._counts = counts
        self._subjects = subjects
        self._study_subjects = study_subjects
        self._studies = studies
        self._studies_each = studies_each
        self._cells = cells

    @property
    def counts(self) -> ExactCounts:
        return self._counts

    @property
    def subjects(self) -> ExactSet:
        """Subjects for whom the query holds."""
        return self._subjects

    @property
    def study_subjects(self) -> ExactSet:
        """Those of them who have one of `studies`."""
        return self._study_subjects

    @property
    def studies(self) -> ExactSet:
        """Their studies as `ExactCounts.n_studies`, of each subject `studies_each` at most."""
        return self._studies

    @property
    def studies_each(self) -> int:
        """So many studies has a subject of the version who has as many as one in ten has."""
        return self._studies_each

    @property
    def cells(self) -> Mapping[str, Mapping[str, ExactSet]]:
        """As `ExactCells.cells`."""
        return self._cells

    def __repr__(self) -> str:
        return "ExactSets(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("exact numbers stay in the process that counted")


@dataclass(frozen=True, slots=True)
class NotSupported:
    """The dataset version cannot evaluate these fields of the query; sorted, no repeats."""

    fields: tuple[str, ...]
