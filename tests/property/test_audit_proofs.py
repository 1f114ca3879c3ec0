"""Proofs hold for what was so, and for nothing else; the judge sees whatever is changed."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.audit.entry import Entry, Event
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.tree import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
)
from tessera.domain.audit.verify import Witness, judge
from tests.unit.domain.test_audit_tree import stored

AT = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)
ENTRIES = [b"%d" % number for number in range(70)]
TREE = stored(ENTRIES)
SIZES = st.integers(0, len(ENTRIES))
TEXT = st.text(max_size=20)
FACTS = st.dictionaries(
    TEXT, st.one_of(TEXT, st.integers(), st.booleans(), st.lists(TEXT).map(tuple)), max_size=4
)


@given(SIZES, SIZES)
def test_a_tree_is_proven_to_begin_each_later_one(one: int, other: int) -> None:
    old, new = sorted((one, other))
    proof = consistency_proof(old, new, TREE.hash_of)
    assert is_consistent(old, new, TREE.root(old), TREE.root(new), proof)
    assert len(proof) <= 2 + new.bit_length()


@given(st.integers(1, 70), SIZES, st.data())
def test_no_bent_proof_of_consistency_is_accepted(
    one: int, other: int, data: st.DataObject
) -> None:
    old, new = sorted((one, other))
    proof = list(consistency_proof(old, new, TREE.hash_of))
    old_root, new_root = TREE.root(old), TREE.root(new)
    stranger = leaf_hash(b"another")
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:place], stranger, *proof[place + 1 :]]
        assert not is_consistent(old, new, old_root, new_root, bent)
        assert not is_consistent(old, new, old_root, new_root, proof[:-1])
    assert not is_consistent(old, new, old_root, new_root, [*proof, stranger])
    if old:
        assert not is_consistent(old, new, stranger, new_root, proof)
        assert not is_consistent(old, new, old_root, stranger, proof)
        assert not is_consistent(new + 1, new, old_root, new_root, proof)


@given(st.integers(1, 69), st.integers(1, 70), st.integers(0, 68))
def test_no_proof_leads_from_a_rewritten_tree(old: int, new: int, changed: int) -> None:
    old, new = sorted((old, new))
    entries = list(ENTRIES)
    entries[changed % old] = b"rewritten"
    other = stored(entries)
    proof = consistency_proof(old, new, other.hash_of)
    assert not is_consistent(old, new, TREE.root(old), other.root(new), proof)


@given(st.integers(1, 70), st.integers(0, 69), st.integers(0, 69))
def test_an_entry_is_proven_in_its_place_only(size: int, index: int, other: int) -> None:
    index, other = index % size, other % size
    proof = inclusion_proof(index, size, TREE.hash_of)
    leaf = TREE.leaf(index)
    assert is_included(leaf, index, size, TREE.root(size), proof)
    assert not is_included(leaf_hash(b"another"), index, size, TREE.root(size), proof)
    assert other == index or not is_included(leaf, other, size, TREE.root(size), proof)


@given(TEXT, TEXT, FACTS, st.integers(0, 10**9))
def test_an_entry_is_read_back_from_one_line(
    name: str, actor: str, facts: dict[str, str | int | bool | tuple[str, ...]], index: int
) -> None:
    entry = Entry(index=index, at=AT, event=Event(name, actor, facts))
    line = entry.encode()
    assert b"\n" not in line
    assert Entry.decode(line) == entry


def written(n_entries: int) -> tuple[list[bytes], bytes, list[Witness]]:
    """Return lines, stored hashes, and a head at each third size and at the end."""
    tree, hashes, witnesses = Frontier(), b"", []
    lines = [
        Entry(index=i, at=AT, event=Event("asked", "public", {"n": i})).encode()
        for i in range(n_entries)
    ]
    for line in lines:
        hashes += b"".join(tree.add(leaf_hash(line)))
        if tree.size % 3 == 0 or tree.size == n_entries:
            head = TreeHead(log_id="a", size=tree.size, root=tree.root(), at=AT)
            witnesses.append(Witness("hub", head))
    return lines, hashes, witnesses


@given(st.integers(1, 40), st.data())
@settings(deadline=None)
def test_any_flipped_bit_is_found_and_its_entry_named(n_entries: int, data: st.DataObject) -> None:
    lines, hashes, witnesses = written(n_entries)
    assert judge(lines, b"", hashes, witnesses) == (n_entries, ())
    entry = data.draw(st.integers(0, n_entries - 1))
    place = data.draw(st.integers(0, len(lines[entry]) - 1))
    bent = bytearray(lines[entry])
    bent[place] ^= 1 << data.draw(st.integers(0, 7))
    if bent[place] == ord("\n"):
        return
    lines[entry] = bytes(bent)
    _, found = judge(lines, b"", hashes, witnesses)
    assert [finding.entry for finding in found] == [entry]
    _, without_tree = judge(lines, b"", b"", witnesses)
    assert without_tree


@given(st.integers(2, 40), st.data())
@settings(deadline=None)
def test_any_missing_line_is_found_and_named(n_entries: int, data: st.DataObject) -> None:
    lines, hashes, witnesses = written(n_entries)
    gone = data.draw(st.integers(0, n_entries - 1))
    kind = "truncated" if gone == n_entries - 1 else "missing-entry"
    rest = lines[:gone] + lines[gone + 1 :]
    _, found = judge(rest, b"", hashes, witnesses)
    assert [(finding.kind.value, finding.entry) for finding in found] == [(kind, gone)]


@given(st.integers(2, 40), st.data())
@settings(deadline=None)
def test_a_rewritten_log_is_found_by_the_heads_that_were_kept(
    n_entries: int, data: st.DataObject
) -> None:
    """The rewriter has made everything on his side anew; only the other side's heads are old."""
    _, _, witnesses = written(n_entries)
    changed = data.draw(st.integers(0, n_entries - 1))
    lines, tree, hashes = [], Frontier(), b""
    for index in range(n_entries + data.draw(st.integers(0, 3))):
        facts = {"n": -1 if index == changed else index}
        line = Entry(index=index, at=AT, event=Event("asked", "public", facts)).encode()
        lines.append(line)
        hashes += b"".join(tree.add(leaf_hash(line)))
    _, found = judge(lines, b"", hashes, witnesses)
    assert [finding.kind.value for finding in found] == ["forked"]
    assert found[0].entry is not None
    assert found[0].entry <= changed < found[0].entry + 3


def test_damaged_stored_hashes_are_not_blamed_on_the_log() -> None:
    lines, hashes, witnesses = written(20)
    for place in range(0, len(hashes), 31):
        bent = bytearray(hashes)
        bent[place] ^= 1
        _, found = judge(lines, b"", bytes(bent), witnesses)
        assert [finding.kind.value for finding in found] == ["stored-hashes"]


def test_a_repeated_line_is_found() -> None:
    lines, hashes, witnesses = written(20)
    _, found = judge([*lines[:7], lines[6], *lines[7:]], b"", hashes, witnesses)
    assert found[0].kind.value == "added-entry"


def test_two_heads_of_one_size_are_a_fork() -> None:
    lines, hashes, witnesses = written(20)
    other = Witness("hub", replace(witnesses[2].head, root=leaf_hash(b"another")))
    _, found = judge(lines, b"", hashes, [*witnesses, other])
    assert [(finding.kind.value, finding.entry) for finding in found] == [("forked", 6)]
