"""Attacks by relations in time: the person's days are known, and the bounds move over them.

The person had MR exactly 90 days before the operation, and two CT exactly 200 days apart; nobody
else has just these distances. Worlds with the person and without must look alike.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tessera.domain.cohort.answer import Counts
from tests.integration.test_disclosure_attacks import Row, World

BASES = ("sex is known", "sex = male", "stage in (III, IV)", "age_at_diagnosis >= 50", "psa > 4")
BEFORE = "modality = MR {} before treatment = surgery"
APART = "at least 2 (modality = CT) {} apart"
DAY, GAP = 90, 200


@dataclass
class Course(World):
    """A hospital whose subjects have days. `V` is the person."""

    def tables(self) -> dict[str, list[Row]]:
        chance = random.Random(self.seed + 1000)
        found = super().tables()
        last: dict[str, list[Row]] = {"study": [], "series": [], "treatment": []}
        for patient in found["patient"]:
            who = str(patient["subject"])
            patient |= {"baseline": "diagnosis"}
            surgery = chance.randrange(150, 200)
            before = DAY if who == "V" else _but(DAY, chance, 1, 140)
            first = -700
            apart = GAP if who == "V" else _but(GAP, chance, 100, 300)
            days = (("MR", surgery - before), ("CT", first), ("CT", first + apart))
            for n, (modality, day) in enumerate(days):
                study = {"subject": who, "study_uid": f"{who}.{n}"}
                last["study"].append({**study, "study_offset_days": day})
                last["series"].append({**study, "modality": modality})
            treatment: Row = {"subject": who, "treatment_id": f"{who}.t", "type": "surgery"}
            last["treatment"].append(treatment | {"start_offset_days": surgery})
        return found | last


def _but(day: int, chance: random.Random, low: int, high: int) -> int:
    """Return a day other than this one."""
    found = chance.randrange(low, high)
    return found if found != day else found + 1


@pytest.fixture
def worlds(tmp_path: Path) -> Callable[[], Iterator[Course]]:
    def made() -> Iterator[Course]:
        for seed in range(6):
            for has_victim in (True, False):
                root = tmp_path / f"{seed}-{has_victim}"
                root.mkdir()
                yield Course(root, seed, has_victim)

    return made


Worlds = Callable[[], Iterator[Course]]


def within(days: int) -> str:
    return BEFORE.format(f"within {days} days")


def test_exact_numbers_would_give_the_person_away(worlds: Worlds) -> None:
    """The attacks are worth something: without the gate each of them finds the person."""
    for world in worlds():
        for base in ("sex is known", "sex = male"):
            added = world.exact(f"{base} and {within(DAY)}") - world.exact(
                f"{base} and {within(DAY - 1)}"
            )
            assert added == world.has_victim
        longer = world.exact(APART.format(f"more than {GAP - 1} days"))
        assert longer - world.exact(APART.format(f"more than {GAP} days")) == world.has_victim
        only = BEFORE.format(f"between {DAY} and {DAY} days")
        assert world.exact(only) == world.has_victim


@pytest.mark.parametrize("order", [(DAY - 1, DAY), (DAY, DAY - 1)])
def test_a_bound_that_moves_over_the_person_changes_nothing(
    worlds: Worlds, order: Sequence[int]
) -> None:
    for world in worlds():
        for base in BASES:
            one, other = (world.ask(f"{base} and {within(days)}") for days in order)
            assert one == other


def test_the_persons_own_day_added_or_taken_away_changes_nothing(worlds: Worlds) -> None:
    only = BEFORE.format(f"between {DAY} and {DAY} days")
    for world in worlds():
        assert world.ask(only).n_subjects is None
        for base in BASES:
            whole = world.ask(base)
            assert world.ask(f"{base} and not ({only})") == whole
            assert world.ask(f"({base}) or {only}").n_subjects == whole.n_subjects


def test_events_that_are_counted_tell_no_more(worlds: Worlds) -> None:
    for world in worlds():
        for base in BASES:
            texts = [f"{base} and {APART.format(f'more than {n} days')}" for n in (GAP - 1, GAP)]
            one, other = map(world.ask, texts)
            assert one == other


@pytest.mark.parametrize("last", [(DAY - 1, DAY), (DAY, DAY - 1)])
def test_bounds_that_close_in_from_either_side_do_not_step_at_the_person(
    worlds: Worlds, last: Sequence[int]
) -> None:
    """Where two rows of small steps meet, their numbers part between some two cohorts.

    It is at the person only where nobody is on the days beside (docs/reference/disclosure.md).
    """
    n_alike = 0
    for world in worlds():
        days = [*range(DAY - 9, DAY - 1), *range(DAY + 9, DAY, -1), *last]
        told = {day: cells(world.ask(within(day), f"account-{day % 5}")) for day in days}
        beside = [world.exact(within(day)) for day in (DAY - 2, DAY - 1, DAY, DAY + 1)]
        if beside[0] != beside[1] and beside[2] != beside[3]:
            assert told[DAY] == told[DAY - 1]
            n_alike += len(told[DAY])
    assert n_alike > 120


def cells(counts: Counts) -> dict[str, int | None]:
    """Return every number that an answer tells, by what it is of."""
    found = {"subjects": counts.n_subjects, "studies": counts.n_studies}
    for name, facets in counts.distributions.items():
        found |= {f"{name} {facet.value}": facet.n_subjects for facet in facets}
    return {name: n for name, n in found.items() if n is not None}
