"""Files, folders, zips and disks made to lose an instance, keep one twice, or stop a batch."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pydicom.dataset import Dataset

from tessera.adapters.files.rule_files import rule_texts, vocabulary
from tessera.adapters.files.take_in import deidentify_to, source_path
from tessera.adapters.files.walk import sources_under
from tessera.adapters.pool import ProcessPool
from tessera.bootstrap import ingest as wiring
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.deid.gate import Deidentifier, Names
from tessera.domain.deid.holding import read_storage_classes
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import Conflict, InvalidDicom
from tessera.ports.ledger import LedgerEntry, SourceFile, State
from tests.deid_oracle import KEY, encoded, rules
from tests.dicom_files import ct_slice, write_series

IDENTITIES = ("19121212", "Ek^", "Åsa", "1.2.826.0.1.3680043.10.99", "ACC1912", "20240229")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))


def take(node: Node, *paths: Path) -> dict[str, LedgerEntry]:
    """Ingest in this process; return name → entry of what was not settled before."""
    entries = list(wiring.ingest_sources(node, wiring.list_sources(paths), workers=1))
    return {Path(entry.source.key).name: entry for entry in entries if entry}


def command(
    *arguments: str | Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    program = "from tessera.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=before,
    )
    assert "Traceback" not in run.stderr
    assert not [one for one in IDENTITIES if one in run.stdout + run.stderr]
    return run


def test_pipes_sockets_devices_and_loops_are_refused_and_nothing_waits(
    tmp_path: Path, node: Node
) -> None:
    pacs = tmp_path / "pacs"
    write_series(pacs, 2)
    os.mkfifo(pacs / "pipe")
    (pacs / "device").symlink_to(os.devnull)
    (pacs / "endless").symlink_to("/dev/zero")
    (pacs / "loop").symlink_to(pacs / "loop")
    (pacs / "dangling").symlink_to(pacs / "nothing")
    (pacs / "round").symlink_to(pacs, target_is_directory=True)
    listener = socket.socket(socket.AF_UNIX)
    cwd = Path.cwd()
    os.chdir(pacs)
    listener.bind("socket")
    os.chdir(cwd)
    run = command("node", "ingest", node.home, pacs, "--json", "--workers", "1")
    listener.close()
    counts = json.loads(run.stdout)
    assert (run.returncode, counts["stored"], counts["refused"]) == (3, 2, 6)
    for path in ("pipe", "endless"):
        out = command("deid", pacs / path, tmp_path / "out", "--json")
        assert json.loads(out.stdout)["states"] == {"refused": 1}


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of a user whom permissions bind, as root's do not."""
    with TemporaryDirectory() as name:  # loads all: nobody may not be able to read the library
        warm = init_node(Path(name) / "home", NodeSettings(name="A", country="SE"))
        write_series(Path(name) / "pacs", 1)
        take(warm, Path(name) / "pacs")
    with TemporaryDirectory() as name:
        if os.geteuid() == 0:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            os.seteuid(os.getuid())


def test_what_may_not_be_read_is_refused_by_name_and_taken_when_it_may(nobody: Path) -> None:
    node = init_node(
        nobody / "home", NodeSettings(name="A", country="SE"), vault_key=str(nobody / "opens.key")
    )
    paths = write_series(nobody / "pacs", 3)
    write_series(nobody / "pacs" / "closed", 1, series=2)
    paths[0].chmod(0)
    (nobody / "pacs" / "closed").chmod(0)
    entries = take(node, nobody / "pacs")
    (nobody / "pacs" / "closed").chmod(0o700)
    paths[0].chmod(0o600)
    assert {name for name, e in entries.items() if e.reason == "not-read"} == {"I00001", "closed"}
    assert all(e.mend for e in entries.values() if e.reason)
    assert {e.state for e in take(node, nobody / "pacs").values()} == {State.STORED}
    assert node.index.totals().n_instances == 4


def test_a_share_that_is_gone_for_a_while_loses_nothing(tmp_path: Path, node: Node) -> None:
    paths = write_series(tmp_path / "pacs", 3)
    sources = wiring.list_sources([tmp_path / "pacs"])
    (tmp_path / "pacs").rename(tmp_path / "away")
    entries = list(wiring.ingest_sources(node, sources, workers=1))
    assert {entry and entry.reason for entry in entries} == {"not-read"}
    (tmp_path / "away").rename(tmp_path / "pacs")
    assert [one.modified_ns for one in sources] == [p.stat().st_mtime_ns for p in paths]
    assert len(take(node, tmp_path / "pacs")) == 3
    assert node.index.totals().n_instances == 3
    assert wiring._quarantine(node, SourceFile(path="gone", size=1, modified_ns=1)) == ""


def test_a_file_that_still_grows_is_taken_when_it_is_whole(tmp_path: Path, node: Node) -> None:
    (path,) = write_series(tmp_path / "pacs", 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-300])
    assert take(node, path)["I00001"].reason == "truncated"
    path.write_bytes(whole)
    assert take(node, path)["I00001"].state is State.STORED


@pytest.mark.parametrize("new", [b"Ek^Asa 19121212" * 100, b""])
def test_a_file_that_changes_while_its_pixels_are_copied_leaves_no_output(
    tmp_path: Path, new: bytes
) -> None:
    (path,) = write_series(tmp_path / "pacs", 1)
    gate = Deidentifier(
        rules(),
        Pseudonymiser(KEY),
        read_storage_classes(rule_texts().storage_classes),
        vocabulary(),
    )
    target = tmp_path / "target"

    def change(names: Names) -> tuple[Path, str]:
        path.write_bytes(new)
        return target, "place"

    with pytest.raises(InvalidDicom) as caught:
        deidentify_to(path, gate, change, durable=False)
    assert caught.value.reason == "not-read"
    assert not target.exists()


def test_one_uid_with_two_contents_in_one_batch_keeps_the_first_and_refuses_the_second(
    tmp_path: Path, node: Node
) -> None:
    pacs = tmp_path / "pacs"
    write_series(pacs, 2)
    other = ct_slice(1)
    other.Rows = other.Columns = 8
    (pacs / "other").write_bytes(encoded(other))
    (pacs / "same").write_bytes((pacs / "I00002").read_bytes())
    entries = take(node, pacs)
    assert entries["other"].reason == "uid-conflict"
    assert (node.identified / "quarantine" / entries["other"].quarantine).is_file()
    assert entries["same"].state is State.DUPLICATE
    assert node.index.totals().n_instances == 2


def test_a_number_too_large_for_the_index_stops_no_batch(tmp_path: Path, node: Node) -> None:
    pacs = tmp_path / "pacs"
    write_series(pacs, 2)
    odd = encoded(ct_slice(3)).replace(
        b"\x20\0\x13\0IS\x02\x003 ", b"\x20\0\x13\0IS\x14\x0099999999999999999999"
    )
    (pacs / "odd").write_bytes(odd)
    assert {e.state for e in take(node, pacs).values()} == {State.STORED}


def limited() -> None:
    """No file may grow beyond this: what a full disk looks like to a program."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_stops_ingest_with_one_line_and_the_next_run_goes_on(
    tmp_path: Path, node: Node, workers: str
) -> None:
    pacs = tmp_path / "pacs"
    write_series(pacs, 26, side=8)
    write_series(pacs / "large", 2, side=256, series=2)
    run = command("node", "ingest", node.home, pacs, "--workers", workers, before=limited)
    assert run.returncode == 1
    assert "cannot be written" in run.stderr
    assert len(run.stderr.splitlines()) == 1
    again = command("node", "ingest", node.home, pacs, "--workers", workers)
    assert again.returncode == 0, again.stderr
    assert node.index.totals().n_instances == 28 == len(list(node.store.instances.rglob("*.dcm")))
    assert not list(node.store.staging.iterdir())


def test_a_full_disk_stops_deid_with_one_line_and_leaves_no_part(tmp_path: Path) -> None:
    write_series(tmp_path / "in", 2, side=256)
    run = command(
        *("deid", tmp_path / "in", tmp_path / "out", "--key", tmp_path / "key"), before=limited
    )
    assert run.returncode == 1
    assert "cannot be written" in run.stderr
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]


def odd_zip(path: Path) -> None:
    """Good members under odd names, one of them twice; a bomb; a zip inside."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../outside.dcm", encoded(ct_slice(1)))
        archive.writestr("/absolute.dcm", encoded(ct_slice(2)))
        archive.writestr("line\nend.dcm", encoded(ct_slice(3)))
        archive.writestr("twice", encoded(ct_slice(4)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("twice", encoded(ct_slice(5)))
        archive.writestr("bomb", bytes(64 << 20))
        inner = path.with_suffix(".inner")
        with zipfile.ZipFile(inner, "w") as nested:
            nested.writestr("deep", encoded(ct_slice(6)))
        archive.write(inner, "nested.zip")
        inner.unlink()


def test_zips_lose_no_member_and_write_nowhere_else(tmp_path: Path, node: Node) -> None:
    (tmp_path / "pacs").mkdir()
    odd_zip(tmp_path / "pacs" / "odd.zip")
    entries = take(node, tmp_path / "pacs")
    assert sum(e.state is State.STORED for e in entries.values()) == 5
    assert entries["odd.zip!bomb"].state is State.IGNORED
    assert entries["odd.zip!nested.zip"].reason == "archive"
    assert not list(tmp_path.rglob("outside.dcm"))
    assert {p.name for p in tmp_path.iterdir()} == {"home", "pacs"}
    out = command("deid", tmp_path / "pacs", tmp_path / "out", "--json")
    assert json.loads(out.stdout)["states"] == {"ignored": 1, "refused": 1, "stored": 5}


def test_damaged_and_encrypted_zips_are_refused_not_ignored(tmp_path: Path, node: Node) -> None:
    pacs = tmp_path / "pacs"
    pacs.mkdir()
    with zipfile.ZipFile(pacs / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one", encoded(ct_slice(1)))
    whole = (pacs / "whole.zip").read_bytes()
    (pacs / "cut.zip").write_bytes(whole[: len(whole) // 2])
    locked = bytearray(whole)
    locked[6] |= 1
    locked[whole.index(b"PK\x01\x02") + 8] |= 1
    (pacs / "locked.zip").write_bytes(locked)
    broken = bytearray(whole)
    broken[80:120] = bytes(40)
    (pacs / "broken.zip").write_bytes(broken)
    entries = take(node, pacs)
    assert entries["cut.zip"].reason == "archive"
    assert {entries[f"{n}.zip!one"].reason for n in ("locked", "broken")} == {"unreadable"}
    assert entries["whole.zip!one"].state is State.STORED


def test_a_member_larger_than_the_disk_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    odd_zip(tmp_path / "odd.zip")
    huge = SourceFile(path=str(tmp_path / "odd.zip"), member="bomb", size=1 << 60, modified_ns=1)
    with (
        pytest.raises(InvalidDicom, match="half of the free disk"),
        source_path(huge, tmp_path / "inbox"),
    ):
        pass


def test_an_unpacked_member_has_no_name_that_a_kill_could_leave(tmp_path: Path) -> None:
    odd_zip(tmp_path / "odd.zip")
    source = next(s for s in sources_under([tmp_path]) if s.member == "twice")
    with source_path(source, tmp_path / "inbox") as path:
        assert Path(path).read_bytes() == encoded(ct_slice(4))
        assert not list((tmp_path / "inbox").iterdir())


@pytest.mark.parametrize(
    "name", [b"line\nend", b"Bj\xf6rn", b"\xff\xfe", b"tab\t\x1b[31m", b"a!b#2"]
)
def test_any_file_name_is_taken_listed_and_settled(tmp_path: Path, node: Node, name: bytes) -> None:
    pacs = tmp_path / "pacs"
    pacs.mkdir()
    (pacs / os.fsdecode(name)).write_bytes(encoded(ct_slice(1)))
    (pacs / os.fsdecode(name + b"-cut")).write_bytes(encoded(ct_slice(2))[:-9])
    first = take(node, pacs)
    assert sorted(e.state for e in first.values()) == [State.REFUSED, State.STORED]
    assert take(node, pacs) == {}
    listed = command("node", "quarantine", node.home, "--json")
    (entry,) = json.loads(listed.stdout)
    assert entry["source"].isprintable()
    lines = command("node", "quarantine", node.home).stdout.splitlines()
    assert len(lines) == 1
    report = tmp_path / "report.json"
    run = command("deid", pacs, tmp_path / "out", "--report", report, "--json")
    assert json.loads(run.stdout)["states"] == {"refused": 1, "stored": 1}
    assert len(json.loads(report.read_text(encoding="utf-8"))["outcomes"]) == 2


def test_the_quarantine_list_tells_file_element_and_mend_and_no_value(
    tmp_path: Path, node: Node
) -> None:
    pacs = tmp_path / "pacs"
    pacs.mkdir()

    def changed(**attributes: object) -> Dataset:
        ds = ct_slice(1)
        for name, value in attributes.items():
            setattr(ds, name, value)
        return ds

    bad = {
        "no-study": encoded(changed(StudyInstanceUID="")),
        "burned": encoded(changed(BurnedInAnnotation="YES")),
        "class": encoded(changed(SOPClassUID="1.2.826.0.1.3680043.10.99.7")),
        "ultrasound": encoded(changed(Modality="US")),
        "cut": encoded(ct_slice(1))[:-5],
        "syntax": encoded(ct_slice(1)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.Ek^A\0\0"),
    }
    for name, data in bad.items():
        (pacs / name).write_bytes(data)
    assert command("node", "ingest", node.home, pacs).returncode == 3
    listed = json.loads(command("node", "quarantine", node.home, "--json").stdout)
    assert {Path(one["source"]).name for one in listed} == set(bad)
    assert all(one["element"] and one["message"] and one["mend"] for one in listed)


def test_the_key_stands_in_no_argument_list(tmp_path: Path, node: Node) -> None:
    write_series(tmp_path / "pacs", 60)
    program = "from tessera.cli import main; main()"
    run = subprocess.Popen(
        [sys.executable, "-c", program, "node", "ingest", node.home, tmp_path / "pacs"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    seen: set[bytes] = set()
    while run.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(process.name)) == run.pid:
                    seen.add(
                        (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                    )
            except (OSError, ProcessLookupError):
                continue
    assert len(seen) >= 2
    assert not [one for one in seen if node.key().hex().encode() in one]


def _end(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def _nothing() -> None:
    pass


def test_a_worker_that_is_ended_from_outside_is_told_in_words() -> None:
    pool = ProcessPool(1, _nothing, ())
    with pytest.raises(Conflict, match="ended from outside"):
        list(pool.map_unordered(_end, [1]))
    pool.close()
