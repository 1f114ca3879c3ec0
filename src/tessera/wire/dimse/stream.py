"""Cut a stream of bytes into PDUs and fragments, without keeping the fragments. PS3.8 9.3.5."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

from tessera.wire.dimse.associate import ABORT, ASSOCIATE_RQ, P_DATA, PDU_HEADER
from tessera.wire.dimse.limits import (
    BAD_PARAMETER,
    LARGEST_CONTROL_PDU,
    LARGEST_PDU,
    UNRECOGNISED,
    InvalidPdu,
)

_HEADER: Final = 6
"""Bytes of the header of a PDU, and of a presentation data value: the same number."""
_VALUE_HEADER: Final = Struct(">IBB")


@dataclass(frozen=True, slots=True)
class Control:
    """A whole PDU other than P-DATA-TF."""

    kind: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Fragment:
    """Some bytes of a message: valid until the buffer that was fed is used again.

    One presentation data value may come as several fragments; `ends` is told with the last
    of those that end the command set or the data set.
    """

    context_id: int
    is_command: bool
    ends: bool
    data: memoryview


class PduStream:
    """The state between two reads: at most one unfinished header or control PDU is kept."""

    __slots__ = ("_control", "_held", "_largest", "_pdu_left", "_pdv", "_pdv_left", "n_pdus")

    def __init__(self, largest: int = LARGEST_PDU) -> None:
        self._largest = largest
        self.n_pdus = 0
        """How many have begun."""
        self._held = bytearray()
        self._control = (0, 0)
        """Kind and length of the control PDU whose body is awaited; kind 0 is none."""
        self._pdu_left = 0
        """Bytes of the present P-DATA-TF PDU that were not yet seen."""
        self._pdv_left = 0
        """Bytes of the present value that were not yet seen."""
        self._pdv = (0, 0)
        """Context id and message control header of the present value."""

    @property
    def is_between(self) -> bool:
        """Whether no PDU has begun that has not ended."""
        return not (self._held or self._pdu_left or self._control[0])

    def feed(self, data: memoryview) -> Iterator[Control | Fragment]:
        """Yield what `data` holds. Raises InvalidPdu, after which nothing may be fed.

        Take all of it before `data` is reused.
        """
        at, end = 0, len(data)
        while at < end:
            if self._pdv_left:
                take = min(self._pdv_left, end - at)
                self._pdv_left -= take
                self._pdu_left -= take
                context_id, control = self._pdv
                ends = not self._pdv_left and control & 2 == 2
                yield Fragment(context_id, control & 1 == 1, ends, data[at : at + take])
                at += take
                continue
            kind, length = self._control
            wanted = length if kind else _HEADER
            held = self._held
            take = min(wanted - len(held), end - at)
            held += data[at : at + take]
            at += take
            if len(held) < wanted:
                return
            whole = bytes(held)
            held.clear()
            if kind:
                self._control = (0, 0)
                yield Control(kind, whole)
            elif self._pdu_left:
                if (empty := self._value_begins(whole)) is not None:
                    yield empty
            else:
                self._pdu_begins(whole)

    def _pdu_begins(self, header: bytes) -> None:
        self.n_pdus += 1
        kind, _, length = PDU_HEADER.unpack(header)
        if kind == P_DATA:
            if not _HEADER <= length <= self._largest:
                raise InvalidPdu("a data PDU of a length that was not agreed", BAD_PARAMETER)
            self._pdu_left = length
        elif ASSOCIATE_RQ <= kind <= ABORT and 0 < length <= LARGEST_CONTROL_PDU:
            self._control = (kind, length)
        else:
            raise InvalidPdu("a PDU of unknown type or impossible length", UNRECOGNISED)

    def _value_begins(self, header: bytes) -> Fragment | None:
        """Read a value's header; return it at once when it holds no byte."""
        length, context_id, control = _VALUE_HEADER.unpack(header)
        self._pdu_left -= _HEADER
        if length < 2 or length - 2 > self._pdu_left or 0 < self._pdu_left - length + 2 < _HEADER:
            raise InvalidPdu("a value is longer than its PDU", BAD_PARAMETER)
        self._pdv_left, self._pdv = length - 2, (context_id, control)
        if self._pdv_left:
            return None
        return Fragment(context_id, control & 1 == 1, control & 2 == 2, memoryview(b""))
