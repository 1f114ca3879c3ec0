"""What is wrong with a log, judged by its entries, its stored hashes and signed heads. Pure.

A head says what the log was. The stored hashes say, entry by entry, which one is another now;
they are nobody's word, and count only where they agree with the heads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from tessera.domain.audit.entry import Entry
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.stored import stored_count, stored_size
from tessera.domain.audit.tree import HASH_BYTES, Frontier, leaf_hash
from tessera.domain.errors import InvalidInput


class Kind(StrEnum):
    ALTERED = "altered-entry"
    MISSING = "missing-entry"
    ADDED = "added-entry"
    TRUNCATED = "truncated"
    FORKED = "forked"
    BAD_SIGNATURE = "bad-signature"
    TORN = "torn-line"
    TREE = "stored-hashes"
    NOT_KEPT = "not-kept"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    message: str
    entry: int | None = None
    """The first entry concerned, from 0, where one is known."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A head whose signature has been checked, and who keeps it."""

    keeper: str
    head: TreeHead


def judge(
    lines: Iterable[bytes], torn: bytes, stored: bytes, witnesses: Sequence[Witness]
) -> tuple[int, tuple[Finding, ...]]:
    """Return the number of entries, and the findings.

    `lines` without their ends, `torn` what comes after the last end of line, `stored` the
    hashes as `tessera.domain.audit.stored` lays them out.
    """
    leaves, unreadable = _read(lines)
    sizes = frozenset(witness.head.size for witness in witnesses)
    roots, expected = _grown(leaves, sizes)
    stored_leaves = [
        stored[place * HASH_BYTES : (place + 1) * HASH_BYTES]
        for place in map(stored_count, range(stored_size(len(stored) // HASH_BYTES)))
    ]
    failing = [w for w in witnesses if roots.get(w.head.size) != w.head.root]
    largest = max(sizes, default=0)
    changed = _changes(stored_leaves, leaves)
    findings: list[Finding] = []
    if changed and not failing and (changed[0].entry or 0) < largest:
        findings.append(_tree_finding())
        unexplained: list[Witness] = []
        changed = []
    else:
        stored_roots, _ = _grown(stored_leaves, sizes) if changed else (roots, b"")
        unexplained = [w for w in failing if stored_roots.get(w.head.size) != w.head.root]
        if not changed and not expected.startswith(stored):
            findings.append(_tree_finding())
    findings += changed or unreadable
    good = [w.head.size for w in witnesses if roots.get(w.head.size) == w.head.root]
    findings += _heads_that_fail(unexplained, len(leaves), good)
    findings += _torn(torn, len(leaves), largest)
    return len(leaves), tuple(findings)


def judge_kept(party: str, heads: Sequence[TreeHead]) -> tuple[Finding, ...]:
    """Return what the heads kept of another party's log say against each other, in their order."""
    found = []
    roots: dict[int, bytes] = {}
    largest = 0
    for head in heads:
        if roots.setdefault(head.size, head.root) != head.root:
            said = f"{party} signed two heads of {head.size} entries with different roots"
            found.append(Finding(Kind.FORKED, said))
        elif head.size < largest:
            said = f"{party} signed {head.size} entries after it had signed {largest}"
            found.append(Finding(Kind.FORKED, said))
        largest = max(largest, head.size)
    return tuple(found)


def _read(lines: Iterable[bytes]) -> tuple[list[bytes], list[Finding]]:
    """Return leaf hashes, and the lines that are no entry or not in their place."""
    leaves: list[bytes] = []
    findings: list[Finding] = []
    shift = 0
    for place, line in enumerate(lines):
        leaves.append(leaf_hash(line))
        try:
            index = Entry.decode(line).index
        except InvalidInput as err:
            findings.append(Finding(Kind.ALTERED, f"entry {place + shift}: {err}", place + shift))
            continue
        if index > place + shift:
            findings.append(_missing(place + shift, index - 1))
        elif index < place + shift:
            said = f"line {place + 1} says that it is entry {index}, which came before"
            findings.append(Finding(Kind.ADDED, said, index))
        shift = index - place
    return leaves, findings


def _grown(leaves: Sequence[bytes], sizes: frozenset[int]) -> tuple[dict[int, bytes], bytes]:
    """Return the root at each of `sizes` that is reached, and the hashes to store."""
    tree = Frontier()
    roots = {0: tree.root()}
    stored: list[bytes] = []
    for leaf in leaves:
        stored += tree.add(leaf)
        if tree.size in sizes:
            roots[tree.size] = tree.root()
    return roots, b"".join(stored)


def _changes(before: Sequence[bytes], now: Sequence[bytes]) -> list[Finding]:
    """Compare leaf hashes; entries after the last stored one are new, and no change."""
    shared = min(len(before), len(now))
    first = next((i for i in range(shared) if before[i] != now[i]), shared)
    if first == len(before):
        return []
    if first == len(now):
        return [_missing(first, len(before) - 1, at_the_end=True)]
    n_same = 0
    while n_same < shared - first and before[-1 - n_same] == now[-1 - n_same]:
        n_same += 1
    was, has = len(before) - n_same - first, len(now) - n_same - first
    if has == 0:
        return [_missing(first, first + was - 1)]
    if was == 0:
        said = f"{_entries(first, first + has - 1)} {_were(has)} not there before: added"
        return [Finding(Kind.ADDED, said, first)]
    if was == has:
        return [
            Finding(Kind.ALTERED, f"entry {i} is not what was written: altered", i)
            for i in range(first, first + was)
            if before[i] != now[i]
        ]
    said = f"{_entries(first, first + was - 1)}: {was} written, {has} there now: altered"
    return [Finding(Kind.ALTERED, said, first)]


def _heads_that_fail(
    failing: Sequence[Witness], n_entries: int, good: Sequence[int]
) -> list[Finding]:
    """One finding for each keeper and kind: the log was shortened, or rewritten."""
    findings = []
    ordered = sorted(failing, key=lambda w: (w.keeper, w.head.size > n_entries, w.head.size))
    for (keeper, is_short), group in groupby(
        ordered, key=lambda w: (w.keeper, w.head.size > n_entries)
    ):
        heads = [witness.head for witness in group]
        if is_short:
            said = (
                f"the head of {heads[-1].at:%Y-%m-%d %H:%M:%S} UTC, kept by {keeper}, has "
                f"{heads[-1].size} entries; the log has {n_entries}: truncated"
            )
            findings.append(Finding(Kind.TRUNCATED, said, n_entries))
        else:
            first = heads[0]
            since = max((size for size in good if size < first.size), default=0)
            said = (
                f"the head of {first.at:%Y-%m-%d %H:%M:%S} UTC, kept by {keeper}, has another "
                f"root for {first.size} entries: {_entries(since, first.size - 1)} "
                f"{_were(first.size - since)} rewritten: forked history"
            )
            findings.append(Finding(Kind.FORKED, said, since))
    return findings


def _torn(torn: bytes, n_entries: int, largest: int) -> list[Finding]:
    # A line that was being written when the process was killed is mended by the next append;
    # under a signed head it was whole once.
    if not torn or largest <= n_entries:
        return []
    return [Finding(Kind.TORN, f"entry {n_entries} is cut off, and a head covers it", n_entries)]


def _missing(first: int, last: int, *, at_the_end: bool = False) -> Finding:
    kind = Kind.TRUNCATED if at_the_end else Kind.MISSING
    where = " at the end: truncated" if at_the_end else ""
    verb = "is" if first == last else "are"
    return Finding(kind, f"{_entries(first, last)} {verb} missing{where}", first)


def _tree_finding() -> Finding:
    said = (
        "tree.bin does not belong to these entries, which agree with every head: "
        "delete the file; the next entry makes it again"
    )
    return Finding(Kind.TREE, said)


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _were(n_entries: int) -> str:
    return "was" if n_entries == 1 else "were"
