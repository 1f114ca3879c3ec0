"""Lossless JPEG is decoded in a child process, whose death is no more than a frame not decoded."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("gdcm")

from tessera.adapters.pixels.codec import Frames
from tessera.adapters.pixels.lossless import LosslessDecoder, lossless_decoder
from tessera.adapters.pixels.opened import opened_instance
from tessera.domain.imaging.structure import PixelStructure
from tessera.ports.pixel_codec import NotDecoded
from tests.burned_in import anatomy, instance, opened
from tests.lossless_jpeg import lossless_jpeg

PICTURE = anatomy(64, 64).astype(np.uint16) * 16
STREAM = lossless_jpeg(PICTURE)
UID = "1.2.840.10008.1.2.4.70"


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    yield
    lossless_decoder().close()


def _structure() -> PixelStructure:
    source, meta = opened(instance(PICTURE))
    structure = opened_instance(source, meta).structure
    assert structure is not None
    return replace(structure, transfer_syntax_uid=UID)


def _hostile() -> bytes:
    """Return a stream on which GDCM ends its process; the header fits, a marker is broken."""
    broken = bytearray(STREAM)
    assert broken[15:17] == b"\xff\xc4"
    broken[15] = 0x27
    return bytes(broken)


def test_frames_are_decoded_by_one_child_that_stays() -> None:
    frames, structure = Frames(), _structure()
    values, photometric = frames.decode_stream(STREAM, structure)
    assert np.array_equal(values, PICTURE)
    assert photometric == "MONOCHROME2"
    first = lossless_decoder().pid
    frames.decode_stream(STREAM, structure)
    assert first is not None
    assert lossless_decoder().pid == first != os.getpid()


def test_a_stream_that_ends_the_decoder_is_not_decoded_and_the_next_one_is() -> None:
    frames, structure = Frames(), _structure()
    with pytest.raises(NotDecoded, match="died"):
        frames.decode_stream(_hostile(), structure)
    assert lossless_decoder().pid is None
    values, _ = frames.decode_stream(STREAM, structure)
    assert np.array_equal(values, PICTURE)


def test_a_child_that_was_killed_is_started_again() -> None:
    frames, structure = Frames(), _structure()
    frames.decode_stream(STREAM, structure)
    child = lossless_decoder().pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    values = None
    for _ in range(2):  # the first may still meet the dying child
        try:
            values, _ = frames.decode_stream(STREAM, structure)
        except NotDecoded:
            continue
    assert values is not None
    assert np.array_equal(values, PICTURE)
    assert lossless_decoder().pid != child


def test_a_damaged_stream_does_no_harm_to_the_child() -> None:
    frames, structure = Frames(), _structure()
    frames.decode_stream(STREAM, structure)
    child = lossless_decoder().pid
    with pytest.raises(NotDecoded):
        frames.decode_stream(STREAM[:60] + b"\xff\xd9", structure)
    values, _ = frames.decode_stream(STREAM, structure)
    assert np.array_equal(values, PICTURE)
    assert lossless_decoder().pid == child


def test_a_decoder_that_takes_too_long_is_ended() -> None:
    impatient = LosslessDecoder(seconds=0.01)  # less than it takes to start
    with pytest.raises(NotDecoded, match="died"):
        impatient.decode(STREAM, UID, {})
    assert impatient.pid is None
