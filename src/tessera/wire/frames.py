"""Frames between the node and a tool in the sandbox, or an engine's client: header and payload.

A frame is a 4-byte big-endian length, a JSON object of that many bytes, an 8-byte big-endian
length, and that many bytes of payload (an npz archive without pickles, or nothing). Pure but
for the two streams that are handed in.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from tessera.domain.errors import InvalidInput
from tessera.wire import fields
from tessera.wire.fields import Json

MAX_HEADER: Final = 1_000_000
MAX_PAYLOAD: Final = 500_000_000
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip archive can hold."""
Array = npt.NDArray[np.generic]
Arrays = Mapping[str, Array]


class BadFrame(InvalidInput):
    """What a tool or an engine wrote is no frame, or is too large."""

    code = "bad-frame"
    public = "The tool does not keep to the protocol of frames."


@dataclass(frozen=True, slots=True)
class Frame:
    """`header["type"]` says what it is; `payload` is raw bytes."""

    header: Json
    payload: bytes = b""

    @property
    def type(self) -> str:
        return str(self.header.get("type", ""))

    def arrays(self) -> dict[str, Array]:
        """Return the payload's arrays by name. Raises BadFrame; never unpickles."""
        return arrays_from(self.payload)


def write_frame(stream: IO[bytes], frame: Frame) -> None:
    """Write one frame and flush."""
    header = fields.encode(frame.header)
    stream.write(len(header).to_bytes(4, "big") + header)
    stream.write(len(frame.payload).to_bytes(8, "big"))
    stream.write(frame.payload)
    stream.flush()


def read_frame(stream: IO[bytes], *, max_payload: int = MAX_PAYLOAD) -> Frame | None:
    """Return the next frame, or None at the end of the stream. Raises BadFrame."""
    first = stream.read(4)
    if not first:
        return None
    n_header = int.from_bytes(_rest(stream, first, 4), "big")
    if n_header > MAX_HEADER:
        raise BadFrame(f"a header of {n_header} bytes; at most {MAX_HEADER}")
    try:
        header = fields.decode(_rest(stream, b"", n_header))
    except InvalidInput as err:
        raise BadFrame("a header that is no JSON object") from err
    n_payload = int.from_bytes(_rest(stream, b"", 8), "big")
    if n_payload > max_payload:
        raise BadFrame(f"a payload of {n_payload} bytes; at most {max_payload}")
    return Frame(header, _rest(stream, b"", n_payload))


def arrays_from(payload: bytes) -> dict[str, Array]:
    """Return the arrays of an npz archive. Raises BadFrame; never unpickles."""
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MAX_PAYLOAD:
                raise BadFrame("the arrays are larger than a frame may be")
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except BadFrame:
        raise
    except Exception as err:  # numpy and zipfile raise many kinds for one cause
        raise BadFrame("the payload is no npz archive of plain arrays") from err


def arrays_to(arrays: Arrays) -> bytes:
    """Return an npz archive of `arrays`: the same arrays give the same bytes everywhere."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            plain = np.ascontiguousarray(arrays[name])
            np.lib.format.write_array(content, plain, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), content.getvalue())
    return out.getvalue()


def _rest(stream: IO[bytes], begun: bytes, n_bytes: int) -> bytes:
    found = bytearray(begun)
    while len(found) < n_bytes:
        chunk = stream.read(min(n_bytes - len(found), 1 << 20))
        if not chunk:
            raise BadFrame("the stream ended in the middle of a frame")
        found += chunk
    return bytes(found)
