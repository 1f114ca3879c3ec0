"""`tessera audit` on homes that somebody has changed by hand; the words an operator reads."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.bootstrap.audit import hub_audit, node_audit, verify
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.tree import Frontier, leaf_hash
from tessera.ports.audit_log import Verdict
from tessera.testing.audit_log import AT, HUB, NODE, asked
from tests.hub_trial import tessera, trial_hub


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    """Make a node with 12 entries, and the hub that keeps its heads of 4, 8 and 12 entries."""
    node, hub = tmp_path / "node", tmp_path / "hub"
    (node / "link").mkdir(parents=True)
    (node / "node.toml").write_text('name = "Linköping"\ncountry = "SE"\n', "utf-8")
    signer = Ed25519Signer.create(node / "link" / "node.key")
    with trial_hub(hub) as trial:
        trial.joined(signer)
    (hub / "hub.toml").write_text('name = "Hub"\nurl = "https://hub.example.org"\n', "utf-8")
    ours, theirs, kept = node_audit(node), hub_audit(hub), 0
    for number in range(1, 13):
        ours.append(asked(number), AT)
        if number % 4 == 0:
            shown = ours.show(AT, party=HUB, kept_there=kept)
            assert theirs.keep(NODE, signer.public_key, shown) is Verdict.KEPT
            kept = number
    return node, hub


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old, new)


def without(number: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(lines[:number] + lines[number + 1 :])

    return change


def swapped(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    lines[4], lines[5] = lines[5], lines[4]
    return b"".join(lines)


def doubled(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:6], lines[6].replace(b'"7"', b'"x"'), *lines[6:]])


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (replaced(b'"search":"6"', b'"search":"5"'), "altered-entry", "entry 5 is not what was"),
        (replaced(b'"search":"6"', b'"search":"\xff"'), "altered-entry", "entry 5 is not what was"),
        (without(6), "missing-entry", "entry 6 is missing"),
        (without(11), "truncated", "entry 11 is missing at the end: truncated"),
        (lambda content: content[:-5], "truncated", "entry 11 is missing at the end"),
        (lambda content: b"", "truncated", "entries 0 to 11 are missing"),
        (doubled, "added-entry", "entry 6 was not there before: added"),
        (swapped, "altered-entry", "entry 4 is not what was written"),
    ],
)
def test_a_changed_log_is_found_and_the_place_is_named(
    homes: tuple[Path, Path], change: Callable[[bytes], bytes], kind: str, words: str
) -> None:
    node, hub = homes
    path = node / "audit" / "log.jsonl"
    path.write_bytes(change(path.read_bytes()))
    done = tessera("audit", "verify", node, "--against", hub, check=False)
    assert done.returncode == 4
    assert done.stdout.startswith(kind)
    assert words in done.stdout
    assert len(done.stdout.splitlines()) <= 4, "one cause is told once"


@pytest.mark.parametrize("gone", ["tree.bin", "heads.jws"])
def test_a_log_cut_short_with_its_own_files_is_found_by_the_other_side(
    homes: tuple[Path, Path], gone: str
) -> None:
    node, hub = homes
    path = node / "audit" / "log.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:9]))
    (node / "audit" / "tree.bin").unlink()
    (node / "audit" / gone).unlink(missing_ok=True)
    found = verify(node, hub).findings
    assert {finding.kind.value for finding in found} == {"truncated"}
    assert any("kept by hub, has 12 entries; the log has 9" in f.message for f in found)


def test_an_untouched_log_is_right_and_the_other_sides_file_will_do(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    node, hub = homes
    export = tmp_path / "hub-heads.json"
    export.write_text(tessera("audit", "heads", hub).stdout, "utf-8")
    assert "prostate" not in export.read_text("utf-8")
    done = tessera("audit", "verify", node, "--against", export)
    assert done.stdout == (
        "12 entries, 3 heads of this side, 3 of them kept by the other side, "
        "0 heads of others kept here: nothing is wrong\n"
    )
    alone = tessera("audit", "verify", node)
    assert "the other side's heads were not looked at" in alone.stderr
    assert "3 heads of others kept here" in tessera("audit", "verify", hub).stdout


def test_a_bent_signature_is_found_on_either_side(homes: tuple[Path, Path]) -> None:
    node, hub = homes
    for home, path in ((node, "audit/heads.jws"), (hub, f"audit/kept/{NODE}.jws")):
        file = home / path
        first, *rest = file.read_bytes().splitlines(keepends=True)
        place = first.index(b".") + 9
        bent = first[:place] + (b"A" if first[place : place + 1] != b"A" else b"B")
        file.write_bytes(b"".join([bent + first[place + 1 :], *rest]))
        found = verify(home).findings
        assert [finding.kind.value for finding in found] == ["bad-signature"]
        assert "head 1 of" in found[0].message


def test_two_signed_heads_of_one_size_are_a_fork(homes: tuple[Path, Path]) -> None:
    node, hub = homes
    signer = Ed25519Signer.load(node / "link" / "node.key")
    other = TreeHead(log_id=signer.public_key.fingerprint, size=12, root=leaf_hash(b"other"), at=AT)
    with (hub / "audit" / "kept" / f"{NODE}.jws").open("ab") as file:
        file.write(signer.sign(other.encode()).encode() + b"\n")
    assert [f.kind.value for f in verify(node, hub).findings] == ["forked"]
    found = verify(hub).findings
    assert [f.kind.value for f in found] == ["forked"]
    assert "signed two heads of 12 entries with different roots" in found[0].message


def test_a_side_that_keeps_nothing_of_this_log_says_so(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    node, hub = homes
    (node / "link" / "node.key").unlink()
    Ed25519Signer.create(node / "link" / "node.key")
    kinds = {finding.kind.value for finding in verify(node, hub).findings}
    assert kinds == {"not-kept", "bad-signature"}
    for content in ("", "[]", '{"format": "tessera-audit-heads/1"}', '{"format": "other"}'):
        wrong = tmp_path / "wrong.json"
        wrong.write_text(content, "utf-8")
        done = tessera("audit", "verify", node, "--against", wrong, check=False)
        assert done.returncode == 1
        assert "ask the other side for it again" in done.stderr


def test_entries_are_shown_from_a_number_or_a_day(homes: tuple[Path, Path]) -> None:
    node, _ = homes
    shown = tessera("audit", "show", node, "--since", "11").stdout
    assert shown == (
        "    11  2026-03-05 14:07:00 UTC  public        search-asked        "
        "query=cancer = prostate  search=12\n"
    )
    assert len(json.loads(tessera("audit", "show", node, "--json").stdout)) == 12
    assert tessera("audit", "show", node, "--since", "2026-03-06").stdout == ""
    assert len(tessera("audit", "show", node, "--since", "2026-03-05").stdout.splitlines()) == 12
    wrong = tessera("audit", "show", node, "--since", "yesterday", check=False)
    assert "an entry number, or a date" in wrong.stderr


def test_a_home_of_neither_is_named(tmp_path: Path) -> None:
    done = tessera("audit", "verify", tmp_path, check=False)
    assert done.returncode == 1
    assert "neither a node nor a hub" in done.stderr


def test_a_hundred_thousand_entries_are_verified_in_seconds(homes: tuple[Path, Path]) -> None:
    node, _ = homes
    path, tree, hashes = node / "audit" / "log.jsonl", Frontier(), []
    template = path.read_bytes().splitlines()[0]
    lines = [template.replace(b'"index":0,', b'"index":%d,' % i) for i in range(100_000)]
    for line in lines:
        hashes += tree.add(leaf_hash(line))
    path.write_bytes(b"\n".join(lines) + b"\n")
    (node / "audit" / "tree.bin").write_bytes(b"".join(hashes))
    (node / "audit" / "heads.jws").unlink()
    log = node_audit(node)
    log.show(AT, party=HUB, kept_there=0)
    begun = process_time()
    log.append(asked(1), AT)
    assert process_time() - begun < 1
    log.show(AT, party=HUB, kept_there=100_000)
    begun = process_time()
    result = verify(node)
    assert (result.n_entries, result.n_own_heads, result.findings) == (100_001, 2, ())
    assert process_time() - begun < 30
    os.truncate(path, path.stat().st_size // 2)
    assert verify(node).findings[0].kind.value == "truncated"
