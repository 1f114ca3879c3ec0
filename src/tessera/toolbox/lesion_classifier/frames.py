"""Frames to and from the node: length, JSON header, length, npz payload without pickles."""

import io
import json
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]
Header = dict[str, Any]


class EndInTheMiddle(Exception):
    """The node went away within a frame."""


class UnknownMessage(Exception):
    """The node sent a message of a type that is not for a trainer, or before `begin`."""


def channel() -> tuple[IO[bytes], IO[bytes]]:
    """Return stdin and stdout as the channel; what prints, prints to stderr from now on."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return sys.stdin.buffer, out


def read_frame(stream: IO[bytes]) -> tuple[Header, dict[str, npt.NDArray[Any]]] | None:
    """Return header and arrays, or None when the node has closed the channel."""
    first = stream.read(4)
    if not first:
        return None
    header: Header = json.loads(_exactly(stream, int.from_bytes(first, "big")))
    payload = _exactly(stream, int.from_bytes(_exactly(stream, 8), "big"))
    if not payload:
        return header, {}
    with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
        return header, {name: archive[name] for name in archive.files}


def write_frame(stream: IO[bytes], header: Header, arrays: Arrays | None = None) -> None:
    text = json.dumps(header).encode()
    out = io.BytesIO()
    if arrays is not None:
        np.savez(out, allow_pickle=False, **arrays)
    payload = out.getvalue()
    stream.write(len(text).to_bytes(4, "big") + text + len(payload).to_bytes(8, "big") + payload)
    stream.flush()


def _exactly(stream: IO[bytes], n_bytes: int) -> bytes:
    found = stream.read(n_bytes)
    if len(found) != n_bytes:
        raise EndInTheMiddle("the channel ended within a frame")
    return found
