"""The audit log in a folder: the suite of its port, kills, two processes, and damage."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tessera.adapters.audit.folder import AuditFolder
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.audit.stored import stored_count
from tessera.domain.audit.tree import HASH_BYTES
from tessera.domain.audit.verify import judge
from tessera.domain.errors import Conflict, InvalidSettings
from tessera.testing.audit_log import AT, HUB, AuditLogContract, asked
from tests.hub_trial import trial_audit

WRITER = """
import sys
from pathlib import Path
from tessera.testing.audit_log import AT, asked
from tests.hub_trial import trial_audit
log = trial_audit(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    log.append(asked(number), AT)
    print(number, flush=True)
"""


def key_in(folder: Path) -> Ed25519Signer:
    """Two logs, one inside the folder of the other, share its key: a rewritten history."""
    folder.mkdir(exist_ok=True)
    found = next((p / "key" for p in (folder, folder.parent) if (p / "key").exists()), None)
    return Ed25519Signer.load(found) if found else Ed25519Signer.create(folder / "key")


class TestAuditFolder(AuditLogContract):
    def make(self, folder: Path) -> tuple[AuditFolder, Ed25519Signer, Ed25519Verifier]:
        signer = key_in(folder)
        return trial_audit(folder, signer), signer, Ed25519Verifier()


@pytest.fixture
def log(tmp_path: Path) -> AuditFolder:
    return trial_audit(tmp_path / "audit", key_in(tmp_path))


def writer(folder: Path, n_entries: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(n_entries)], stdout=subprocess.PIPE
    )


def findings(folder: Path) -> tuple[object, ...]:
    *lines, torn = (folder / "log.jsonl").read_bytes().split(b"\n")
    return judge(lines, torn, (folder / "tree.bin").read_bytes(), [])[1]


def test_the_files_are_for_their_owner_only(log: AuditFolder) -> None:
    log.append(asked(0), AT)
    log.show(AT, party=HUB, kept_there=0)
    assert log.folder.stat().st_mode & 0o777 == 0o700
    for path in log.folder.iterdir():
        assert path.is_dir() or path.stat().st_mode & 0o077 == 0, path.name


def test_two_processes_append_at_once_and_no_entry_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    both = [writer(folder, 60) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        assert process.stdout
        process.stdout.close()
    log = trial_audit(folder)
    assert [entry.index for entry in log.entries()] == list(range(120))
    assert findings(folder) == ()


def test_a_killed_process_loses_no_entry_that_it_had_written(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    n_there = 0
    for _ in range(4):
        process = writer(folder, 100_000)
        assert process.stdout
        for _ in range(15):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().count(b"\n")
        process.wait()
        process.stdout.close()
        log = trial_audit(folder)
        log.append(asked(0), AT)
        n_now = len(list(log.entries()))
        assert n_now >= n_there + 15 + rest + 1
        assert findings(folder) == ()
        n_there = n_now


@pytest.mark.parametrize("n_bytes", [1, 40])
def test_a_torn_line_that_no_head_covers_is_mended(log: AuditFolder, n_bytes: int) -> None:
    log.append(asked(0), AT)
    log.show(AT, party=HUB, kept_there=0)
    with (log.folder / "log.jsonl").open("ab") as file:
        file.write(b'{"actor":"public","at":"2026-03-05T14:07:00Z"'[:n_bytes])
    assert log.append(asked(1), AT).index == 1
    assert [entry.index for entry in log.entries()] == [0, 1]
    assert findings(log.folder) == ()


def test_a_torn_line_under_a_signed_head_is_left_as_it_is(log: AuditFolder) -> None:
    for number in range(2):
        log.append(asked(number), AT)
    log.show(AT, party=HUB, kept_there=0)
    path = log.folder / "log.jsonl"
    os.truncate(path, path.stat().st_size - 5)
    before = path.read_bytes()
    with pytest.raises(Conflict, match="entry 1 is cut off, and a signed head covers it"):
        log.append(asked(2), AT)
    assert path.read_bytes() == before


@pytest.mark.parametrize("n_hashes", [0, 1, 3, 9])
def test_stored_hashes_that_a_kill_kept_back_are_made_again(
    log: AuditFolder, n_hashes: int
) -> None:
    for number in range(7):
        log.append(asked(number), AT)
    tree = log.folder / "tree.bin"
    whole = tree.read_bytes()
    assert len(whole) == stored_count(7) * HASH_BYTES
    os.truncate(tree, n_hashes * HASH_BYTES + 5)
    log.append(asked(7), AT)
    assert tree.read_bytes()[: len(whole)] == whole
    assert findings(log.folder) == ()


def test_a_log_with_a_line_less_takes_no_more_entries(log: AuditFolder) -> None:
    for number in range(3):
        log.append(asked(number), AT)
    path = log.folder / "log.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(Conflict, match="2 entries and had more"):
        log.append(asked(3), AT)


def test_no_head_is_signed_over_a_rewritten_history(log: AuditFolder) -> None:
    for number in range(3):
        log.append(asked(number), AT)
    log.show(AT, party=HUB, kept_there=0)
    for name in ("log.jsonl", "tree.bin"):
        (log.folder / name).unlink()
    for number in range(4):
        log.append(asked(10 + number), AT)
    with pytest.raises(Conflict, match="does not go on from the head of 3 entries"):
        log.show(AT, party=HUB, kept_there=3)


def test_without_a_key_there_is_a_log_and_no_head(tmp_path: Path) -> None:
    log = trial_audit(tmp_path / "audit")
    assert log.append(asked(0), AT).index == 0
    with pytest.raises(InvalidSettings):
        log.show(AT, party=HUB, kept_there=0)


def test_an_append_costs_the_same_in_a_long_log(log: AuditFolder) -> None:
    """Counted in bytes read and written by this process, not in time: the machine may be busy."""
    costs = []
    for n_more in (63, 1000):
        for _ in range(n_more):
            log.append(asked(0), AT)
        before = _bytes_moved()
        log.append(asked(0), AT)
        costs.append(_bytes_moved() - before)
    assert costs[1] < costs[0] + 70_000


def _bytes_moved() -> int:
    words = Path("/proc/self/io").read_text("ascii").split()
    return int(words[1]) + int(words[3])
