"""Sketches: which subjects a set has, in 256 bytes that only the node's secret can read.

Each subject has a mark, a part and a word, by the node's secret. A sketch is the sum of the words
in each part. Two sets whose sketches differ in d parts differ by at least d subjects, and by d
when few; sets that differ by no one have the same sketch, whatever the queries or the dataset's
version. Sums of disjoint sets are sums of sketches, so that a sum or difference is seen as well.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

N_PARTS: Final = 64
Sketch = NDArray[np.uint32]
"""Shape (64,); additions wrap."""
Words = NDArray[np.float64]
"""Whole numbers below 2^32, so that sums of two million are exact."""


class Marks:
    """The marks of some subjects, in their order."""

    def __init__(self, key: bytes, subjects: Iterable[str]) -> None:
        digests = b"".join(
            blake2b(subject.encode(), key=key, digest_size=8).digest() for subject in subjects
        )
        found = np.frombuffer(digests, "<u8")
        self._part = (found % N_PARTS).astype(np.intp)
        self._word: Words = (found >> np.uint64(32)).astype(np.float64)

    def sketch(self, places: NDArray[np.intp], weights: NDArray[np.intp] | None = None) -> Sketch:
        """Return the sketch of the subjects at `places`.

        `weights`: how often each counts, below 2^20; once without.
        """
        words = self._word[places]
        if weights is not None:
            words = words * weights % 2**32
        summed = np.bincount(self._part[places], words, N_PARTS) % 2**32
        return summed.astype(np.uint32)

    def sketches(
        self, places: NDArray[np.intp], cells: NDArray[np.intp], n_cells: int
    ) -> NDArray[np.uint32]:
        """Return the sketch of the subjects at `places` in each cell, shape (n_cells, 64)."""
        parts = cells * N_PARTS + self._part[places]
        summed = np.bincount(parts, self._word[places], n_cells * N_PARTS) % 2**32
        return summed.astype(np.uint32).reshape(n_cells, N_PARTS)


def distances(one: Sketch, others: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return in how many parts `one` differs from each of `others`, shape (n, 64)."""
    differing: NDArray[np.intp] = np.count_nonzero(others != one, axis=1)
    return differing


def studies_bound(n_each: NDArray[np.intp]) -> int:
    """Return how many studies a subject has who has as many as one in ten has; 1 at least."""
    n_each = n_each[n_each > 0]
    return int(np.percentile(n_each, 90, method="higher")) if len(n_each) else 1
