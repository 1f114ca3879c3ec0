"""Frames keep what goes through them, and refuse everything else."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.wire.frames import BadFrame, Frame, arrays_from, arrays_to, read_frame, write_frame


def test_a_frame_goes_through_a_stream() -> None:
    stream = io.BytesIO()
    write_frame(stream, Frame({"type": "train", "round": 3}, b"payload"))
    write_frame(stream, Frame({"type": "final"}))
    stream.seek(0)
    first, second, third = read_frame(stream), read_frame(stream), read_frame(stream)
    assert first == Frame({"type": "train", "round": 3}, b"payload")
    assert second is not None
    assert second.type == "final"
    assert third is None


def test_the_same_arrays_give_the_same_bytes_in_any_order() -> None:
    a, b = np.arange(6.0).reshape(2, 3).T, np.float32([1.5])
    one, other = arrays_to({"a": a, "b": b}), arrays_to({"b": b, "a": a.copy()})
    assert one == other
    back = arrays_from(one)
    assert back["a"].tolist() == a.tolist()
    assert back["b"].dtype == np.float32


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_bad_frame(data: bytes) -> None:
    with contextlib.suppress(BadFrame):
        read_frame(io.BytesIO(data))


@given(st.binary(max_size=400))
def test_any_payload_is_arrays_or_a_bad_frame(data: bytes) -> None:
    with contextlib.suppress(BadFrame):
        arrays_from(data)


def test_a_frame_that_claims_too_much_is_refused_before_it_is_read() -> None:
    huge = io.BytesIO((2).to_bytes(4, "big") + b"{}" + (1 << 62).to_bytes(8, "big"))
    with pytest.raises(BadFrame, match="payload"):
        read_frame(huge)


def test_a_pickle_is_never_read() -> None:
    out = io.BytesIO()
    np.savez(out, x=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadFrame):
        arrays_from(out.getvalue())


def test_an_archive_that_unpacks_to_far_more_than_it_is_gets_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.BytesIO()
    np.savez_compressed(out, x=np.zeros(200_000))
    assert len(out.getvalue()) < 5_000
    assert arrays_from(out.getvalue())["x"].shape == (200_000,)
    monkeypatch.setattr("tessera.wire.frames.MAX_PAYLOAD", 1_000_000)
    with pytest.raises(BadFrame, match="larger"):
        arrays_from(out.getvalue())
