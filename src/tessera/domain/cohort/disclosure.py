"""The gate through which every number about subjects leaves a node. Pure.

This is the only module that calls `seal_released`. What it does not defend against:
differences between the answers to several queries (docs/reference/cohort-language.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.cohort.answer import Counts
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput
from tessera.domain.zones import Released, seal_released

_MEGABYTE = 1_000_000
_OTHER = "other"
_OPEN = frozenset({"modality", "body_part", "manufacturer"})
"""Facets with values as devices write them, or many: one that is too few is not named. A
subject may be under several, so that the values do not add up to the total."""
_AGE_BANDS = ("0-9", *(f"{low}-{low + 9}" for low in range(10, 90, 10)), "90+")


@dataclass(frozen=True, slots=True)
class CountPolicy:
    """A node's own rule. A node starts with 10 and 10; 1 and 1 would disclose everything."""

    minimum: int = 10
    """Counts from 1 to `minimum - 1` are not told apart from 0. Subjects."""
    step: int = 10
    """Counts are rounded down to a multiple of this. Subjects."""

    def __post_init__(self) -> None:
        if self.minimum < 1 or self.step < 1:
            raise InvalidInput("the policy's minimum and step must be at least 1")

    def words(self) -> str:
        """Return the policy as a sentence that travels with each answer."""
        few = (
            f"Fewer than {self.minimum} subjects, also none, are given as too few to tell"
            if self.minimum > 1
            else "No count is withheld"
        )
        rounded = (
            f"counts are rounded down to a multiple of {self.step}"
            if self.step > 1
            else "counts are not rounded"
        )
        return f"{few}; {rounded}."


def released_count(exact: int, policy: CountPolicy) -> int | None:
    """Return the count that may leave the node, or None for "too few to tell".

    The released count is rounded down, and never below the minimum: with minimum 15 and
    step 10, 15 to 19 leave as 15.
    """
    if exact < 0:
        raise InvalidInput("a count cannot be negative")
    if exact < policy.minimum:
        return None
    return max(exact - exact % policy.step, policy.minimum)


def disclose(exact: ExactCounts, policy: CountPolicy) -> Released[Counts]:
    """Return the counts of one query over one dataset version that may leave the node."""
    n_subjects = released_count(exact.n_subjects, policy)
    if n_subjects is None:
        return seal_released(Counts(outcome=Outcome.TOO_FEW))
    n_studies = None
    if exact.n_study_subjects >= policy.minimum:
        # Many studies of few subjects would tell of those few.
        n_studies = released_count(exact.n_studies, policy)
    return seal_released(
        Counts(outcome=Outcome.COUNTED, n_subjects=n_subjects, n_studies=n_studies)
    )


def disclose_description(
    description: DatasetDescription, policy: CountPolicy
) -> Released[DatasetDescription]:
    """Return the description that may leave the node, from one with exact numbers.

    Totals are rounded; all are withheld when the subjects are too few. Facet values below
    the minimum become None. When one value alone does, or when the numbers shown would
    prove that those withheld stand for somebody, the next smallest become None as well,
    until those withheld stand for at least `minimum` subjects. Coded facets list every
    concept, so that being listed says nothing; values of the others that are too few are
    not named, and one value `other` without a number closes the list.
    Numbers of findings are about files and pass as they are.
    """
    total = description.n_subjects
    if total is None:
        raise InvalidInput("a description with exact numbers has a number of subjects")
    few = total < policy.minimum
    facets = {
        name: _released_facet(name, cells, total, policy)
        for name, cells in description.facets.items()
    }
    released = replace(
        description,
        n_subjects=released_count(total, policy),
        n_studies=None if few else _total(description.n_studies, policy),
        n_series=None if few else _total(description.n_series, policy),
        n_instances=None if few else _total(description.n_instances, policy),
        n_bytes=-(-description.n_bytes // _MEGABYTE) * _MEGABYTE,
        facets=facets,
        population=_shown_values(description.population, facets.get("population")),
        policy=policy.words(),
    )
    return seal_released(released)


def _total(exact: int | None, policy: CountPolicy) -> int | None:
    return None if exact is None else released_count(exact, policy)


def _released_facet(
    name: str, cells: tuple[Facet, ...], total: int, policy: CountPolicy
) -> tuple[Facet, ...]:
    exact = _with_every_value(name, cells)
    hidden = _hidden(name, exact, total, policy)
    shown = {value: released_count(n, policy) for value, n in exact.items() if value not in hidden}
    if name in _OPEN:
        return (*(Facet(value, n) for value, n in shown.items()), Facet(_OTHER, None))
    return tuple(Facet(value, shown.get(value)) for value in exact)


def _with_every_value(name: str, cells: tuple[Facet, ...]) -> dict[str, int]:
    """Return exact numbers by value; coded values that no subject has are there with 0."""
    exact: dict[str, int] = {}
    for cell in cells:
        if cell.n_subjects is None:
            raise InvalidInput(f"facet {name}: exact numbers are needed, also for {cell.value}")
        exact[cell.value] = exact.get(cell.value, 0) + cell.n_subjects
    vocabulary = _vocabulary(name, exact)
    beside = [value for value in exact if value not in vocabulary]
    return {value: exact.get(value, 0) for value in (*vocabulary, *beside)}


def _vocabulary(name: str, given: Mapping[str, int]) -> tuple[str, ...]:
    """Return every value a coded facet may have, in order; nothing for other facets."""
    if name in _OPEN:
        return ()
    if name in FIELDS and FIELDS[name].values:
        return tuple(concept.name for concept in FIELDS[name].values if not concept.includes)
    with_dash = tuple(band.replace("-", "–") for band in _AGE_BANDS)
    for bands in (_AGE_BANDS, with_dash):
        if given and given.keys() <= set(bands):
            return bands
    return ()


def _hidden(name: str, exact: Mapping[str, int], total: int, policy: CountPolicy) -> set[str]:
    """Return the values to withhold: those too few, then complementary ones, smallest first."""
    hidden = {value for value, n in exact.items() if n < policy.minimum}
    # Subjects under no value at all are one more group that a reader gets by subtraction.
    beside = 0 if name in _OPEN else max(0, total - sum(exact.values()))
    shown = sorted((n, value) for value, n in exact.items() if value not in hidden)
    for _, smallest in shown:
        withheld = [exact[value] for value in hidden if exact[value]]
        together = beside + sum(withheld)
        if together == 0 or together >= policy.minimum:
            break
        alone = len(withheld) == 1 and name not in _OPEN
        if not alone and not _proves_somebody(exact, hidden, total, policy):
            break
        hidden.add(smallest)
    return hidden


def _proves_somebody(
    exact: Mapping[str, int], hidden: set[str], total: int, policy: CountPolicy
) -> bool:
    """Whether the shown numbers, each at its greatest, fall short of the total at its least."""
    least = released_count(total, policy) or 0
    shown = (n for value, n in exact.items() if value not in hidden)
    return least > sum(n - n % policy.step + policy.step - 1 for n in shown)


def _shown_values(given: tuple[str, ...], facet: tuple[Facet, ...] | None) -> tuple[str, ...]:
    """Leave out the populations whose number is withheld."""
    if facet is None:
        return given
    withheld = {cell.value for cell in facet if cell.n_subjects is None}
    return tuple(value for value in given if value not in withheld)
