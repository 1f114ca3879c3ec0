"""multipart/related bodies: framing of those that leave, parsing of those that come. Pure.

Source: RFC 2046 section 5.1, RFC 2387, PS3.18 section 8.6.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.errors import InvalidInput

_MOST_HEADER: Final = 16_384
_MOST_PARTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class PartBegins:
    headers: Mapping[str, str]
    """Lower case name → value."""


@dataclass(frozen=True, slots=True)
class PartBytes:
    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    pass


Piece = PartBegins | PartBytes | PartEnds


class MultipartReader:
    """Takes a body in pieces of any size; holds no more than one piece and one header."""

    def __init__(self, boundary: str) -> None:
        if not 1 <= len(boundary) <= 70 or not boundary.isascii():
            raise InvalidInput("the boundary of the body is not there, or is none")
        self._line = b"\r\n--" + boundary.encode()
        self._held = b"\r\n"
        """The first boundary stands at the beginning of the body: as if after a line's end."""
        self._state = "preamble"
        self._n = 0

    @property
    def is_whole(self) -> bool:
        """True when the closing boundary was seen."""
        return self._state == "end"

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield what is in the next piece of the body. Raises InvalidInput."""
        self._held += data
        going = True
        while going:
            if self._state == "end":
                self._held = b""
                return
            if self._state == "header":
                going, headers = self._header()
                if headers is not None:
                    yield PartBegins(headers)
            elif self._state == "boundary":
                going = self._after_boundary()
            else:
                found = self._held.find(self._line)
                is_part = self._state == "part"
                going = found >= 0
                cut = found if going else max(0, len(self._held) - len(self._line) + 1)
                if cut and is_part:
                    yield PartBytes(self._held[:cut])
                self._held = self._held[cut:]
                if going:
                    self._held = self._held[len(self._line) :]
                    self._state = "boundary"
                    if is_part:
                        yield PartEnds()

    def _after_boundary(self) -> bool:
        if self._held.startswith(b"--"):
            self._state = "end"
            return True
        end = self._held.find(b"\r\n")
        if end < 0:
            if len(self._held) > _MOST_HEADER:
                raise InvalidInput("the line of a boundary has no end")
            return False
        if self._held[:end].strip(b" \t"):
            raise InvalidInput("something stands after a boundary in its line")
        self._n += 1
        if self._n > _MOST_PARTS:
            raise InvalidInput(f"a body has at most {_MOST_PARTS} parts")
        # The end of line stays: a part without headers goes on with an empty line.
        self._held = self._held[end:]
        self._state = "header"
        return True

    def _header(self) -> tuple[bool, Mapping[str, str] | None]:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            if len(self._held) > _MOST_HEADER:
                raise InvalidInput("the header of a part is too long")
            return False, None
        if end > _MOST_HEADER:
            raise InvalidInput("the header of a part is too long")
        headers = {}
        for line in self._held[:end].split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if colon:
                headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
        self._held = self._held[end + 4 :]
        self._state = "part"
        return True, headers


def part_header(boundary: str, kind: str, *, location: str = "", first: bool = False) -> bytes:
    """Return what stands before a part's bytes."""
    lines = ["" if first else "\r\n", f"--{boundary}\r\nContent-Type: {kind}\r\n"]
    if location:
        lines.append(f"Content-Location: {location}\r\n")
    return ("".join(lines) + "\r\n").encode("latin-1")


def closing(boundary: str) -> bytes:
    """Return what stands after the last part."""
    return f"\r\n--{boundary}--\r\n".encode("latin-1")
