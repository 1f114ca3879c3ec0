"""What datasets told of a cut, as arrays: the best guess, and draws of what it may have been.

A told number may be off by what the dataset's policy says, and a cell that is not told holds
anything up to what the policy hides. A draw takes one possibility for each, evenly; how far a
result moves from draw to draw is what the hospitals' noise does to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.errors import InvalidInput
from tessera.domain.statistics.cut import ENDED, REACHED, SPARED, Cut, cell

N_DRAWS: Final = 200
_ALIKE: Final = 5
"""By about so many subjects do sets differ that get one number (`sticky`)."""
Floats = NDArray[np.float64]


class Draws(Protocol):
    """Random numbers, as numpy's generators make them; the domain makes none itself."""

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> Floats: ...

    def exponential(self, scale: float, size: tuple[int, ...]) -> Floats: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one dataset told."""

    n_subjects: int
    policy: CountPolicy
    cuts: Mapping[str, Mapping[str, int]]
    """Cut → cell → subjects, as `Counts.cuts`."""


class Sizes:
    """The cells of a cut without steps, over datasets."""

    def __init__(self, cut: Cut, told: Sequence[Told]) -> None:
        told = [one for one in told if str(cut) in one.cuts]
        names = list(map(cell, cut.groups()))
        self.told = _array([[one.cuts[str(cut)].get(name) for name in names] for one in told])
        self.told = self.told.reshape(len(told), len(names))
        """Shape (n_datasets, n_groups); not a number where it is not told."""
        self.hidden = _array([[one.policy.most_hidden] for one in told]).reshape(-1, 1)
        """The most that a cell which is not told holds, shape (n_datasets, 1)."""
        self.off = _array([[one.policy.most_off] for one in told]).reshape(-1, 1)
        """How far what is told may be off, shape (n_datasets, 1)."""
        self._totals = _array([[one.n_subjects] for one in told]).reshape(-1, 1)

    def pooled(self, rng: Draws | None = None) -> Floats:
        """Return subjects in each group, shape (n_groups,): best guesses, or one draw.

        What the cells that are not told hold together is what the told ones leave of the total;
        a group that no dataset tells is taken to be empty.
        """
        told, totals = self.told, self._totals
        weights = np.ones_like(told)
        if rng is not None:
            told = told + _moved(told, self.off, rng)
            totals = totals + _moved(totals, self.off, rng)
            weights = rng.exponential(1, told.shape)
        is_told = ~np.isnan(told)
        known = np.where(is_told, np.maximum(told, 0), 0)
        left = np.maximum(totals - known.sum(axis=1, keepdims=True), 0)
        weights = np.where(is_told | ~is_told.any(axis=0), 0, weights)
        sums = weights.sum(axis=1, keepdims=True)
        share = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
        guessed = np.minimum(share * left, np.where(is_told, 0, self.hidden))
        pooled: Floats = (known + guessed).sum(axis=0)
        return pooled


class Curves:
    """The cells of a cut with steps, over datasets."""

    def __init__(self, cut: Cut, told: Sequence[Told]) -> None:
        if cut.steps is None:
            raise InvalidInput("a cut with steps is needed")
        steps = cut.steps
        told = [one for one in told if str(cut) in one.cuts]
        groups = list(cut.groups())
        shape = len(told), len(groups), len(steps.edges)

        def read(sign: str) -> Floats:
            names = [cell(one, edge, sign) for one in groups for edge in steps.edges]
            found = [[one.cuts[str(cut)].get(name) for name in names] for one in told]
            return _array(found).reshape(shape)

        self.edges: Floats = np.array(steps.edges)
        self.reached = read(REACHED)
        """Subjects with at least the edge, shape (n_datasets, n_groups, n_edges)."""
        self.ended = read(ENDED) if steps.until else np.full(shape, np.nan)
        """Subjects with less and the event."""
        self.spared = read(SPARED) if steps.until else np.full(shape, np.nan)
        """All others of whom both are known."""
        self._hidden = _array([one.policy.most_hidden for one in told]).reshape(-1, 1, 1)
        # Nested sets that differ by few get the number of their like, which is older.
        self._off = _array([_off_in_steps(one.policy) for one in told]).reshape(-1, 1, 1)

    def bands(self, rng: Draws | None = None) -> Floats:
        """Return subjects from each edge to below the next, shape (n_groups, n_edges).

        The last are those from the last edge. Sets that are not told are guessed between those
        that are, and to thin out after them.
        """
        reached = self._drawn(self.reached, rng)
        guessed = _between(np.nan_to_num(reached[:, :, :1]), reached, np.zeros_like(self._hidden))
        hidden = (
            self._hidden if rng is None else self._hidden * rng.uniform(0, 1, self._hidden.shape)
        )
        guessed = np.where(np.isnan(reached), np.minimum(guessed, hidden), reached)
        falling = _falling(guessed)
        after = np.concatenate([falling[:, :, 1:], np.zeros_like(falling[:, :, :1])], axis=2)
        bands: Floats = (falling - after).sum(axis=0)
        return bands

    def intervals(self, rng: Draws | None = None) -> tuple[Floats, Floats]:
        """Return who is at risk at each edge and the events up to the next.

        Both of shape (n_groups, n_edges - 1). A dataset takes part up to the last edge at which
        it tells who is at risk: later its subjects are as censored. Events that are not told are
        guessed to come evenly, up to what the policy hides.
        """
        reached = np.nan_to_num(self._drawn(self.reached, rng))
        at_risk = _falling(reached)[:, :, :-1]
        ended = self._ended(rng)
        share = 0.5 if rng is None else rng.uniform(0, 1, (*ended.shape[:2], 1))
        last = np.fmax.reduce(ended, axis=2, keepdims=True)
        last = np.where(np.isnan(last), self._hidden * share, last)
        guessed = np.minimum(_between(np.zeros_like(last), ended, last), self._hidden)
        rising = -_falling(-np.where(np.isnan(ended), guessed, ended))
        events = np.minimum(np.diff(rising, axis=2), at_risk)
        return at_risk.sum(axis=0), events.sum(axis=0)

    def _ended(self, rng: Draws | None) -> Floats:
        """Return the events before each edge: those told, those that the spared leave, or both."""
        ended, spared = self._drawn(self.ended, rng), self._drawn(self.spared, rng)
        # Whoever ended before the first edge was not followed from it.
        ended[:, :, 0] = np.nan_to_num(ended[:, :, 0])
        left = np.maximum(spared[:, :, :1] - spared, 0)
        found: Floats = np.where(np.isnan(left), ended, (left + ended) / 2)
        return np.where(np.isnan(ended), left, found)

    def _drawn(self, told: Floats, rng: Draws | None) -> Floats:
        return told.copy() if rng is None else np.maximum(told + _moved(told, self._off, rng), 0)


def _off_in_steps(policy: CountPolicy) -> int:
    return policy.most_off + (_ALIKE if policy.noise else 0)


def _falling(rows: Floats) -> Floats:
    """Return rows that never rise, midway between the nearest that do not from either side.

    Noise makes nested sets look as if they were not; from one side alone each would be too small.
    """
    low = np.minimum.accumulate(rows, axis=-1)
    high = np.maximum.accumulate(rows[..., ::-1], axis=-1)[..., ::-1]
    return (low + high) / 2


def _between(before: Floats, row: Floats, after: Floats) -> Floats:
    """Fill what is not a number along the last axis from its neighbours, evenly.

    `before` and `after`, of length 1 along it, stand before and after the row.
    """
    n = row.shape[-1]
    padded = np.concatenate(
        [np.broadcast_to(one, (*row.shape[:-1], one.shape[-1])) for one in (before, row, after)], -1
    )
    place = np.broadcast_to(np.arange(n + 2), padded.shape)
    known = ~np.isnan(padded)
    left = np.maximum.accumulate(np.where(known, place, 0), -1)
    right = np.minimum.accumulate(np.where(known, place, n + 1)[..., ::-1], -1)[..., ::-1]
    share = (place - left) / np.maximum(right - left, 1)
    low, high = (np.take_along_axis(padded, one, -1) for one in (left, right))
    filled: Floats = (low + (high - low) * share)[..., 1:-1]
    return filled


def _array(rows: object) -> Floats:
    """Return an array with not a number for None."""
    return np.array(rows, dtype=np.float64)


def _moved(told: Floats, off: Floats, rng: Draws) -> Floats:
    moved: Floats = rng.uniform(-1, 1, told.shape) * off
    return moved
