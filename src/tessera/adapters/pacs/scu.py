"""A PACS over an association of its own for each question."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tessera.adapters.dimse.inbox import PART, InboxFolder
from tessera.adapters.pacs.address import PacsAddress
from tessera.domain.errors import InvalidInput, Refused, Unavailable
from tessera.domain.imaging.origin import origin_of
from tessera.ports.arrivals import Arrival, Arrivals
from tessera.ports.pacs import Fetched, FoundStudy
from tessera.wire.dimse.command import DOES_NOT_MATCH, OUT_OF_RESOURCES, SUCCESS
from tessera.wire.dimse.part10 import file_start

_log = logging.getLogger(__name__)
_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
_PENDING: Final = (0xFF00, 0xFF01)
_MOST_CONTEXTS: Final = 127
"""Of storage classes, beside the one of C-GET (PS3.8 9.3.2.2: ids are odd and below 256)."""
PULLED: Final = "pull"
"""Name of the folder of arrivals that are fetched."""
METHODS: Final = ("auto", "get", "move")


class PynetdicomPacs:
    """`method`: get, move, or auto, which is get wherever the archive offers it.

    With move the archive calls the node's receiver: it must know our title, host and port.
    """

    def __init__(
        self,
        address: PacsAddress,
        *,
        our_title: str,
        implementation: tuple[str, str],
        folder: Path,
        book: Arrivals,
        free_bytes: int,
        method: str = "auto",
        timeout_s: float = 60.0,
    ) -> None:
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # it quotes what it sends
        self._address, self._title = address, our_title
        self._implementation = implementation
        self._inbox = InboxFolder(folder, PULLED)
        for unfinished in self._inbox.path.glob(f"*{PART}"):
            unfinished.unlink()
        self._book, self._free_bytes = book, free_bytes
        self._method, self._timeout_s = method, timeout_s

    def find(self, keys: Mapping[str, str]) -> Sequence[FoundStudy]:
        wanted = _identifier(
            {"StudyInstanceUID": "", "AccessionNumber": "", "NumberOfStudyRelatedInstances": ""}
            | dict(keys)
        )
        found = []
        with self._association([_FIND]) as association:
            for status, answer in association.send_c_find(wanted, _FIND):
                code = self._status(status)
                if code in _PENDING and answer is not None:
                    found.append(_study(answer))
                elif code not in (*_PENDING, SUCCESS):
                    raise Unavailable(
                        f"{self._address.name} answers C-FIND with status {code:04X}; see its log"
                    )
        return [study for study in found if study.study_uid]

    def fetch(self, study_uid: str, on_instance: Callable[[], None]) -> Fetched:
        wanted = _identifier({"StudyInstanceUID": study_uid})
        if self._method == "move":
            return self._move(wanted)
        from pynetdicom import evt

        def stored(event: Any) -> int:
            on_instance()
            return self._store(event)

        with self._association([_GET], handlers=[(evt.EVT_C_STORE, stored)]) as association:
            if association is not None:
                return self._ended(association.send_c_get(wanted, _GET))
        if self._method == "get":
            raise Refused(f"{self._address.name} offers no C-GET; use --by move")
        return self._move(wanted)

    def _move(self, wanted: Any) -> Fetched:
        with self._association([_MOVE]) as association:
            return self._ended(association.send_c_move(wanted, self._title, _MOVE))

    def _ended(self, answers: Any) -> Fetched:
        n_done = n_failed = 0
        code = SUCCESS
        for status, _ in answers:
            code = self._status(status)
            n_done = int(status.get("NumberOfCompletedSuboperations") or 0) + int(
                status.get("NumberOfWarningSuboperations") or 0
            )
            n_failed = int(status.get("NumberOfFailedSuboperations") or 0)
        problem = "" if code in (SUCCESS, 0xB000) else f"status {code:04X}{_MEANING.get(code, '')}"
        return Fetched(n_done=n_done, n_failed=n_failed, status=code, problem=problem)

    def _status(self, status: Any) -> int:
        if "Status" not in status:
            raise Unavailable(
                f"{self._address.name} ended the association or said nothing for "
                f"{self._timeout_s:.0f} s; run the same command again"
            )
        return int(status.Status)

    @contextmanager
    def _association(self, classes: Sequence[str], handlers: Any = ()) -> Iterator[Any]:
        """Give an association; None when C-GET is not among what the archive offers."""
        from pynetdicom import AE, build_role

        is_get = classes == [_GET]
        entity = AE(self._title)
        entity.maximum_pdu_size = 0
        entity.acse_timeout = entity.network_timeout = entity.connection_timeout = 30
        entity.dimse_timeout = self._timeout_s
        for uid in classes:
            entity.add_requested_context(uid)
        roles: list[Any] = []
        if is_get:
            for uid, syntaxes in _storage_contexts():
                entity.add_requested_context(uid, syntaxes)
                roles.append(build_role(uid, scp_role=True))
        where = self._address
        association = entity.associate(
            where.host, where.port, ae_title=where.title, ext_neg=roles, evt_handlers=list(handlers)
        )
        if association.is_rejected:
            raise Refused(
                f"{where.name} refuses {self._title}: it must be told of that title, of this "
                f"computer's address, and that its own title is {where.title}"
            )
        if not association.is_established:
            raise Unavailable(f"{where.name} at {where.host}:{where.port} does not answer")
        try:
            offered = {str(context.abstract_syntax) for context in association.accepted_contexts}
            if not offered & set(classes):
                if not is_get:
                    raise Refused(f"{where.name} does not offer what is needed: {classes[0]}")
                yield None
            else:
                yield association
        finally:
            if association.is_established:
                association.release()
            association.kill()

    def _store(self, event: Any) -> int:
        """Write an instance that C-GET brings, as the receiver would."""
        request = event.request
        sop_class, instance = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
        syntax = str(event.context.transfer_syntax)
        start = file_start(
            sop_class,
            instance,
            syntax,
            calling=self._address.title,
            called=self._title,
            implementation_uid=self._implementation[0],
            implementation_name=self._implementation[1],
        )
        incoming = None
        try:
            if self._inbox.free() < self._free_bytes:
                return OUT_OF_RESOURCES
            incoming = self._inbox.new(start)
            incoming.write([request.DataSet.getbuffer()])
            origin = origin_of(incoming, syntax)
            if origin.instance_uid and origin.instance_uid != instance:
                incoming.abandon()
                return DOES_NOT_MATCH
            incoming.flush()
            incoming.publish()
            self._inbox.sync_names()
        except OSError as err:
            _log.error("an instance cannot be stored: %s", err.strerror)
            if incoming is not None:
                incoming.abandon()
            return OUT_OF_RESOURCES
        self._book.add(
            [
                Arrival(
                    name=incoming.name,
                    caller=self._address.title,
                    sop_class=sop_class,
                    transfer_syntax=syntax,
                    instance_uid=instance,
                    n_bytes=incoming.start_bytes + incoming.size,
                    received=datetime.now(UTC),
                    origin=origin,
                )
            ]
        )
        return SUCCESS


_MEANING: Final = {
    0xA701: " (it cannot count the matches)",
    0xA702: " (it could not send)",
    0xA801: " (it does not know our title as a destination)",
    0xA900: " (it does not understand the question)",
    0xFE00: " (cancelled)",
}
"""Source: PS3.4 tables C.4-2 and C.4-3."""


def _identifier(keys: Mapping[str, str]) -> Any:
    """Return an identifier at the level of studies. Raises InvalidInput for an unknown keyword."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataset import Dataset as DicomDataset

    wanted = DicomDataset()
    wanted.QueryRetrieveLevel = "STUDY"
    for key, value in keys.items():
        if tag_for_keyword(key) is None:
            raise InvalidInput(f"{key!r:.40} is no DICOM keyword; for example ModalitiesInStudy")
        setattr(wanted, key, value)
    if not all(ord(c) < 128 for value in keys.values() for c in value):
        wanted.SpecificCharacterSet = "ISO_IR 192"
    return wanted


def _study(answer: Any) -> FoundStudy:
    try:
        n = int(answer.get("NumberOfStudyRelatedInstances") or "")
    except (ValueError, TypeError):
        n = None
    return FoundStudy(
        study_uid=str(answer.get("StudyInstanceUID", "")),
        accession=str(answer.get("AccessionNumber", "")),
        n_instances=n,
    )


def _storage_contexts() -> list[tuple[str, list[str]]]:
    """Return what C-GET may bring: the common classes, each in every syntax that it may have."""
    from pynetdicom import ALL_TRANSFER_SYNTAXES, StoragePresentationContexts

    syntaxes = [s for s in ALL_TRANSFER_SYNTAXES if s != "1.2.840.10008.1.2.2"]
    contexts = [str(one.abstract_syntax) for one in StoragePresentationContexts]
    return [(uid, list(syntaxes)) for uid in contexts[:_MOST_CONTEXTS]]
