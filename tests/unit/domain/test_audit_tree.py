"""The Merkle tree against the vectors that implementations of RFC 6962 publish and share."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from tessera.domain.audit.stored import StoredTree, stored_count, stored_size
from tessera.domain.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
)

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
LEAF_0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
LEAF_1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAVES_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
LEAVES_4_5 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
LEAVES_6_7 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LEAVES_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
LEAVES_0_3 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LEAF_6 = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"


def stored(entries: Sequence[bytes]) -> StoredTree:
    """Grow the file of hashes entry by entry, as the adapter does."""
    hashes: list[bytes] = []
    tree = StoredTree(0, hashes.__getitem__)
    for size, entry in enumerate(entries, start=1):
        hashes += tree.added(leaf_hash(entry))
        tree = StoredTree(size, hashes.__getitem__)
        assert len(hashes) == stored_count(size)
    return tree


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == stored([]).root(0) == EMPTY_ROOT == sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_as_published(size: int) -> None:
    tree = Frontier()
    for entry in ENTRIES[:size]:
        tree.add(leaf_hash(entry))
    assert tree.root() == ROOTS[size - 1]
    assert stored(ENTRIES).root(size) == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, ()),
        (0, 8, (LEAF_1, LEAVES_2_3, LEAVES_4_7)),
        (5, 8, (LEAF_4, LEAVES_6_7, LEAVES_0_3)),
        (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
        (1, 5, (LEAF_0, LEAVES_2_3, LEAF_4)),
    ],
)
def test_inclusion_proofs_are_as_published(index: int, size: int, proof: tuple[str, ...]) -> None:
    steps = tuple(bytes.fromhex(step) for step in proof)
    assert inclusion_proof(index, size, stored(ENTRIES).hash_of) == steps
    assert is_included(leaf_hash(ENTRIES[index]), index, size, ROOTS[size - 1], steps)


@pytest.mark.parametrize(
    ("old", "new", "proof"),
    [
        (1, 1, ()),
        (1, 8, (LEAF_1, LEAVES_2_3, LEAVES_4_7)),
        (6, 8, (LEAVES_4_5, LEAVES_6_7, LEAVES_0_3)),
        (2, 5, (LEAVES_2_3, LEAF_4)),
        (6, 7, (LEAVES_4_5, LEAF_6, LEAVES_0_3)),
    ],
)
def test_consistency_proofs_are_as_published(old: int, new: int, proof: tuple[str, ...]) -> None:
    steps = tuple(bytes.fromhex(step) for step in proof)
    assert consistency_proof(old, new, stored(ENTRIES).hash_of) == steps
    assert is_consistent(old, new, ROOTS[old - 1], ROOTS[new - 1], steps)


def test_the_number_of_stored_hashes_tells_the_number_of_leaves() -> None:
    for size in range(200):
        assert stored_size(stored_count(size)) == size
        if stored_count(size) + 1 < stored_count(size + 1):
            assert stored_size(stored_count(size) + 1) == size
