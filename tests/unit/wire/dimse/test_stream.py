"""However a stream is cut, it means the same; whatever it holds, it costs little."""

import random
import struct
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.wire.dimse.limits import LARGEST_CONTROL_PDU, LARGEST_PDU, InvalidPdu
from tessera.wire.dimse.stream import Control, Fragment, PduStream


def value(context_id: int, control: int, data: bytes) -> bytes:
    return struct.pack(">IBB", len(data) + 2, context_id, control) + data


def data_pdu(*values: bytes) -> bytes:
    body = b"".join(values)
    return struct.pack(">BBI", 4, 0, len(body)) + body


def read(stream: PduStream, *chunks: bytes) -> list[object]:
    """Return control PDUs, and values put together again."""
    found: list[object] = []
    parts: dict[tuple[int, bool], bytearray] = {}
    for chunk in chunks:
        for event in stream.feed(memoryview(chunk)):
            if isinstance(event, Control):
                found.append((event.kind, event.body))
                continue
            key = (event.context_id, event.is_command)
            parts.setdefault(key, bytearray()).extend(event.data)
            if event.ends:
                found.append((*key, bytes(parts.pop(key))))
    return found


WHOLE = (
    struct.pack(">BBI", 1, 0, 3)
    + b"abc"
    + data_pdu(value(1, 3, b"command"))
    + data_pdu(value(1, 0, b"da"), value(1, 0, b"ta"))
    + data_pdu(value(1, 2, b""))
    + struct.pack(">BBI", 5, 0, 4)
    + bytes(4)
)
MEANS = [(1, b"abc"), (1, True, b"command"), (1, False, b"data"), (5, bytes(4))]


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_any_cutting_means_the_same(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(WHOLE)]
    stream = PduStream()
    assert read(stream, *(WHOLE[a:b] for a, b in pairwise(at))) == MEANS
    assert stream.is_between


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">BBI", 9, 0, 4),
        struct.pack(">BBI", 0, 0, 0),
        struct.pack(">BBI", 1, 0, LARGEST_CONTROL_PDU + 1),
        struct.pack(">BBI", 4, 0, LARGEST_PDU + 1),
        struct.pack(">BBI", 4, 0, 5),
        struct.pack(">BBI", 4, 0, 10) + struct.pack(">IBB", 7, 1, 3),
        struct.pack(">BBI", 4, 0, 10) + struct.pack(">IBB", 1, 1, 3),
        struct.pack(">BBI", 4, 0, 10) + struct.pack(">IBB", 4, 1, 3),
        struct.pack(">BBI", 4, 0, 10) + struct.pack(">IBB", 0xFFFFFFFF, 1, 3),
    ],
)
def test_impossible_lengths_and_types_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidPdu):
        list(PduStream().feed(memoryview(data)))


@given(st.binary(max_size=400))
def test_no_bytes_do_anything_but_be_refused(data: bytes) -> None:
    try:
        events = list(PduStream().feed(memoryview(data)))
    except InvalidPdu:
        return
    assert all(isinstance(event, (Control, Fragment)) for event in events)


def test_fragments_are_not_kept() -> None:
    """A gigabyte in PDUs of the largest size leaves nothing behind."""
    stream, piece = PduStream(), memoryview(bytes(1 << 20))
    rng = random.Random(1)
    for _ in range(64):
        head = struct.pack(">BBI", 4, 0, LARGEST_PDU) + struct.pack(">IBB", LARGEST_PDU - 4, 1, 0)
        list(stream.feed(memoryview(head)))
        left = LARGEST_PDU - 6
        while left:
            n = min(left, rng.randrange(1, 1 << 18))
            assert sum(len(e.data) for e in stream.feed(piece[:n]) if isinstance(e, Fragment)) == n
            left -= n
    assert sys.getsizeof(stream._held) < 4096
