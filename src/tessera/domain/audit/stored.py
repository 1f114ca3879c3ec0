"""Where each hash of a growing tree lies in a file that is only ever appended to. Pure.

The hash of a leaf is followed by those of the perfect subtrees that it completes, smallest
first. A root, or a proof, then takes a few reads, whatever the size.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tessera.domain.audit.tree import EMPTY_ROOT, node_hash, split


def stored_count(size: int) -> int:
    """Return how many hashes a tree of `size` leaves has stored; also where leaf `size` goes."""
    return 2 * size - size.bit_count()


def stored_size(n_hashes: int) -> int:
    """Return the largest number of leaves whose hashes are all among the first `n_hashes`."""
    size = (n_hashes + 1) // 2
    while stored_count(size + 1) <= n_hashes:
        size += 1
    return size


@dataclass(frozen=True, slots=True)
class StoredTree:
    size: int
    read: Callable[[int], bytes]
    """Return the hash at a place in the file, counted in hashes."""

    def leaf(self, index: int) -> bytes:
        return self.read(stored_count(index))

    def hash_of(self, low: int, high: int) -> bytes:
        """Return the hash over leaves `low` to `high` - 1, cut as RFC 9162 cuts."""
        n_leaves = high - low
        if n_leaves & (n_leaves - 1) == 0:
            return self.read(stored_count(high - 1) + n_leaves.bit_length() - 1)
        middle = low + split(n_leaves)
        return node_hash(self.hash_of(low, middle), self.hash_of(middle, high))

    def root(self, size: int) -> bytes:
        return self.hash_of(0, size) if size else EMPTY_ROOT

    def added(self, leaf: bytes) -> tuple[bytes, ...]:
        """Return what to append to the file for one more leaf."""
        made = [leaf]
        n_leaves, end = 1, self.size
        while self.size & n_leaves:
            made.append(node_hash(self.hash_of(end - n_leaves, end), made[-1]))
            end -= n_leaves
            n_leaves *= 2
        return tuple(made)
