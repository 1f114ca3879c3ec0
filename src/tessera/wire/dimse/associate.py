"""A-ASSOCIATE, A-RELEASE and A-ABORT as bytes. Source: PS3.8 section 9.3, PS3.7 annex D.3.3."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from tessera.wire.dimse.limits import (
    BAD_PARAMETER,
    LARGEST_CONTROL_PDU,
    LONGEST_UID,
    MOST_CONTEXTS,
    MOST_ITEMS,
    MOST_SYNTAXES,
    InvalidPdu,
)

ASSOCIATE_RQ: Final = 1
ASSOCIATE_AC: Final = 2
ASSOCIATE_RJ: Final = 3
P_DATA: Final = 4
RELEASE_RQ: Final = 5
RELEASE_RP: Final = 6
ABORT: Final = 7

APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
PDU_HEADER: Final = Struct(">BBI")
_ITEM: Final = Struct(">BBH")
_FIXED: Final = 68
"""Bytes of an A-ASSOCIATE-RQ before its items: version, reserved, two titles, reserved."""


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """A presentation context as a requestor proposes it."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateRequest:
    """What a requestor asks for. Titles are without their padding."""

    called: str
    calling: str
    application_context: str
    version: int
    """Bit 0 means version 1, the only one there is."""
    contexts: tuple[ProposedContext, ...]
    max_pdu: int = 0
    """Bytes of a P-DATA-TF PDU that the requestor takes; 0 is no limit."""
    implementation: str = ""
    """Implementation version name, as the requestor gives it."""
    extended: Mapping[str, bytes] = field(default_factory=dict)
    """SOP class → its service class application information (PS3.7 D.3.3.5)."""
    roles: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    """SOP class → whether the requestor offers to be user, and provider (PS3.7 D.3.3.4)."""


@dataclass(frozen=True, slots=True)
class ContextAnswer:
    """What becomes of one proposed context. Source: PS3.8 table 9-18."""

    context_id: int
    result: int
    transfer_syntax: str


ACCEPTED: Final = 0
ABSTRACT_NOT_SUPPORTED: Final = 3


@dataclass(frozen=True, slots=True)
class Rejection:
    """Result, source and reason of an A-ASSOCIATE-RJ. Source: PS3.8 table 9-21."""

    result: int
    source: int
    reason: int


CALLING_NOT_KNOWN: Final = Rejection(1, 1, 3)
CALLED_NOT_KNOWN: Final = Rejection(1, 1, 7)
NO_APPLICATION_CONTEXT: Final = Rejection(1, 1, 2)
NO_PROTOCOL_VERSION: Final = Rejection(1, 2, 2)
TOO_MANY: Final = Rejection(2, 3, 2)


def parse_request(body: bytes) -> AssociateRequest:
    """Return what an A-ASSOCIATE-RQ asks for; `body` is the PDU without its six bytes of header.

    Raises InvalidPdu. Source: PS3.8 section 9.3.2.
    """
    if len(body) < _FIXED or len(body) > LARGEST_CONTROL_PDU:
        raise InvalidPdu("an association request of an impossible length", BAD_PARAMETER)
    application, contexts = "", []
    user: Sequence[tuple[int, bytes]] = ()
    for kind, value in _items(body, _FIXED):
        if kind == 0x10:
            application = _uid(value)
        elif kind == 0x20:
            contexts.append(_proposed(value))
        elif kind == 0x50:
            user = tuple(_items(value, 0))
    if len(contexts) > MOST_CONTEXTS or len({c.context_id for c in contexts}) != len(contexts):
        raise InvalidPdu("presentation contexts are too many, or share an id", BAD_PARAMETER)
    max_pdu, name = 0, ""
    extended: dict[str, bytes] = {}
    roles: dict[str, tuple[bool, bool]] = {}
    for kind, value in user:
        if kind == 0x51 and len(value) == 4:
            max_pdu = int.from_bytes(value, "big")
        elif kind == 0x55:
            name = _title(value[:16])
        elif kind == 0x54:
            uid, rest = _uid_and_rest(value)
            if len(rest) == 2:
                roles[uid] = (rest[0] == 1, rest[1] == 1)
        elif kind == 0x56:
            uid, rest = _uid_and_rest(value)
            extended[uid] = rest
    return AssociateRequest(
        called=_title(body[4:20]),
        calling=_title(body[20:36]),
        application_context=application,
        version=int.from_bytes(body[:2], "big"),
        contexts=tuple(contexts),
        max_pdu=max_pdu,
        implementation=name,
        extended=extended,
        roles=roles,
    )


def accept(
    body: bytes,
    answers: Sequence[ContextAnswer],
    *,
    max_pdu: int,
    implementation_uid: str,
    implementation_name: str,
    extended: Mapping[str, bytes] | None = None,
    roles: Mapping[str, tuple[bool, bool]] | None = None,
) -> bytes:
    """Return the A-ASSOCIATE-AC that answers the request in `body`. Source: PS3.8 9.3.3."""
    user = [
        _item(0x51, max_pdu.to_bytes(4, "big")),
        _item(0x52, implementation_uid.encode()),
        *(
            _item(0x54, _counted(uid) + bytes((as_user, as_provider)))
            for uid, (as_user, as_provider) in (roles or {}).items()
        ),
        _item(0x55, implementation_name.encode()),
        *(_item(0x56, _counted(uid) + told) for uid, told in (extended or {}).items()),
    ]
    items = [
        _item(0x10, APPLICATION_CONTEXT.encode()),
        *(
            _item(
                0x21,
                bytes((one.context_id, 0, one.result, 0))
                + _item(0x40, one.transfer_syntax.encode()),
            )
            for one in answers
        ),
        _item(0x50, b"".join(user)),
    ]
    # Titles and the reserved bytes are sent back as they came (PS3.8 table 9-17).
    return _pdu(ASSOCIATE_AC, b"\0\1\0\0" + body[4:_FIXED] + b"".join(items))


def reject(rejection: Rejection) -> bytes:
    """Return an A-ASSOCIATE-RJ."""
    told = bytes((0, rejection.result, rejection.source, rejection.reason))
    return _pdu(ASSOCIATE_RJ, told)


def abort(reason: int = 0, source: int = 2) -> bytes:
    """Return an A-ABORT; source 2 is the service provider, which alone gives a reason."""
    return _pdu(ABORT, bytes((0, 0, source, reason)))


RELEASED: Final = PDU_HEADER.pack(RELEASE_RP, 0, 4) + bytes(4)
"""An A-RELEASE-RP."""


def _pdu(kind: int, body: bytes) -> bytes:
    return PDU_HEADER.pack(kind, 0, len(body)) + body


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, 0, len(value)) + value


def _counted(uid: str) -> bytes:
    return len(uid).to_bytes(2, "big") + uid.encode()


def _items(buf: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    n = 0
    while at < len(buf):
        if at + 4 > len(buf):
            raise InvalidPdu("an item ends inside its header", BAD_PARAMETER)
        kind, _, length = _ITEM.unpack_from(buf, at)
        end = at + 4 + length
        n += 1
        if end > len(buf) or n > MOST_ITEMS:
            raise InvalidPdu("an item is longer than its PDU, or there are too many", BAD_PARAMETER)
        yield kind, buf[at + 4 : end]
        at = end


def _proposed(value: bytes) -> ProposedContext:
    if len(value) < 4 or value[0] % 2 == 0:
        raise InvalidPdu("a presentation context without an odd id", BAD_PARAMETER)
    abstract, syntaxes = "", []
    for kind, inner in _items(value, 4):
        if kind == 0x30:
            abstract = _uid(inner)
        elif kind == 0x40:
            syntaxes.append(_uid(inner))
    if not abstract or not syntaxes or len(syntaxes) > MOST_SYNTAXES:
        raise InvalidPdu("a presentation context without its syntaxes", BAD_PARAMETER)
    return ProposedContext(value[0], abstract, tuple(syntaxes))


def _uid(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    if not text or len(text) > LONGEST_UID or text.strip(b"0123456789."):
        raise InvalidPdu("a UID that is none", BAD_PARAMETER)
    return text.decode("ascii")


def _uid_and_rest(value: bytes) -> tuple[str, bytes]:
    length = int.from_bytes(value[:2], "big")
    if len(value) < 2 + length:
        raise InvalidPdu("a UID that is longer than its item", BAD_PARAMETER)
    return _uid(value[2 : 2 + length]), value[2 + length :]


def _title(value: bytes) -> str:
    """Return an application entity title in characters that may be shown."""
    text = value.decode("ascii", "replace").strip(" \0")
    return "".join(c if " " <= c <= "~" and c != "\\" else "?" for c in text)
