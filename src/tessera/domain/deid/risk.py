"""How easily a subject stands out: k over the quasi-identifiers of headers and tables together.

De-identified is not the end of it: who knows that a neighbour of 43 had a rare cancer may find
the one record that fits. Quasi-identifiers are what such a person may know: sex, age, cancer,
whether somebody died. Dates are moved by a secret of each subject and are none. Pure.

Sources: k-anonymity after Sweeney, "k-anonymity: a model for protecting privacy" (2002); the
measures of ISO/IEC 27559:2022 (risk for one attacked at random, highest risk).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.instance import InstanceRow

COLUMNS: Final = ("sex", "age", "cancer", "topography", "deceased", "modalities", "body_parts")
"""What an outsider may know of a subject; from headers and the clinical table together."""
SMALL: Final = 5
"""A class of fewer subjects than this counts as small."""
Known = tuple[str, ...]
"""One subject's values in the order of COLUMNS; "" is unknown."""


@dataclass(frozen=True, slots=True)
class Coarser:
    """What one way of telling less would do."""

    column: str
    change: str
    """left-out, or ten-years for ages."""
    unique: int
    """Subjects who would still be alone in their class."""
    small: int
    """Subjects who would still be in a class of fewer than SMALL."""


@dataclass(frozen=True, slots=True)
class Risk:
    """Figures of one set of subjects. Exact: they stay at the node."""

    n_subjects: int
    n_classes: int
    """Distinct combinations of all columns."""
    k: int
    """Subjects of the smallest class; 0 when there is nobody."""
    unique: int
    """Subjects who are alone in their class."""
    small: int
    """Subjects in a class of fewer than SMALL."""
    sizes: tuple[tuple[int, int], ...]
    """(size of class, number of such classes), ascending."""
    known: Mapping[str, int]
    """Column → subjects of whom it is known."""
    coarser: tuple[Coarser, ...]
    """What would help, most first."""

    @property
    def highest(self) -> float:
        """The chance of finding one subject of the smallest class, 0 to 1."""
        return 1 / self.k if self.k else 0.0

    @property
    def mean(self) -> float:
        """The chance of finding a subject picked at random, 0 to 1."""
        return self.n_classes / self.n_subjects if self.n_subjects else 0.0


def risk_of(rows: Iterable[InstanceRow], records: Iterable[ClinicalRecord]) -> Risk:
    """Return how easily the subjects of these images and clinical records stand out.

    Ages count in bands of five years; a value that is in the header and in the table counts
    from the table.
    """
    subjects = list(known_of(rows, records).values())
    classes = Counter(subjects)
    sizes = Counter(classes.values())
    present = _alone_and_small(classes)
    options = [
        _coarser(subjects, place, name, "left-out", lambda _: "")
        for place, name in enumerate(COLUMNS)
        if any(subject[place] for subject in subjects)
    ]
    options.append(_coarser(subjects, COLUMNS.index("age"), "age", "ten-years", _ten_years))
    helpful = [one for one in options if (one.unique, one.small) < present]
    return Risk(
        n_subjects=len(subjects),
        n_classes=len(classes),
        k=min(classes.values(), default=0),
        unique=present[0],
        small=present[1],
        sizes=tuple(sorted(sizes.items())),
        known={
            name: sum(bool(subject[place]) for subject in subjects)
            for place, name in enumerate(COLUMNS)
        },
        coarser=tuple(sorted(helpful, key=lambda one: (one.unique, one.small, one.column))),
    )


def known_of(
    rows: Iterable[InstanceRow], records: Iterable[ClinicalRecord]
) -> dict[Pseudonym, Known]:
    """Return subject → values of COLUMNS."""
    of_subject: dict[Pseudonym, dict[str, set[str]]] = {}
    for row in rows:
        values = of_subject.setdefault(row.subject, {})
        _add(values, "sex", {"M": "male", "F": "female", "O": "other"}.get(row.sex, ""))
        _add(values, "modalities", row.modality)
        _add(values, "body_parts", row.body_part)
        if row.age_years is not None:
            _add(values, "age", _five_years(row.age_years))
    for record in records:
        values = of_subject.setdefault(record.subject.subject, {})
        if record.subject.sex and record.subject.sex != "unknown":
            values["sex"] = {record.subject.sex}
        if record.subject.deceased is not None:
            values["deceased"] = {"dead" if record.subject.deceased else "alive"}
        ages = [c.age_at_diagnosis for c in record.conditions if c.age_at_diagnosis is not None]
        if ages:
            values["age"] = {_five_years(min(ages))}
        for condition in record.conditions:
            _add(values, "cancer", condition.cancer)
            _add(values, "topography", (condition.topography or "").split(".")[0])
    return {
        subject: tuple(_one(values.get(name, set()), name) for name in COLUMNS)
        for subject, values in of_subject.items()
    }


def _add(values: dict[str, set[str]], name: str, value: str) -> None:
    if value:
        values.setdefault(name, set()).add(value)


def _one(values: set[str], name: str) -> str:
    if name == "age":  # several studies: the first of them
        return min(values, default="")
    return " ".join(sorted(values))


def _five_years(age: float) -> str:
    start = min(int(age // 5 * 5), 90)
    return f"{start:02d}-{start + 4:02d}" if start < 90 else "90+"


def _ten_years(band: str) -> str:
    return band[:1] + "0s" if band else ""


def _alone_and_small(classes: Counter[Known]) -> tuple[int, int]:
    alone = sum(n for n in classes.values() if n == 1)
    return alone, sum(n for n in classes.values() if n < SMALL)


def _coarser(
    subjects: list[Known], place: int, name: str, change: str, told: Callable[[str], str]
) -> Coarser:
    classes = Counter((*one[:place], told(one[place]), *one[place + 1 :]) for one in subjects)
    return Coarser(name, change, *_alone_and_small(classes))
