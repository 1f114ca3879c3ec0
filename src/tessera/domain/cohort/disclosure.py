"""The gate through which every number about subjects leaves a node. Pure.

Beside it only `domain/access/airlock`, `domain/learning/update_gate` and `domain/twin/gate` call
`seal_released`.
Against differences between the answers to several queries stand the noise of the policy and
`sticky`, which fixes it (docs/reference/disclosure.md).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.cohort.answer import Counts
from tessera.domain.cohort.exact import ExactCounts, ExactSet, ExactSets
from tessera.domain.cohort.fields import FIELDS
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput
from tessera.domain.statistics.cut import Cut
from tessera.domain.tiers.judged import said_in
from tessera.domain.zones import Released, seal_released

MARGIN: Final = 4
"""With noise, a set has so many more than the minimum before anything is told of it first: then
those like it, which get its number, have the minimum."""
_MEGABYTE = 1_000_000
_OTHER = "other"
_OPEN = frozenset({"modality", "body_part", "manufacturer"})
"""Facets with values as devices write them, or many: one that is too few is not named. A
subject may be under several, so that the values do not add up to the total."""
_AGE_BANDS = ("0-9", *(f"{low}-{low + 9}" for low in range(10, 90, 10)), "90+")


@dataclass(frozen=True, slots=True)
class CountPolicy:
    """A node's own rule. A node starts with 10, 10 and 10; 1, 1 and 0 would disclose everything."""

    minimum: int = 10
    """Counts from 1 to `minimum - 1` are not told apart from 0. Subjects."""
    step: int = 10
    """Counts are rounded to a multiple of this, down when there is no noise. Subjects."""
    noise: int = 0
    """So much at most is added or taken away before an answer's counts are rounded. Subjects."""

    def __post_init__(self) -> None:
        if self.minimum < 1 or self.step < 1 or self.noise < 0:
            raise InvalidInput("the policy's minimum and step must be at least 1, its noise 0")

    @property
    def plain(self) -> "CountPolicy":
        """The same without noise, as for a description, which is told once for each version."""
        return replace(self, noise=0)

    @property
    def hides_nothing(self) -> bool:
        """Whether every count leaves as it is."""
        return self == CountPolicy(1, 1, 0)

    @property
    def gives_statistics(self) -> bool:
        """Whether cuts are told: without noise the differences of their cells would tell of few."""
        return self.noise > 0 or self.hides_nothing

    @property
    def most_hidden(self) -> int:
        """The greatest count that can be too few to tell when it is told first."""
        return self.minimum - 1 + (MARGIN + self.step - 1 if self.noise else 0)

    @property
    def most_off(self) -> int:
        """How far a count that is told first can be from the exact one, either way."""
        return self.noise + self.step // 2

    def rounded(self, number: int) -> int:
        """Return the nearest multiple of the step, and never less than the minimum."""
        return max((number + self.step // 2) // self.step * self.step, self.minimum)

    def greatest(self, released: int) -> int:
        """Return the greatest exact count that leaves as `released`."""
        if self.noise:
            return released + self.most_off
        return released - released % self.step + self.step - 1

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
        if self.noise:
            return (
                f"{few}, and so may be up to {self.most_hidden}; counts are rounded to a multiple"
                f" of {self.step} and may be {self.most_off} too many or too few; cohorts that"
                " differ by a few subjects get the same answer."
            )
        rounded = (
            f"counts are rounded down to a multiple of {self.step}"
            if self.step > 1
            else "counts are not rounded"
        )
        return f"{few}; {rounded}."


_WORDS = re.compile(
    r"(?:Fewer than ([0-9]{1,9}) subjects, also none, are given as too few to tell"
    r"|No count is withheld)(?:; counts are "
    r"(?:rounded down to a multiple of ([0-9]{1,9})|not rounded)"
    r"|, and so may be up to [0-9]{1,9}; counts are rounded to a multiple of ([0-9]{1,9})"
    r" and may be ([0-9]{1,9}) too many or too few;"
    r" cohorts that differ by a few subjects get the same answer)\."
)


def policy_in_words(words: str) -> CountPolicy | None:
    """Return the policy that `CountPolicy.words` wrote as `words`, or None for other words."""
    found = _WORDS.fullmatch(words)
    if found is None:
        return None
    minimum, down, near, off = (int(number or 0) for number in found.groups())
    step = max(1, down or near)
    return CountPolicy(max(1, minimum), step, max(0, off - step // 2))


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


def disclose_sets(
    exact: ExactSets,
    policy: CountPolicy,
    tell: Callable[[Mapping[str, ExactSet]], Mapping[str, int | None]],
    cuts: Mapping[str, Cut] = MappingProxyType({}),
) -> Released[Counts]:
    """Return the counts and distributions of one query that may leave the node.

    `tell` gives the number for each set, by its label, and keeps in the ledger what it tells:
    one number for sets that are alike (`sticky.number_for`). A value of a distribution is never
    more than the whole; secondary suppression is that of `disclose_description`. Those of the
    `cells` that belong to `cuts` leave as the cells of a cut, which have none: what it would hide
    can be asked for as cohorts too, and the noise stands against that.
    """
    sets = {"": exact.subjects, "with study": exact.study_subjects}
    # The studies of a subject count up to a bound, and in units of it, so that the noise hides
    # any one subject with all of them. Whether they are told their subjects decide.
    unit = exact.studies_each
    above = policy.rounded(policy.most_hidden + policy.step)
    if unit > 1:
        sets["studies"] = ExactSet(exact.studies.n // unit + above, exact.studies.sketch)
    for name, cells in exact.cells.items():
        order = cuts[name].cells() if name in cuts else cells
        sets |= {f"{name}={value}": cells[value] for value in order if value in cells}
    told = tell(sets)
    n_subjects, n_with_study = told[""], told["with study"]
    if n_subjects is None:
        return seal_released(Counts(outcome=Outcome.TOO_FEW))
    n_studies = n_with_study
    if n_with_study is not None and unit > 1:
        units = (told["studies"] or above) - above
        n_studies = released_count(max(units * unit, n_with_study), policy)
    distributions = {
        name: _told_facet(
            name, {value: told[f"{name}={value}"] for value in cells}, n_subjects, policy
        )
        for name, cells in exact.cells.items()
        if name not in cuts
    }
    in_cuts = {
        str(cut): {
            cell: min(number, n_subjects)
            for cell in exact.cells[name]
            if (number := told[f"{name}={cell}"]) is not None
        }
        for name, cut in cuts.items()
        if name in exact.cells
    }
    return seal_released(
        Counts(
            outcome=Outcome.COUNTED,
            n_subjects=n_subjects,
            n_studies=n_studies,
            distributions=distributions,
            cuts=in_cuts,
        )
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
    policy = policy.plain
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
    rounded = {value: released_count(n, policy) for value, n in exact.items()}
    return _facet(name, rounded, released_count(total, policy), policy)


def _told_facet(
    name: str, told: Mapping[str, int | None], total: int, policy: CountPolicy
) -> tuple[Facet, ...]:
    vocabulary = _vocabulary(name, told)
    values = (*vocabulary, *(value for value in told if value not in vocabulary))
    numbers = {value: told.get(value) for value in values}
    # Noise apart, a part is never more than the whole.
    least = {value: n if n is None else min(n, total) for value, n in numbers.items()}
    return _facet(name, least, total, policy)


def _facet(
    name: str, rounded: Mapping[str, int | None], total: int | None, policy: CountPolicy
) -> tuple[Facet, ...]:
    shown = _shown(rounded, total, policy)
    if name in _OPEN:
        cells = tuple(Facet(value, shown[value]) for value in rounded if value in shown)
        return (*cells, Facet(_OTHER, None))
    # Without a number, only what is always listed may be named.
    named = {*_vocabulary(name, rounded), *shown}
    return tuple(Facet(value, shown.get(value)) for value in rounded if value in named)


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


def _vocabulary(name: str, given: Collection[str]) -> tuple[str, ...]:
    """Return every value a coded facet may have, in order; nothing for other facets."""
    if name in _OPEN:
        return ()
    if name in FIELDS and FIELDS[name].values:
        return tuple(one.name for one in FIELDS[name].values if not one.is_grouping)
    with_dash = tuple(band.replace("-", "–") for band in _AGE_BANDS)
    for bands in (_AGE_BANDS, with_dash):
        # Also when nobody has an age: an empty list would tell so.
        if set(given) <= set(bands) and (given or name.startswith("age")):
            return bands
    return ()


def _shown(
    rounded: Mapping[str, int | None], total: int | None, policy: CountPolicy
) -> dict[str, int]:
    """Return the values that keep their number.

    Nothing but rounded numbers decides, so that an exact number of fewer than `minimum` can
    be read neither from what is shown nor from what is withheld.
    """
    shown = sorted((n, value) for value, n in rounded.items() if n is not None)
    n_small = len(rounded) - len(shown)
    least_total = (total or 0) - (policy.most_off if policy.noise else 0)
    while shown:
        # So many subjects at least are under no value that is shown.
        proved = least_total - sum(policy.greatest(n) for n, _ in shown)
        least, most = (n_small - 1) * policy.most_hidden, n_small * policy.most_hidden
        if proved <= 0 or (proved >= policy.minimum and not least < proved <= most):
            break
        # Either they prove a group that is too small, or they fill every small value so far
        # that, where each subject has a value, none of them can be empty.
        # Equal ones go together: which of them went first would tell who is the small one.
        smallest = shown[0][0]
        shown = [(n, value) for n, value in shown if n != smallest]
        n_small = 0  # one that is not small is among those withheld: it may hold them all
    return {value: n for n, value in shown}


def _shown_values(given: tuple[str, ...], facet: tuple[Facet, ...] | None) -> tuple[str, ...]:
    """Leave out the populations whose number is withheld."""
    if facet is None:
        return given
    withheld = {cell.value for cell in facet if cell.n_subjects is None}
    return tuple(value for value in given if value not in withheld)
