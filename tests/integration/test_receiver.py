"""The C-STORE receiver: what it takes, what it refuses, and how it says so."""

import os
import resource
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from tessera.domain.errors import Conflict
from tessera.wire.dimse.negotiation import Caller
from tests.deid_oracle import encoded
from tests.dicom_files import CT, ct_slice, write_series
from tests.receiver_trial import (
    EXPLICIT,
    SYSTEM_PATH,
    Peer,
    Receiver,
    associated,
    ct_bytes,
    data_pdu,
    eventually,
    message,
    receiving,
    request,
    store_command,
)

VERIFICATION = "1.2.840.10008.1.1"
MR = "1.2.840.10008.5.1.4.1.1.4"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("receiver"), processes=2) as one:
        yield one


def program(name: str) -> str:
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        pytest.skip(f"{name} of DCMTK is not installed")
    return found


def newest(receiver: Receiver, before: list[Path]) -> Path:
    (path,) = set(receiver.files()) - set(before)
    return path


def test_the_data_set_lies_on_disk_byte_for_byte_with_a_head_of_ours(receiver: Receiver) -> None:
    before = receiver.files()
    uid, data = ct_bytes(1, side=300)
    with associated(receiver.port, (CT, EXPLICIT), calling="PACS1") as peer:
        assert peer.store(1, side=300) == 0
    path = newest(receiver, before)
    whole = path.read_bytes()
    assert whole.endswith(data)
    meta = dcmread(path).file_meta
    assert meta.FileMetaInformationGroupLength == len(whole) - len(data) - 144
    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (CT, uid)
    assert (meta.TransferSyntaxUID, meta.SourceApplicationEntityTitle) == (EXPLICIT, "PACS1")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_the_list_says_whose_it_is(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        with associated(receiver.port) as peer:
            assert [peer.store(n, study=4) for n in (1, 2, 2)] == [0, 0, 0]
        eventually(lambda: receiver.book().count()[0] == 3)
        rows = receiver.book().waiting()
        assert {row.name for row in rows} == {f"{p.parent.name}/{p.name}" for p in receiver.files()}
        assert {row.origin.patient_id for row in rows} == {"19121212-1212"}
        assert sum(row.n_bytes for row in rows) == sum(p.stat().st_size for p in receiver.files())
        (study,) = receiver.book().studies()
        assert (study.study_uid, study.n_received) == ("1.2.826.0.1.3680043.10.99.4", 3)


def test_dcmtk_verifies_and_sends_every_syntax_that_it_has(
    receiver: Receiver, tmp_path: Path
) -> None:
    where = ["-aec", "TESSERA", "127.0.0.1", str(receiver.port)]
    subprocess.run([program("echoscu"), *where], check=True, timeout=30)
    sent = write_series(tmp_path / "a", 3, series=31)
    for number, syntax in enumerate(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99")):
        path = tmp_path / f"syntax{number}.dcm"
        path.write_bytes(encoded(ct_slice(50 + number, series=32), syntax))
        sent.append(path)
    before = receiver.files()
    subprocess.run([program("dcmsend"), *where, *map(str, sent)], check=True, timeout=30)
    got = [dcmread(path) for path in set(receiver.files()) - set(before)]
    assert {ds.SOPInstanceUID for ds in got} == {dcmread(p).SOPInstanceUID for p in sent}
    assert {str(ds.PatientName) for ds in got} == {"Ek^Åsa"}
    before = receiver.files()
    subprocess.run([program("storescu"), *where, str(sent[0])], check=True, timeout=30)
    assert dcmread(newest(receiver, before)).SOPInstanceUID == dcmread(sent[0]).SOPInstanceUID


def test_pynetdicom_sends_a_private_class(receiver: Receiver) -> None:
    pynetdicom = pytest.importorskip("pynetdicom")
    before = receiver.files()
    entity = pynetdicom.AE("PACS1")
    entity.add_requested_context("1.2.752.99.77", EXPLICIT)
    entity.add_requested_context(FIND)
    entity.add_requested_context(VERIFICATION)
    association = entity.associate("127.0.0.1", receiver.port, ae_title="TESSERA")
    assert association.is_established
    assert association.send_c_echo().Status == 0
    assert [c.abstract_syntax for c in association.rejected_contexts] == [FIND]
    ds = ct_slice(70, series=70)
    ds.SOPClassUID = "1.2.752.99.77"
    encoded(ds)
    assert association.send_c_store(ds).Status == 0
    association.release()
    assert association.is_released
    assert dcmread(newest(receiver, before)).SOPClassUID == "1.2.752.99.77"


@pytest.mark.parametrize(
    ("calling", "called", "reason"), [("NOBODY", "TESSERA", 3), ("PACS1", "OTHER", 7)]
)
def test_who_is_not_known_is_refused(
    tmp_path: Path, calling: str, called: str, reason: int
) -> None:
    with receiving(tmp_path, callers=(Caller("PACS1"),)) as receiver:
        with Peer(receiver.port, request([(CT, EXPLICIT)], calling, called)) as peer:
            assert peer.pdu() == (3, bytes((0, 1, 1, reason)))
            assert peer.pdu() == (0, b"")
        with associated(receiver.port, calling="PACS1") as peer:
            assert peer.store(1) == 0


@pytest.mark.parametrize(
    ("status", "calling", "abstract", "command", "data"),
    [
        (0x0124, "MONITOR", CT, store_command(CT, "1.2.3"), b"x"),
        (0x0122, "SENDER", VERIFICATION, store_command(CT, "1.2.3"), b"x"),
        (0xA900, "SENDER", CT, store_command(MR, "1.2.3"), b"x"),
        (0xA900, "SENDER", CT, store_command(CT, "1.2.3"), ct_bytes(1)[1]),
        (0xC000, "SENDER", CT, store_command(CT, ""), b"x"),
        (0xC000, "SENDER", CT, store_command(CT, "../../x"), b"x"),
        (0xC000, "SENDER", CT, store_command(CT, "1.2.3"), b""),
        (0xC000, "SENDER", CT, store_command(CT, "1.2.3", data=0x101), None),
        (0x0211, "SENDER", CT, store_command(FIND, "", field=0x20), b"x" * 40_000),
        (0x0211, "SENDER", CT, store_command(CT, "1.2", field=0x130, data=0x101), None),
    ],
    ids=lambda value: f"{value:04X}" if isinstance(value, int) else "",
)
def test_a_pacs_is_told_why_and_may_go_on(
    receiver: Receiver, status: int, calling: str, abstract: str, command: bytes, data: bytes | None
) -> None:
    before = receiver.files()
    contexts = [(abstract, EXPLICIT), (VERIFICATION, EXPLICIT)]
    with associated(receiver.port, *contexts, calling=calling) as peer:
        peer.sock.sendall(message(1, command, data))
        assert peer.status() == status
        peer.sock.sendall(message(3, store_command("", "", field=0x30, data=0x101), None))
        assert peer.status() == 0
    assert receiver.files() == before
    assert not receiver.parts()


@pytest.mark.parametrize(
    "wrong",
    [
        request([(CT, EXPLICIT)]),
        data_pdu(9, 3, b"x"),
        data_pdu(1, 2, b"data without its command"),
        message(1, store_command(CT, "1.2.3"), None) + data_pdu(1, 3, b"a command again"),
        message(1, b"nonsense", None),
        message(1, store_command(CT, "1.2", field=0x8001), None),
        data_pdu(1, 1, bytes(17_000)),
        struct.pack(">BBI", 4, 0, 1 << 21),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_breaks_the_protocol_ends_the_association(receiver: Receiver, wrong: bytes) -> None:
    before = receiver.files()
    with associated(receiver.port) as peer:
        peer.sock.sendall(wrong)
        kind, body = peer.pdu()
        assert (kind, body[2]) == (7, 2)
        assert peer.pdu() == (0, b"")
    assert receiver.files() == before
    eventually(lambda: not receiver.parts())


def test_what_is_cut_off_leaves_nothing(receiver: Receiver) -> None:
    before = receiver.files()
    uid, data = ct_bytes(5, side=200)
    whole = message(1, store_command(CT, uid), data)
    with associated(receiver.port) as peer:
        peer.sock.sendall(whole[: len(whole) // 2])
        eventually(lambda: len(receiver.parts()) == 1)
    eventually(lambda: not receiver.parts())
    assert receiver.files() == before


def test_answers_do_not_wait_for_delayed_acknowledgements(receiver: Receiver) -> None:
    with associated(receiver.port) as peer:
        took = []
        for number in range(30):
            began = time.perf_counter()
            assert peer.store(number, series=90) == 0
            took.append(time.perf_counter() - began)
    assert sorted(took)[5] < 0.03, "an answer in two writes takes 0.04 s"


def test_room_on_the_disk_is_kept(tmp_path: Path) -> None:
    with receiving(tmp_path, free_bytes=1 << 60) as receiver, associated(receiver.port) as peer:
        assert peer.store(1) == 0xA700
        assert not receiver.files() + receiver.parts()


@pytest.mark.parametrize("sync", ["none", "group"])
def test_a_write_that_fails_is_told_and_the_next_one_works(tmp_path: Path, sync: str) -> None:
    """A limit on the size of files stands for the full disk: the system refuses the bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
    try:
        with receiving(tmp_path, sync=sync) as receiver, associated(receiver.port) as peer:
            assert peer.store(1) == 0
            assert peer.store(2, side=600) == 0xA700
            assert peer.store(3) == 0
            assert len(receiver.files()) == 2
            assert not receiver.parts()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only an account that may mount can make a full disk")
    try:
        with receiving(tmp_path, folder=disk / "received") as receiver:
            with associated(receiver.port) as peer:
                told = [peer.store(n, side=300) for n in range(1, 20)]
            n_kept = told.count(0)
            assert set(told) == {0, 0xA700}
            assert len(receiver.files()) == n_kept
            assert not receiver.parts()
            for path in receiver.files():
                path.unlink()
            with associated(receiver.port) as peer:
                assert peer.store(40, side=300) == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_eight_senders_at_once_lose_nothing(tmp_path: Path) -> None:
    with receiving(tmp_path, processes=2) as receiver:
        told: list[int] = []

        def send(sender: int) -> None:
            with associated(receiver.port) as peer:
                told.extend(peer.store(n, series=sender, side=64) for n in range(1, 26))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told == [0] * 200
        assert len({dcmread(p).SOPInstanceUID for p in receiver.files()}) == 200
        assert {len(list(f.glob("*.dcm"))) for f in receiver.options.folder.iterdir()} == {100}
        eventually(lambda: receiver.book().count()[0] == 200)


def test_associations_have_a_limit(tmp_path: Path) -> None:
    with receiving(tmp_path, associations=2) as receiver:
        asking = request([(CT, EXPLICIT)])
        with (
            associated(receiver.port),
            associated(receiver.port),
            Peer(receiver.port, asking) as third,
        ):
            assert third.pdu() == (3, bytes((0, 2, 3, 2)))

        def let_in() -> bool:
            with Peer(receiver.port, asking) as peer:
                return peer.pdu()[0] == 2

        eventually(let_in)


def test_who_is_silent_or_slow_is_sent_away(tmp_path: Path) -> None:
    limits = {"idle_s": 1.0, "pdu_s": 0.6, "request_s": 0.6}
    with receiving(tmp_path, **limits) as receiver:
        with Peer(receiver.port) as peer:
            assert peer.pdu()[0] == 7
        with associated(receiver.port) as peer:
            assert peer.pdu()[0] == 7
        with associated(receiver.port) as peer:
            began = time.monotonic()
            peer.sock.sendall(struct.pack(">BBI", 4, 0, 1000))
            while time.monotonic() - began < 1.5:  # a byte now and then is not enough
                time.sleep(0.1)
                peer.sock.sendall(b"\0")
            assert peer.pdu()[0] == 7


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        with associated(receiver.port) as peer:
            assert peer.store(1) == 0
            (pid,) = receiver.pids()
            os.kill(pid, signal.SIGKILL)
            assert peer.pdu() == (0, b"")
        eventually(lambda: receiver.pids() != [pid])
        with associated(receiver.port) as peer:
            assert peer.store(2) == 0
        assert len(receiver.files()) == 2


def test_every_address_is_listened_on_unless_one_is_named(tmp_path: Path) -> None:
    callers = (Caller("SENDER", "127.0.0.0/8"),)
    with (
        receiving(tmp_path, address="", callers=callers) as receiver,
        associated(receiver.port) as peer,
    ):
        assert peer.store(1) == 0


def test_a_port_that_is_taken_is_said(receiver: Receiver, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="dicom_port"), receiving(tmp_path, port=receiver.port):
        pass
