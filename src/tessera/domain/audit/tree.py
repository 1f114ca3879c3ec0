"""Merkle tree hashes and the two proofs. Pure.

Source: RFC 9162, section 2.1 (the same tree as RFC 6962, section 2.1), with SHA-256.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
RangeHash = Callable[[int, int], bytes]
"""The hash of the tree over the leaves from the first number up to, and without, the second."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node with two children (RFC 9162, 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def split(n_leaves: int) -> int:
    """Return the largest power of two below `n_leaves`, which is at least 2."""
    return 1 << ((n_leaves - 1).bit_length() - 1)


class Frontier:
    """The tree over leaves that come one after the other; holds one hash for each bit of size."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> tuple[bytes, ...]:
        """Add a leaf hash; return it and the hashes of the subtrees that it completes."""
        made = [leaf]
        rest = self.size
        while rest & 1:
            made.append(node_hash(self._peaks.pop(), made[-1]))
            rest >>= 1
        self._peaks.append(made[-1])
        self.size += 1
        return tuple(made)

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def inclusion_proof(index: int, size: int, hash_of: RangeHash) -> tuple[bytes, ...]:
    """Return the path from leaf `index` to the root of `size` leaves (RFC 9162, 2.1.3.1)."""
    path = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            path.append(hash_of(middle, high))
            high = middle
        else:
            path.append(hash_of(low, middle))
            low = middle
    return tuple(reversed(path))


def is_included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether `proof` shows leaf `index` in the tree with `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(old: int, new: int, hash_of: RangeHash) -> tuple[bytes, ...]:
    """Return the proof that `old` leaves begin the tree of `new` leaves (RFC 9162, 2.1.4.1)."""
    if old == 0:
        return ()
    path = []
    low, high = 0, new
    while old != high:
        middle = low + split(high - low)
        if old <= middle:
            path.append(hash_of(middle, high))
            high = middle
        else:
            path.append(hash_of(low, middle))
            low = middle
    if low:
        path.append(hash_of(low, high))
    return tuple(reversed(path))


def is_consistent(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether `proof` shows that the old tree begins the new one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    # The RFC leaves the old root out of the proof when it is a node of the new tree itself.
    path = [old_root, *proof] if old & (old - 1) == 0 else [*proof]
    if not proof:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_found = new_found = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_found, new_found = node_hash(other, old_found), node_hash(other, new_found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new_found = node_hash(new_found, other)
        place, last = place >> 1, last >> 1
    return last == 0 and old_found == old_root and new_found == new_root
