"""What a cohort engine returns: exact numbers, which stay inside the node.

`ExactCounts` is on purpose not a dataclass: it has no field list, no JSON form, no
pickle, and its text never shows a number, so that it reaches neither a message nor
a log by accident. `disclosure.disclose` is the way out.
"""

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


@dataclass(frozen=True, slots=True)
class NotSupported:
    """The dataset version cannot evaluate these fields of the query; sorted, no repeats."""

    fields: tuple[str, ...]
