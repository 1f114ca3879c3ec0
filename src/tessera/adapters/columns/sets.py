"""Sets of subjects or studies as words of bits, and which of them have which value.

With few values each has its set, so that a condition is an OR of some of them. With many, a list
of owners by value stands in, and a condition marks a part of it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tessera.adapters.columns.values import Codes

Bits = NDArray[np.uint64]
"""Shape (n_words,), one bit for each owner, the lowest first."""
MAX_SETS: Final = 96
"""Values of a column up to which each has a set of its own: 12 KB for each of 100,000 owners."""


def n_words(n_owners: int) -> int:
    return -(-n_owners // 64)


def bits_of(is_in: NDArray[np.bool_]) -> Bits:
    """Return the set of the owners for whom it is True."""
    padded = np.zeros(n_words(len(is_in)) * 8, np.uint8)
    packed = np.packbits(is_in, bitorder="little")
    padded[: len(packed)] = packed
    return padded.view(np.uint64)


def booleans_of(bits: Bits, n_owners: int) -> NDArray[np.bool_]:
    """Return the same as `bits_of` takes."""
    return np.unpackbits(bits.view(np.uint8), count=n_owners, bitorder="little").view(np.bool_)


def size(bits: Bits) -> int:
    return int(np.bitwise_count(bits).sum())


class Owners:
    """Which owners have a row with which code."""

    def __init__(self, codes: Codes, n_codes: int, owner: NDArray[np.intp], n_owners: int) -> None:
        """`codes` and `owner`: one for each row; a row with owner -1 belongs to nobody."""
        self._n_owners = n_owners
        self._sets: NDArray[np.uint64] | None = None
        is_owned = owner >= 0
        if not is_owned.all():
            codes, owner = codes[is_owned], owner[is_owned]
        if n_codes <= MAX_SETS:
            has = np.zeros((n_codes, n_owners), np.bool_)
            has[codes, owner] = True
            self._sets = np.stack([bits_of(one) for one in has]) if n_codes else None
            return
        order = np.argsort(codes, kind="stable")
        self._listed = owner[order]
        self._from = np.searchsorted(codes[order], np.arange(n_codes + 1))

    def having(self, wanted: NDArray[np.bool_]) -> Bits:
        """Return who has a row with one of the wanted codes, shape (n_codes,)."""
        if self._sets is not None:
            chosen: Bits = np.bitwise_or.reduce(self._sets[wanted], axis=0)
            return chosen
        is_in = np.zeros(self._n_owners, np.bool_)
        edges = np.flatnonzero(np.diff(wanted, prepend=False, append=False))
        for first, end in edges.reshape(-1, 2).tolist():
            is_in[self._listed[self._from[first] : self._from[end]]] = True
        return bits_of(is_in)

    def each(self, among: Bits) -> list[Bits]:
        """Return which of `among` have a row with each code."""
        if self._sets is not None:
            return list(self._sets & among)
        every = np.eye(len(self._from) - 1, dtype=np.bool_)
        return [self.having(one) & among for one in every]

    def sizes(self, among: Bits) -> list[int]:
        """Return how many of `among` have a row with each code."""
        if self._sets is not None:
            counts: list[int] = np.bitwise_count(self._sets & among).sum(axis=1).tolist()
            return counts
        n_codes = len(self._from) - 1
        every = np.eye(n_codes, dtype=np.bool_)
        return [size(self.having(one) & among) for one in every]
