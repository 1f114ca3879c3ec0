"""Ten thousand damaged messages to a running receiver: it neither falls, hangs, nor grows."""

import random
import struct
import time
from functools import cache
from pathlib import Path

from tests.dicom_files import CT
from tests.receiver_trial import (
    EXPLICIT,
    Peer,
    associated,
    ct_bytes,
    data_pdu,
    eventually,
    message,
    receiving,
    request,
    store_command,
)

N_PDUS = 10_000
PER_CONNECTION = 40


def resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no such process")


def damaged(rng: random.Random, pdu: bytes) -> bytes:
    """Return a PDU with some of its bytes, or its length, not as they should be."""
    made = bytearray(pdu)
    for _ in range(rng.choice((0, 1, 1, 2, 8))):
        made[rng.randrange(len(made))] = rng.randrange(256)
    kind = rng.randrange(8)
    if kind == 0:
        made[2:6] = struct.pack(">I", rng.choice((0, 1, 0xFFFF, 1 << 20, 0xFFFFFFFF)))
    elif kind == 1:
        del made[rng.randrange(len(made)) :]
    elif kind == 2:
        made += rng.randbytes(rng.randrange(64))
    elif kind == 3:
        made[:] = rng.randbytes(rng.randrange(1, 200))
    return bytes(made)


@cache
def slices() -> tuple[tuple[str, bytes], ...]:
    return tuple(ct_bytes(number) for number in range(1, 9))


def pdus(rng: random.Random) -> list[bytes]:
    uid, data = rng.choice(slices())
    command = store_command(CT, uid)
    cut = rng.randrange(1, len(data))
    return [
        data_pdu(1, 3, command),
        data_pdu(1, 0, data[:cut]),
        data_pdu(1, 2, data[cut:]),
        message(1, command, data),
        message(1, command, data),
        message(1, store_command("", "", field=0x30, data=0x101), None),
        data_pdu(rng.randrange(256), rng.randrange(256), rng.randbytes(rng.randrange(60))),
        data_pdu(1, 1, command[: rng.randrange(1, len(command))]),
        request([(CT, EXPLICIT)]),
        struct.pack(">BBI", rng.randrange(256), 0, rng.randrange(16)) + rng.randbytes(8),
    ]


def fuzz(port: int, rng: random.Random, n_pdus: int) -> None:
    sent = 0
    while sent < n_pdus:
        asks = request([(CT, EXPLICIT), ("1.2.840.10008.1.1", EXPLICIT)])
        asks = damaged(rng, asks) if rng.random() < 0.3 else asks
        with Peer(port, timeout=5) as peer:
            burst = [asks]
            for _ in range(PER_CONNECTION - 1):
                # Damage is rare enough that most connections get deep into a message.
                pdu = rng.choice(pdus(rng)[:7] if rng.random() < 0.9 else pdus(rng))
                burst.append(damaged(rng, pdu) if rng.random() < 0.06 else pdu)
            sent += len(burst)
            try:
                peer.sock.sendall(b"".join(burst))
                if rng.random() < 0.5:
                    peer.sock.shutdown(1)
                    while peer.sock.recv(1 << 16):
                        pass
            except OSError:
                pass


def test_ten_thousand_damaged_pdus(tmp_path: Path) -> None:
    rng = random.Random(20261123)
    with receiving(tmp_path, sync="none", associations=64) as receiver:
        (pid,) = receiver.pids()
        fuzz(receiver.port, rng, 2_000)
        before = resident_kb(pid)
        fuzz(receiver.port, rng, N_PDUS - 2_000)
        began = time.monotonic()
        with associated(receiver.port) as peer:
            assert peer.store(77, series=77) == 0
        assert time.monotonic() - began < 5
        assert receiver.pids() == [pid], "the receiving process fell and was replaced"
        eventually(lambda: not receiver.parts())
        assert resident_kb(pid) - before < 8_000
        n = len(receiver.files())
        assert n > 100, "the damage is such that nothing gets through: it tests too little"
        eventually(lambda: receiver.book().count()[0] == n)
        open_files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        assert open_files < 60, "files or connections are left open"
