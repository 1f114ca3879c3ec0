"""STOW-RS: instances go to the intake as they come; their bytes are never held (PS3.18 10.5)."""

import asyncio
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.dicomweb.multipart import MultipartReader, PartBegins, PartBytes
from tessera.domain.dicomweb.refusals import UnsupportedMedia
from tessera.domain.errors import InvalidDicom, InvalidInput, Refused
from tessera.domain.imaging.dicom_json import MEDIA_TYPE as JSON
from tessera.domain.imaging.encoding import BytesSource, OddEncoding, read_file_meta
from tessera.domain.imaging.origin import Origin, origin_of
from tessera.http.dicomweb.retrieve import STUDY
from tessera.http.dicomweb.service import DicomWeb, caller_of
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.ports.stow_inbox import ComingFile

PATIENCE_S = 60.0
"""A sender from whom nothing comes for so long is answered 408, and the connection is closed."""
_HEAD: Final = 1 << 16
_FULL, _MISMATCH, _UNREADABLE = 0xA700, 0xA900, 0xC000
"""Failure reasons (PS3.18 table I.2-2): out of resources, not of the study, not understood."""


@dataclass(slots=True)
class _Coming:
    """One part under way."""

    file: ComingFile | None
    is_dicom: bool
    head: bytearray
    reason: int = 0


def routes(service: DicomWeb) -> list[RuledRoute]:
    """Return the routes. The door before them has found who asks."""

    async def store(request: Request) -> Response:
        if not caller_of(request).may_store:
            raise Refused("this key may not store")
        reader = MultipartReader(_boundary(request.headers.get("content-type", "")))
        storing = _Storing(service, request.path_params.get("study", ""))
        try:
            coming = request.stream()
            while (data := await asyncio.wait_for(anext(coming, None), PATIENCE_S)) is not None:
                if data:
                    await asyncio.to_thread(storing.take, reader, data)
            if not reader.is_whole:
                raise InvalidInput("the body has no closing boundary: send it again")
        except TimeoutError:
            storing.give_up()
            return Response(status_code=408, headers={"Connection": "close"})
        except BaseException:
            storing.give_up()
            raise
        if storing.n_stored:
            service.arrived()
        return storing.response()

    return [
        RuledRoute(path, store, PUBLIC, methods=("POST",), name=f"store {path}")
        for path in ("/studies", STUDY)
    ]


def _boundary(kind: str) -> str:
    message = Message()
    message["content-type"] = kind
    if message.get_content_type() != "multipart/related":
        raise UnsupportedMedia('the body is multipart/related; type="application/dicom"')
    inner = str(message.get_param("type", "application/dicom")).lower()
    if inner != "application/dicom":
        raise UnsupportedMedia("instances are taken as application/dicom alone")
    return str(message.get_param("boundary", ""))


class _Storing:
    def __init__(self, service: DicomWeb, study_uid: str) -> None:
        self._service = service
        self._study = study_uid
        self._coming: _Coming | None = None
        self._stored: list[dict[str, Any]] = []
        self._failed: list[dict[str, Any]] = []

    @property
    def n_stored(self) -> int:
        return len(self._stored)

    def take(self, reader: MultipartReader, data: bytes) -> None:
        for piece in reader.feed(data):
            if isinstance(piece, PartBegins):
                kind = piece.headers.get("content-type", "application/dicom")
                is_dicom = kind.partition(";")[0].strip().lower() == "application/dicom"
                self._coming = _Coming(None, is_dicom, bytearray())
                if is_dicom:
                    self._attempt(lambda coming: setattr(coming, "file", self._service.inbox.new()))
            elif isinstance(piece, PartBytes):
                self._bytes(piece.data)
            else:
                self._ended()

    def _attempt(self, do: Any) -> None:
        coming = self._coming
        if coming is None or coming.reason:
            return
        try:
            do(coming)
        except OSError:  # a full disk: this one fails, the sender is told so
            coming.reason = _FULL

    def _bytes(self, data: bytes) -> None:
        coming = self._coming
        if coming is None:
            return
        if len(coming.head) < _HEAD:
            coming.head += data[: _HEAD - len(coming.head)]
        self._attempt(lambda one: one.file.write(data) if one.file else None)

    def _ended(self) -> None:
        coming, origin = self._coming, Origin()
        if coming is None:
            return
        if not coming.is_dicom:
            coming.reason = _UNREADABLE
        if not coming.reason:
            origin = self._looked_at(coming)
        if not coming.reason:
            self._attempt(lambda one: one.file.publish())
        self._coming = None
        named = {
            "00081150": {"vr": "UI", "Value": [origin.sop_class]},
            "00081155": {"vr": "UI", "Value": [origin.instance_uid]},
        }
        if coming.reason:
            if coming.file is not None:
                coming.file.abandon()
            if not origin.instance_uid:
                named = {}
            self._failed.append({**named, "00081197": {"vr": "US", "Value": [coming.reason]}})
        else:
            self._stored.append(named)

    def _looked_at(self, coming: _Coming) -> Origin:
        head = bytes(coming.head)
        try:
            meta = read_file_meta(BytesSource(head))
        except (InvalidDicom, OddEncoding):
            coming.reason = _UNREADABLE
            return Origin()
        found = origin_of(BytesSource(head[meta.dataset_offset :]), meta.transfer_syntax_uid)
        if self._study and found.study_uid != self._study:
            coming.reason = _MISMATCH
        return Origin(sop_class=meta.sop_class_uid, instance_uid=meta.instance_uid)

    def give_up(self) -> None:
        """Leave nothing of a part that did not end; those before it are stored."""
        if self._coming is not None and self._coming.file is not None:
            self._coming.file.abandon()
        if self._stored:
            self._service.arrived()

    def response(self) -> Response:
        answer: dict[str, Any] = {}
        if self._failed:
            answer["00081198"] = {"vr": "SQ", "Value": self._failed}
        if self._stored:
            answer["00081199"] = {"vr": "SQ", "Value": self._stored}
        if not answer:
            raise InvalidInput("the body holds no instance")
        status = 409 if not self._stored else 202 if self._failed else 200
        return Response(json.dumps(answer), status, media_type=JSON)
