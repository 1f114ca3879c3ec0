"""The bridge between an engine's client and the node, over a real Unix socket."""

import contextlib
import os
import socket
import threading
from pathlib import Path

import pytest

from tessera.adapters.bridge import UnixSocketBridge
from tessera.wire.frames import Frame, read_frame, write_frame


def asked(path: Path, frame: Frame) -> Frame | None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        with connection.makefile("wb") as writes, connection.makefile("rb") as reads:
            write_frame(writes, frame)
            return read_frame(reads)


def echo(frame: Frame) -> Frame:
    return Frame({"type": f"{frame.type}!"}, frame.payload)


def test_each_frame_gets_one_and_nothing_is_left(tmp_path: Path) -> None:
    with UnixSocketBridge().open(echo, max_payload=100) as path:
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(path)) < 100
        for word in ("begin", "train"):
            answered = asked(path, Frame({"type": word}, b"x"))
            assert answered is not None and (answered.type, answered.payload) == (f"{word}!", b"x")
    assert not path.parent.exists()


def test_what_is_no_frame_or_too_large_is_hung_up_on_and_the_next_is_served() -> None:
    with UnixSocketBridge().open(echo, max_payload=100) as path:
        for sent in (b"\xff" * 50, b"\0\0\0\2{}" + (101).to_bytes(8, "big") + b"x" * 101):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    assert connection.recv(10) == b""
        answered = asked(path, Frame({"type": "train"}))
        assert answered is not None and answered.type == "train!"


def test_closing_hangs_up_on_who_has_sent_half_a_frame() -> None:
    with (
        UnixSocketBridge().open(echo, max_payload=100) as path,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.connect(str(path))
        connection.sendall(b"\0\0")
        answered = asked_later(path)
    assert connection.fileno() == -1
    answered.join(timeout=10)
    assert not answered.is_alive()


def asked_later(path: Path) -> threading.Thread:
    def ask() -> None:
        with pytest.raises((OSError, ValueError)), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            if not connection.recv(1):
                raise OSError("hung up")

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread
