"""Command sets as bytes: implicit VR little endian, group 0000. Source: PS3.7 section 6.3, E."""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final

from tessera.wire.dimse.limits import LARGEST_COMMAND, LONGEST_UID, InvalidPdu

C_STORE: Final = 0x0001
C_ECHO: Final = 0x0030
C_CANCEL: Final = 0x0FFF
RESPONSE: Final = 0x8000
NO_DATA_SET: Final = 0x0101

SUCCESS: Final = 0x0000
OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
"""The data set does not match the SOP class or instance that the command names."""
CANNOT_UNDERSTAND: Final = 0xC000
NOT_SUPPORTED: Final = 0x0122
NOT_AUTHORISED: Final = 0x0124
UNRECOGNISED_OPERATION: Final = 0x0211

_AFFECTED_CLASS: Final = 0x0002
_COMMAND: Final = 0x0100
_MESSAGE_ID: Final = 0x0110
_ANSWERED_ID: Final = 0x0120
_DATA_SET_TYPE: Final = 0x0800
_STATUS: Final = 0x0900
_COMMENT: Final = 0x0902
_AFFECTED_INSTANCE: Final = 0x1000
_ELEMENT: Final = Struct("<HHI")
_US: Final = Struct("<HHIH")
_UL: Final = Struct("<HHII")
_PDV: Final = Struct(">BBIIBB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request's command set. UIDs are "" when they are absent or none."""

    field: int
    message_id: int
    has_data: bool
    sop_class: str
    instance: str


def parse_command(data: bytes) -> Command:
    """Return what a command set asks. Raises InvalidPdu when it is not one."""
    elements = _elements(data)
    field = _number(elements, _COMMAND)
    message_id = _number(elements, _MESSAGE_ID)
    data_set_type = _number(elements, _DATA_SET_TYPE)
    if field is None or data_set_type is None:
        raise InvalidPdu("a command set without its command field or data set type")
    if message_id is None and not field & RESPONSE and field != C_CANCEL:
        raise InvalidPdu("a command set without its message id")
    return Command(
        field=field,
        message_id=message_id or 0,
        has_data=data_set_type != NO_DATA_SET,
        sop_class=_uid(elements, _AFFECTED_CLASS),
        instance=_uid(elements, _AFFECTED_INSTANCE),
    )


def answer(context_id: int, command: Command, status: int, comment: str = "") -> bytes:
    """Return a whole P-DATA-TF PDU with the response to `command`, in one piece.

    `comment`: at most 64 characters, told beside a status that is no success (PS3.7 C).
    """
    body = (
        _text(_AFFECTED_CLASS, command.sop_class)
        + _US.pack(0, _COMMAND, 2, command.field | RESPONSE)
        + _US.pack(0, _ANSWERED_ID, 2, command.message_id)
        + _US.pack(0, _DATA_SET_TYPE, 2, NO_DATA_SET)
        + _US.pack(0, _STATUS, 2, status)
        + (_text(_COMMENT, comment[:64], pad=b" ") if comment else b"")
        + _text(_AFFECTED_INSTANCE, command.instance)
    )
    n = len(body)
    return _PDV.pack(4, 0, n + 18, n + 14, context_id, 3) + _UL.pack(0, 0, 4, n) + body


def _text(element: int, text: str, pad: bytes = b"\0") -> bytes:
    if not text:
        return b""
    value = text.encode("ascii", "replace")
    value += pad * (len(value) % 2)
    return _ELEMENT.pack(0, element, len(value)) + value


def _elements(data: bytes) -> Mapping[int, bytes]:
    if len(data) > LARGEST_COMMAND:
        raise InvalidPdu("a command set of an impossible length")
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if at + 8 > len(data):
            raise InvalidPdu("a command set ends inside an element")
        group, element, length = _ELEMENT.unpack_from(data, at)
        at += 8
        if group or length > len(data) - at:
            raise InvalidPdu("a command set with an element that does not belong there")
        found[element] = data[at : at + length]
        at += length
    return found


def _number(elements: Mapping[int, bytes], element: int) -> int | None:
    value = elements.get(element)
    return int.from_bytes(value, "little") if value is not None and len(value) == 2 else None


def _uid(elements: Mapping[int, bytes], element: int) -> str:
    value = elements.get(element, b"").rstrip(b"\0 ")
    if len(value) > LONGEST_UID or value.strip(b"0123456789."):
        return ""
    return value.decode("ascii")
