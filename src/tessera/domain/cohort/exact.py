"""What a cohort engine returns: exact numbers, which stay inside the node.

`ExactCounts` is on purpose not a dataclass: it has no field list, no JSON form, no
pickle, and its text never shows a number, so that it reaches neither a message nor
a log by accident. `disclosure.disclose` is the way out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

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


@dataclass(frozen=True, slots=True)
class NotSupported:
    """The dataset version cannot evaluate these fields of the query; sorted, no repeats."""

    fields: tuple[str, ...]
