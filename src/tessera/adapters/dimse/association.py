"""One association of a storage provider: bytes in, bytes out, files on the way. No socket."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tessera.adapters.dimse.committer import Committer, Ready
from tessera.adapters.dimse.inbox import InboxFolder, Incoming
from tessera.adapters.dimse.options import ReceiverOptions
from tessera.domain.imaging.origin import origin_of
from tessera.ports.arrivals import Arrival
from tessera.wire.dimse.associate import (
    ABORT,
    ACCEPTED,
    ASSOCIATE_RQ,
    RELEASE_RQ,
    RELEASED,
    TOO_MANY,
    AssociateRequest,
    Rejection,
    abort,
    accept,
    parse_request,
    reject,
)
from tessera.wire.dimse.command import (
    C_CANCEL,
    C_ECHO,
    C_STORE,
    CANNOT_UNDERSTAND,
    DOES_NOT_MATCH,
    NOT_AUTHORISED,
    NOT_SUPPORTED,
    OUT_OF_RESOURCES,
    RESPONSE,
    SUCCESS,
    UNRECOGNISED_OPERATION,
    Command,
    answer,
    parse_command,
)
from tessera.wire.dimse.limits import (
    BAD_PARAMETER,
    LARGEST_COMMAND,
    LARGEST_PDU,
    UNEXPECTED,
    InvalidPdu,
)
from tessera.wire.dimse.negotiation import (
    VERIFICATION,
    Caller,
    answers_to,
    granted_extensions,
    granted_roles,
    refusal,
    who_calls,
)
from tessera.wire.dimse.part10 import file_start
from tessera.wire.dimse.stream import Control, Fragment, PduStream

_log = logging.getLogger(__name__)
_COMMENTS: Final = {
    OUT_OF_RESOURCES: "No room to store; send again later",
    DOES_NOT_MATCH: "Data set is of another SOP class or instance",
    CANNOT_UNDERSTAND: "No data set, or no SOP instance UID",
    NOT_SUPPORTED: "Not a storage SOP class",
    NOT_AUTHORISED: "This calling AE may only verify",
    UNRECOGNISED_OPERATION: "Only C-STORE and C-ECHO are provided",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """Who was refused, for the log: both as sent, in characters that may be shown."""

    calling: str
    called: str
    rejection: Rejection


class Association:
    """`send` takes whole PDUs; `refused` is told of a peer that is not let in; `is_alone` says
    whether this is the only connection of its process."""

    def __init__(
        self,
        options: ReceiverOptions,
        inbox: InboxFolder,
        committer: Committer,
        *,
        address: str,
        is_full: bool,
        send: Callable[[bytes], None],
        refused: Callable[[Refused], None],
        is_alone: Callable[[], bool],
    ) -> None:
        self._options, self._inbox, self._committer = options, inbox, committer
        self._address, self._is_full = address, is_full
        self._send, self._refused, self._is_alone = send, refused, is_alone
        self.stream = PduStream()
        self.title = ""
        """Of the peer, once it is let in."""
        self.is_over = False
        """Nothing more is read; what was sent should still arrive."""
        self.n_waiting = 0
        """Instances whose safety is not certain yet."""
        self.n_stored = 0
        self._caller: Caller | None = None
        self._contexts: dict[int, tuple[str, str]] = {}
        self._command = bytearray()
        self._context_id = 0
        """Of the message under way."""
        self._storing: Command | None = None
        self._status = SUCCESS
        """What is answered when the data set has ended; files are made for success alone."""
        self._incoming: Incoming | None = None
        self._pieces: list[memoryview] = []

    def take(self, data: memoryview) -> None:
        """Take what the peer has sent. `data` may be reused afterwards."""
        try:
            for event in self.stream.feed(data):
                if isinstance(event, Fragment):
                    self._fragment(event)
                else:
                    self._control(event)
                if self.is_over:
                    return
            self._write_pieces()
        except InvalidPdu as err:
            _log.warning("association with %s ended: %s", self._name(), err)
            self.end(err.reason)

    def end(self, reason: int = 0) -> None:
        """Abort. What was not whole is removed."""
        if not self.is_over:
            self._send(abort(reason))
            self.close()

    def close(self) -> None:
        """The peer is gone, or should be."""
        self.is_over = True
        self._pieces.clear()
        if self._incoming is not None:
            self._incoming.abandon()
            self._incoming = None

    def _name(self) -> str:
        return f"{self.title or 'somebody'} at {self._address}"

    def _control(self, pdu: Control) -> None:
        if pdu.kind == ASSOCIATE_RQ and not self.title:
            self._associate(pdu.body)
        elif pdu.kind == RELEASE_RQ and self.title and self._storing is None:
            self._send(RELEASED)
            self.close()
        elif pdu.kind == ABORT:
            self.close()
        else:
            raise InvalidPdu("a PDU that does not belong here", UNEXPECTED)

    def _associate(self, body: bytes) -> None:
        request, options = parse_request(body), self._options
        caller = who_calls(options.callers, request.calling, self._address)
        rejection = refusal(request, options.title, caller) or (TOO_MANY if self._is_full else None)
        if rejection is not None:
            self._refused(Refused(request.calling, request.called, rejection))
            self._send(reject(rejection))
            self.close()
            return
        self.title, self._caller = request.calling or "-", caller
        self._send(self._accepted(request, body))

    def _accepted(self, request: AssociateRequest, body: bytes) -> bytes:
        answers = answers_to(request.contexts)
        proposed = {context.context_id: context.abstract_syntax for context in request.contexts}
        self._contexts = {
            one.context_id: (proposed[one.context_id], one.transfer_syntax)
            for one in answers
            if one.result == ACCEPTED
        }
        return accept(
            body,
            answers,
            max_pdu=LARGEST_PDU,
            implementation_uid=self._options.implementation_uid,
            implementation_name=self._options.implementation_name,
            extended=granted_extensions(request),
            roles=granted_roles(request),
        )

    def _fragment(self, part: Fragment) -> None:
        if part.context_id not in self._contexts:
            raise InvalidPdu("a message in a context that was not accepted", BAD_PARAMETER)
        if part.is_command == (self._storing is not None):
            raise InvalidPdu("a command set and a data set out of their order", UNEXPECTED)
        if not part.is_command:
            if part.context_id != self._context_id:
                raise InvalidPdu("a data set in another context than its command", BAD_PARAMETER)
            if self._incoming is not None and part.data:
                self._pieces.append(part.data)
            if part.ends:
                self._write_pieces()
                self._data_ends()
            return
        if self._command and part.context_id != self._context_id:
            raise InvalidPdu("a command set in two contexts", BAD_PARAMETER)
        self._context_id = part.context_id
        self._command += part.data
        if len(self._command) > LARGEST_COMMAND:
            raise InvalidPdu("a command set of an impossible length")
        if part.ends:
            whole = bytes(self._command)
            self._command.clear()
            self._asked(parse_command(whole))

    def _asked(self, command: Command) -> None:
        if command.field == C_CANCEL and not command.has_data:
            return
        if command.field & RESPONSE:
            raise InvalidPdu("a response to nothing", UNEXPECTED)
        status = self._verdict(command)
        if command.has_data:
            self._storing, self._status = command, status
            if status == SUCCESS:
                self._begin(command)
        else:
            self._answer(command, status)

    def _verdict(self, command: Command) -> int:
        """Return the status of a request, as far as its command set decides it."""
        abstract, _ = self._contexts[self._context_id]
        if command.field == C_ECHO and not command.has_data:
            return SUCCESS
        if command.field != C_STORE:
            return UNRECOGNISED_OPERATION
        if abstract == VERIFICATION:
            return NOT_SUPPORTED
        if self._caller is None or not self._caller.may_store:
            return NOT_AUTHORISED
        if not command.has_data or not command.instance or not command.sop_class:
            return CANNOT_UNDERSTAND
        if command.sop_class != abstract:
            return DOES_NOT_MATCH
        return SUCCESS

    def _begin(self, command: Command) -> None:
        options = self._options
        start = file_start(
            command.sop_class,
            command.instance,
            self._contexts[self._context_id][1],
            calling=self.title,
            called=options.title,
            implementation_uid=options.implementation_uid,
            implementation_name=options.implementation_name,
        )
        try:
            if self._inbox.free() < options.free_bytes:
                self._no_room(f"less than {options.free_bytes >> 20} MB free")
            else:
                self._incoming = self._inbox.new(start)
        except OSError as err:
            self._no_room(err)

    def _write_pieces(self) -> None:
        if self._pieces and self._incoming is not None:
            try:
                self._incoming.write(self._pieces)
            except OSError as err:
                self._incoming.abandon()
                self._incoming = None
                self._no_room(err)
        self._pieces.clear()

    def _no_room(self, cause: OSError | str) -> None:
        why = cause if isinstance(cause, str) else cause.strerror
        _log.error("nothing can be stored: %s; %s is told to send again later", why, self._name())
        self._status = OUT_OF_RESOURCES

    def _data_ends(self) -> None:
        command, incoming = self._storing, self._incoming
        assert command is not None  # noqa: S101 - for the type checker
        self._storing = self._incoming = None
        if incoming is None:
            self._answer(command, self._status)
            return
        transfer_syntax = self._contexts[self._context_id][1]
        origin = origin_of(incoming, transfer_syntax)
        status = SUCCESS
        if not incoming.size:
            status = CANNOT_UNDERSTAND
        elif (origin.instance_uid and origin.instance_uid != command.instance) or (
            origin.sop_class and origin.sop_class != command.sop_class
        ):
            status = DOES_NOT_MATCH
        if status != SUCCESS:
            incoming.abandon()
            self._answer(command, status)
            return
        arrival = Arrival(
            name=incoming.name,
            caller=self.title,
            sop_class=command.sop_class,
            transfer_syntax=transfer_syntax,
            instance_uid=command.instance,
            n_bytes=incoming.start_bytes + incoming.size,
            received=datetime.now(UTC),
            origin=origin,
        )
        if self._options.sync == "none":
            self._published(command, incoming, arrival)
        else:
            context_id = self._context_id
            self.n_waiting += 1

            def done(is_safe: bool) -> None:
                self.n_waiting -= 1
                self._stored(command, context_id, is_safe=is_safe)

            # With nobody else to keep waiting, handing over to the other thread only costs.
            commit = self._committer.commit if self._is_alone() else self._committer.put
            commit(Ready(incoming, arrival, done))

    def _published(self, command: Command, incoming: Incoming, arrival: Arrival) -> None:
        """Answer without waiting for the device; the row follows."""
        try:
            incoming.publish()
        except OSError as err:
            incoming.abandon()
            self._no_room(err)
            self._answer(command, OUT_OF_RESOURCES)
            return
        self._stored(command, self._context_id, is_safe=True)
        self._committer.note(arrival)

    def _stored(self, command: Command, context_id: int, *, is_safe: bool) -> None:
        self.n_stored += is_safe
        if not self.is_over:
            status = SUCCESS if is_safe else OUT_OF_RESOURCES
            self._send(answer(context_id, command, status, _COMMENTS.get(status, "")))

    def _answer(self, command: Command, status: int) -> None:
        self._send(answer(self._context_id, command, status, _COMMENTS.get(status, "")))
