"""One part of a permitted download: what is asked, and what the node answers. Pure.

The answer is one signed statement of the node and the bytes that it speaks of, sealed for the
reader as a whole. Who carries it sees how long it is, and nothing else.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from uuid import UUID

from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage, WrongType

PART_BYTES: Final = 2_000_000
"""At most so many bytes of files go into one answer."""
REPLY: Final = "tessera-fetch-reply"
_VERSION: Final = 1
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NUMBER = r"(?:0|[1-9][0-9]{0,14})"
_LENGTH: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a dataset version. One of three: manifest, table, instances.

    Instances are numbered as in the manifest, from 0; `end` is the first that is not wanted.
    """

    table: str = ""
    first: int = 0
    end: int = 0
    offset: int = 0
    """Where in the table, or in instance `first`, it begins. Bytes."""

    def __str__(self) -> str:
        if self.table:
            return f"table {self.table} {self.offset}"
        if self.end:
            return f"instances {self.first} {self.offset} {self.end}"
        return "manifest"

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Read what `str` wrote. Raises BadMessage."""
        match text.split(" "):
            case ["manifest"]:
                return cls()
            case ["table", name, offset] if _TABLE.fullmatch(name):
                return cls(table=name, offset=_natural(offset))
            case ["instances", first, offset, end] if _natural(end) > _natural(first):
                return cls(first=_natural(first), offset=_natural(offset), end=_natural(end))
        raise BadMessage("what", "manifest, table NAME OFFSET or instances FIRST OFFSET END")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes of one file, in the order in which they stand in the answer."""

    index: int
    """Of the instance in the manifest; 0 for manifest and tables."""
    offset: int
    n_bytes: int
    total_bytes: int
    """Of the whole file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchReply:
    """What the node says about the bytes that follow."""

    use_id: str
    part: Part
    pieces: tuple[Piece, ...]
    left_out: tuple[int, ...] = ()
    """Instances of subjects who have opted out since the version was made."""
    is_filtered: bool = False
    """Rows of such subjects are not in this table: it has another hash than the manifest says."""
    following: Part | None = None
    """What to ask next for the rest."""
    content: bytes = field(default=b"", repr=False)

    def statement(self) -> bytes:
        """Return the payload that the node signs."""
        return fields.encode(
            {
                "typ": REPLY,
                "v": _VERSION,
                "use_id": self.use_id,
                "part": str(self.part),
                "pieces": [[p.index, p.offset, p.n_bytes, p.total_bytes] for p in self.pieces],
                "left_out": list(self.left_out),
                "is_filtered": self.is_filtered,
                "following": None if self.following is None else str(self.following),
                "sha256": sha256(self.content).hexdigest(),
            }
        )

    @classmethod
    def read(cls, statement: bytes, content: bytes) -> "FetchReply":
        """Read a statement whose signature has been checked. Raises BadMessage, WrongType."""
        body = fields.decode(statement)
        if fields.text(body, "typ", "") != REPLY or fields.integer(body, "v") != _VERSION:
            raise WrongType(f"expected a {REPLY}")
        if sha256(content).hexdigest() != fields.text(body, "sha256"):
            raise BadMessage("sha256", "the hash of the bytes that follow")
        pieces = fields.items(body, "pieces", _piece)
        if sum(piece.n_bytes for piece in pieces) != len(content):
            raise BadMessage("pieces", "as many bytes as follow")
        following = body.get("following")
        return cls(
            use_id=fields.text(body, "use_id"),
            part=Part.parse(fields.text(body, "part")),
            pieces=pieces,
            left_out=fields.integers(body, "left_out"),
            is_filtered=fields.flag(body, "is_filtered"),
            following=None if following is None else Part.parse(str(following)),
            content=content,
        )


def pack(token: str, content: bytes) -> bytes:
    """Return a signed statement and its bytes as one."""
    head = token.encode("ascii")
    return len(head).to_bytes(_LENGTH, "big") + head + content


def unpack(packed: bytes) -> tuple[str, bytes]:
    """Undo `pack`. Raises BadMessage."""
    end = _LENGTH + int.from_bytes(packed[:_LENGTH], "big")
    try:
        return packed[_LENGTH:end].decode("ascii"), packed[end:]
    except UnicodeDecodeError as err:
        raise BadMessage("reply", "a signed statement") from err


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayMessage:
    """A sealed answer on its way through the hub, or why there is none."""

    use_id: str
    sealed: bytes = field(default=b"", repr=False)
    problem: str = ""
    """A `Reason` of a refused permit, or the code of an error."""

    def to_json(self) -> dict[str, object]:
        sealed = b64encode(self.sealed).decode()
        return {"use_id": self.use_id, "sealed": sealed, "problem": self.problem}

    @classmethod
    def from_json(cls, body: Json) -> "RelayMessage":
        try:
            use_id = str(UUID(fields.text(body, "use_id")))
            sealed = b64decode(fields.text(body, "sealed"), validate=True)
        except (ValueError, Base64Error) as err:
            raise BadMessage("use_id", "a UUID, and sealed in base64") from err
        problem = fields.text(body, "problem", "")
        if not re.fullmatch(r"[a-z-]{0,40}", problem):
            raise BadMessage("problem", "a short code")
        return cls(use_id=use_id, sealed=sealed, problem=problem)


def _piece(value: object, place: str) -> Piece:
    numbers: Sequence[int] = fields.integers({place: value}, place)
    if len(numbers) != 4 or min(numbers) < 0:
        raise BadMessage(place, "four whole numbers")
    index, offset, n_bytes, total = numbers
    if offset + n_bytes > total:
        raise BadMessage(place, "a piece within its file")
    return Piece(index=index, offset=offset, n_bytes=n_bytes, total_bytes=total)


def _natural(text: str) -> int:
    if not re.fullmatch(_NUMBER, text):
        raise BadMessage("what", "whole numbers")
    return int(text)
