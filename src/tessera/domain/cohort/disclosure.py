"""The gate through which every number about subjects leaves a node. Pure.

Beside it only `domain/access/airlock`, `domain/learning/update_gate` and `domain/twin/gate` call
`seal_released`.
What it does not defend against: differences between the answers to several queries
(docs/reference/cohort-language.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.cohort.answer import Counts
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput
from tessera.domain.tiers.judged import said_in
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

    def lets_out(self, number: int) -> bool:
        """Whether `number` can be what this policy makes of an exact count."""
        return number >= 0 and released_count(number, self) == number

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


_WORDS = re.compile(
    r"(?:Fewer than ([0-9]{1,9}) subjects, also none, are given as too few to tell"
    r"|No count is withheld); counts are "
    r"(?:rounded down to a multiple of ([0-9]{1,9})|not rounded)\."
)


def policy_in_words(words: str) -> CountPolicy | None:
    """Return the policy that `CountPolicy.words` wrote as `words`, or None for other words."""
    found = _WORDS.fullmatch(words)
    if found is None:
        return None
    minimum, step = (max(1, int(number or 1)) for number in found.groups())
    return CountPolicy(minimum, step)


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
    the minimum become None. While the total and the numbers shown would prove that fewer
    than `minimum` have none of the values shown, or that a value withheld stands for
    somebody, the next smallest becomes None as well. Coded facets list every
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


def with_conformance(
    released: Released[DatasetDescription], tier: int, token: str
) -> Released[DatasetDescription]:
    """Return a released description with the node's signed report on the tiers.

    What is signed are verdicts and grades, words of closed sets (`Conformance.to_sign`), which
    is read back here: anything else in it is refused with InvalidInput.
    """
    said = said_in(token)
    if said is None or said.tier != tier:
        raise InvalidInput("not a signed conformance report that says this tier")
    return seal_released(replace(released.value, interoperability_tier=tier, conformance=token))


def _total(exact: int | None, policy: CountPolicy) -> int | None:
    return None if exact is None else released_count(exact, policy)


def _released_facet(
    name: str, cells: tuple[Facet, ...], total: int, policy: CountPolicy
) -> tuple[Facet, ...]:
    exact = _with_every_value(name, cells)
    shown = _shown(exact, released_count(total, policy), policy)
    if name in _OPEN:
        cells = tuple(Facet(value, shown[value]) for value in exact if value in shown)
        return (*cells, Facet(_OTHER, None))
    # Without a number, only what is always listed may be named.
    named = {*_vocabulary(name, exact), *shown}
    return tuple(Facet(value, shown.get(value)) for value in exact if value in named)


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
        return tuple(one.name for one in FIELDS[name].values if not one.is_grouping)
    with_dash = tuple(band.replace("-", "–") for band in _AGE_BANDS)
    for bands in (_AGE_BANDS, with_dash):
        # Also when nobody has an age: an empty list would tell so.
        if given.keys() <= set(bands) and (given or name.startswith("age")):
            return bands
    return ()


def _shown(exact: Mapping[str, int], total: int | None, policy: CountPolicy) -> dict[str, int]:
    """Return the values that keep their number, rounded.

    Nothing but rounded numbers decides, so that an exact number of fewer than `minimum` can
    be read neither from what is shown nor from what is withheld.
    """
    rounded = {value: released_count(n, policy) for value, n in exact.items()}
    shown = sorted((n, value) for value, n in rounded.items() if n is not None)
    n_small = len(rounded) - len(shown)
    while shown:
        # So many subjects at least are under no value that is shown.
        proved = (total or 0) - sum(_greatest(n, policy) for n, _ in shown)
        least, most = (n_small - 1) * (policy.minimum - 1), n_small * (policy.minimum - 1)
        if proved <= 0 or (proved >= policy.minimum and not least < proved <= most):
            break
        # Either they prove a group that is too small, or they fill every small value so far
        # that, where each subject has a value, none of them can be empty.
        # Equal ones go together: which of them went first would tell who is the small one.
        smallest = shown[0][0]
        shown = [(n, value) for n, value in shown if n != smallest]
        n_small = 0  # one that is not small is among those withheld: it may hold them all
    return {value: n for n, value in shown}


def _greatest(released: int, policy: CountPolicy) -> int:
    """Return the greatest exact count that leaves as `released`."""
    return released - released % policy.step + policy.step - 1


def _shown_values(given: tuple[str, ...], facet: tuple[Facet, ...] | None) -> tuple[str, ...]:
    """Leave out the populations whose number is withheld."""
    if facet is None:
        return given
    withheld = {cell.value for cell in facet if cell.n_subjects is None}
    return tuple(value for value in given if value not in withheld)
