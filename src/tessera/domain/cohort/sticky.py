"""Numbers that stay: what was told about a set of subjects is told about its like again.

Averaging, differencing and asking from many accounts live on answers that change when one
subject does. Here the number told about a set is fixed by the node's secret and the set; a set
that differs by few from one told of before, by anyone and over any query, gets the number of the
one nearest to it; and one that is nearly the sum or the difference of two gets the sum or
difference of theirs. What follows another is kept too, so that the next to differ by one subject
finds it and not whatever else is near.

An answer is a whole: when its cohort follows one told of before, the parts of it follow the parts
told with that one. Did each look for its own, two rows of small steps that close in on one person
from either side could meet there in some part, and so tell of the person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tessera.domain.cohort.disclosure import MARGIN, CountPolicy
from tessera.domain.cohort.exact import ExactSet
from tessera.domain.cohort.sketch import N_PARTS, Sketch, distances

NEAR: Final = 3
"""Sets that differ by fewer are alike."""
_BLOCK: Final = 8
"""Parts of a sketch whose sum is looked up. Sets that differ by two differ in two of the eight
blocks at most, so that of any three they have one in common."""
_LOOKED_UP: Final = NEAR
_EDGE: Final = 8
"""Sets that differ by NEAR up to NEAR + 7 are alike or not by the node's secret."""


@dataclass(frozen=True, slots=True)
class Told:
    """One set of which something was told: `number` to everybody, `n` to nobody."""

    label: str
    n: int
    sketch: Sketch
    number: int | None
    answer: int = 0
    """With which others it was told: the same for all parts of an answer."""


class ToldSets:
    """The sets of one dataset of which something was told, the oldest first."""

    def __init__(self) -> None:
        self._labels: list[str] = []
        self._of_label: dict[str, list[int]] = {}
        self._numbers: list[int | None] = []
        self._answers: list[int] = []
        self._parts: dict[tuple[int, str], int] = {}
        self._n = np.zeros(64, np.int64)
        self._sketches = np.zeros((64, N_PARTS), np.uint32)

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, told: Told) -> None:
        size = len(self._labels)
        if size == len(self._n):
            self._n = np.concatenate([self._n, np.zeros_like(self._n)])
            self._sketches = np.concatenate([self._sketches, np.zeros_like(self._sketches)])
        self._n[size] = told.n
        self._sketches[size] = told.sketch
        self._labels.append(told.label)
        self._of_label.setdefault(told.label, []).append(size)
        self._numbers.append(told.number)
        self._answers.append(told.answer)
        self._parts.setdefault((told.answer, told.label), size)

    def part(
        self, answer: int, label: str, exact: ExactSet, bound: int = NEAR + _EDGE
    ) -> Told | None:
        """Return what was told of a part with an answer, when it differs by fewer than `bound`."""
        place = self._parts.get((answer, label)) if answer else None
        if place is None or distances(exact.sketch, self._sketches[[place]])[0] >= bound:
            return None
        return self._told(place)

    def like(
        self, exact: ExactSet, key: bytes, label: str | None = None
    ) -> tuple[Told, bool] | None:
        """Return the set nearest to it, the youngest of several, and whether it is the same.

        None when the nearest differs by more than few. `label`: among those with this label.
        """
        near = np.flatnonzero(np.abs(self._n[: len(self)] - exact.n) < NEAR + _EDGE)
        if label is not None:
            near = np.intersect1d(near, self._of_label.get(label, []), assume_unique=True)
        if not len(near):
            return None
        apart = distances(exact.sketch, self._sketches[near])
        least = int(apart.min())
        place = int(near[apart == least][-1])
        if least < NEAR or least < _bound(key, exact.sketch, self._sketches[place]):
            return self._told(place), least == 0
        return None

    def joined(self, label: str, exact: ExactSet) -> tuple[Told, Told, int] | None:
        """Return two sets with this label whose sum (1) or difference (-1) is nearly it."""
        mine = np.array(self._of_label.get(label, []), np.intp)
        sketches, n = self._sketches[mine], self._n[mine]
        for sign in (1, -1):
            # one = exact - other, or one = exact + other
            for other, one in _pairs(exact.sketch, sketches, sign):
                is_like = abs(int(n[one]) + sign * int(n[other]) - exact.n) < NEAR
                both = (
                    sketches[one] + sketches[other] if sign > 0 else sketches[one] - sketches[other]
                )
                if is_like and np.count_nonzero(both != exact.sketch) < NEAR:
                    return self._told(int(mine[one])), self._told(int(mine[other])), sign
        return None

    def _told(self, place: int) -> Told:
        return Told(
            self._labels[place],
            int(self._n[place]),
            self._sketches[place],
            self._numbers[place],
            self._answers[place],
        )


def numbers_for(
    told: ToldSets, sets: Mapping[str, ExactSet], policy: CountPolicy, key: bytes, answer: int
) -> tuple[Mapping[str, int | None], list[Told]]:
    """Return the number to tell about each set of an answer, and what has been added to `told`.

    The first of `sets` is the whole. `answer`: a number over 0 that no other answer has.
    """
    if (again := told_again(told, sets, policy, key)) is not None:
        return again, []
    whole = next(iter(sets))
    near = told.like(sets[whole], key, whole)
    beside = near[0].answer if near else 0
    numbers: dict[str, int | None] = {}
    kept = []
    for label, one in sets.items():
        # The whole is a cohort that is asked for: its number is that of the same cohort anywhere.
        follows = beside if label != whole else 0
        numbers[label], is_told = number_for(told, label, one, policy, key, follows)
        if is_told:
            kept.append(Told(label, one.n, one.sketch, numbers[label], answer))
            told.add(kept[-1])
    return numbers, kept


def told_again(
    told: ToldSets, sets: Mapping[str, ExactSet], policy: CountPolicy, key: bytes
) -> Mapping[str, int | None] | None:
    """Return the numbers of an answer that was told before; None when it was not."""
    whole = next(iter(sets))
    if _is_few(sets[whole], policy, key):
        return dict.fromkeys(sets)
    near = told.like(sets[whole], key, whole)
    if near is None or not near[1]:
        return None
    numbers: dict[str, int | None] = {}
    for label, one in sets.items():
        part = told.part(near[0].answer, label, one, bound=1)
        if part is None and not _is_few(one, policy, key):
            return None
        numbers[label] = part.number if part else None
    return numbers


def number_for(
    told: ToldSets,
    label: str,
    exact: ExactSet,
    policy: CountPolicy,
    key: bytes,
    beside: int = 0,
) -> tuple[int | None, bool]:
    """Return the number to tell about a set, and whether anything may be told of it.

    `label` says of what kind the set is; sums and differences are looked for among its kind.
    `beside`: the answer whose whole the set's own whole is like; 0 for none.
    """
    if _is_few(exact, policy, key):
        return None, False  # whatever is like it is told by nobody either
    part = told.part(beside, label, exact)
    if part is not None and _still_fits(part.number, exact, policy, key):
        return part.number, True
    found = told.like(exact, key)
    if found is not None and (found[1] or _still_fits(found[0].number, exact, policy, key)):
        return found[0].number, True
    number = told_first(exact, policy, key)
    if number is not None and (pair := told.joined(label, exact)) is not None:
        number = _join(*pair, policy)
    return number, True


def told_first(exact: ExactSet, policy: CountPolicy, key: bytes) -> int | None:
    """Return the number for a set that is like no other, fixed by the secret and the set."""
    seed = blake2b(exact.sketch.tobytes(), key=key, digest_size=16, person=b"count").digest()
    hidden = int.from_bytes(seed[8:], "little") % policy.step
    if exact.n < policy.minimum + MARGIN + hidden:
        return None
    noise = int.from_bytes(seed[:8], "little") % (2 * policy.noise) - policy.noise
    return policy.rounded(exact.n + noise)


def _is_few(exact: ExactSet, policy: CountPolicy, key: bytes) -> bool:
    """Say whether a set is below the minimum, which is raised by the node's secret.

    A set that is told first has MARGIN more than the minimum, so that those next to it have more
    than the highest. What follows another in many small steps meets an edge that cannot be known.
    """
    seed = blake2b(exact.sketch.tobytes(), key=key, digest_size=8, person=b"floor").digest()
    return exact.n < policy.minimum + int.from_bytes(seed, "little") % (MARGIN - 1)


def _join(one: Told, other: Told, sign: int, policy: CountPolicy) -> int | None:
    number = (one.number or 0) + sign * (other.number or 0)
    return policy.rounded(number) if number >= policy.minimum else None


def _bound(key: bytes, one: Sketch, other: Sketch) -> int:
    """Return from how many differing parts on two sets are no longer alike.

    It depends on the two sets: a fixed bound could be felt for with sets that differ by just so
    many known subjects.
    """
    seed = blake2b(one.tobytes() + other.tobytes(), key=key, digest_size=8, person=b"bound")
    return NEAR + int.from_bytes(seed.digest(), "little") % _EDGE


def _still_fits(number: int | None, exact: ExactSet, policy: CountPolicy, key: bytes) -> bool:
    """Say whether a number may stand for this set, which is not the first to follow another.

    Without this, a number could be carried far in small steps.
    """
    seed = blake2b(exact.sketch.tobytes(), key=key, digest_size=8, person=b"drift").digest()
    room = 1 + int.from_bytes(seed, "little") % (2 * policy.most_off)
    if number is None:
        return exact.n <= policy.most_hidden + room
    return abs(exact.n - number) <= 2 * policy.most_off + room


def _pairs(exact: Sketch, sketches: NDArray[np.uint32], sign: int) -> Iterator[tuple[int, int]]:
    """Yield places (other, one) where a block of `exact - sign * other` is the block of one."""
    blocks = sketches.reshape(-1, N_PARTS // _BLOCK, _BLOCK).sum(axis=2, dtype=np.uint32)
    whole = exact.reshape(-1, _BLOCK).sum(axis=1, dtype=np.uint32)
    wanted = whole - blocks if sign > 0 else whole + blocks
    seen = set()
    for block in range(_LOOKED_UP):
        order = np.argsort(blocks[:, block], kind="stable")
        held = blocks[order, block]
        first = np.searchsorted(held, wanted[:, block], "left")
        end = np.searchsorted(held, wanted[:, block], "right")
        for other in np.flatnonzero(end > first).tolist():
            for one in order[first[other] : end[other]].tolist():
                if (other, one) not in seen:
                    seen.add((other, one))
                    yield other, one
