"""WADO-RS: instances, metadata, frames and bulk data (PS3.18 10.4)."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.dicomweb.accept import ANY_SYNTAX, DICOM, OCTETS, Chosen
from tessera.domain.dicomweb.multipart import closing, part_header
from tessera.domain.dicomweb.refusals import NotAcceptable
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.imaging.encoding import EXPLICIT_LE, IMPLICIT_LE
from tessera.http.dicomweb.bodies import (
    Part,
    choices,
    metadata_choice,
    metadata_response,
    multipart_response,
    not_modified,
    single_response,
    tag_of,
)
from tessera.http.dicomweb.sending import LazyResponse
from tessera.http.dicomweb.service import DicomWeb, base_of, objects_of, sight_of, uids_of
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.ports.web_index import WebObject
from tessera.ports.web_pixels import Body, FileSlice

STUDY: Final = "/studies/{study}"
SERIES: Final = STUDY + "/series/{series}"
INSTANCE: Final = SERIES + "/instances/{instance}"
_S: Final = "1.2.840.10008.1.2."
MEDIA: Final[dict[str, str]] = {
    f"{_S}5": "image/dicom-rle",
    **dict.fromkeys((f"{_S}4.50", f"{_S}4.51", f"{_S}4.57", f"{_S}4.70"), "image/jpeg"),
    **dict.fromkeys((f"{_S}4.80", f"{_S}4.81"), "image/jls"),
    **dict.fromkeys((f"{_S}4.90", f"{_S}4.91"), "image/jp2"),
    **dict.fromkeys((f"{_S}4.92", f"{_S}4.93"), "image/jpx"),
    **dict.fromkeys((f"{_S}4.201", f"{_S}4.202", f"{_S}4.203"), "image/jphc"),
    f"{_S}4.110": "image/jxl",
    f"{_S}4.111": "image/jxl",
    f"{_S}4.112": "image/jxl",
}
"""Transfer syntax → media type of a frame (PS3.18 table 8.7.3-2)."""
_PIXELS: Final = frozenset(("7FE00010", "7FE00008", "7FE00009"))
_MOST_FRAMES: Final = 4096


def routes(service: DicomWeb) -> list[RuledRoute]:
    """Return the routes. The door before them has found who asks."""
    retrieving = _Retrieving(service)

    def ruled(path: str, answer: Callable[[Request], Response]) -> RuledRoute:
        async def retrieve(request: Request) -> Response:
            return await asyncio.to_thread(answer, request)

        return RuledRoute(path, retrieve, PUBLIC, name=f"retrieve {path}")

    made = []
    for path in (STUDY, SERIES, INSTANCE):
        made.append(ruled(path, retrieving.instances))
        made.append(ruled(f"{path}/metadata", retrieving.metadata))
        made.append(ruled(f"{path}/bulkdata", retrieving.every_bulk))
    made.append(ruled(INSTANCE + "/frames/{frames}", retrieving.frames))
    made.append(ruled(INSTANCE + "/bulk/{place:path}", retrieving.bulk))
    return made


class _Retrieving:
    def __init__(self, service: DicomWeb) -> None:
        self._service = service

    def metadata(self, request: Request) -> Response:
        service, uids = self._service, uids_of(request)
        sight, base = sight_of(request, service), base_of(request)
        chosen = metadata_choice(request)
        found = objects_of(service, sight, uids)
        tag = tag_of(base, chosen.kind, request.headers.get("accept-encoding", ""), *_hashes(found))
        if unchanged := not_modified(request, tag):
            return unchanged
        texts = service.index.metadata(sight, base, *uids)
        return metadata_response(request, chosen, texts, {"etag": tag})

    def instances(self, request: Request) -> Response:
        service, uids = self._service, uids_of(request)
        found = objects_of(service, sight_of(request, service), uids)
        offers = [(DICOM, True)] + [(DICOM, False)] * bool(uids[2])
        base = base_of(request)
        for chosen in choices(request, offers):
            tag = tag_of(
                "instances", base, str(chosen.is_multipart), chosen.syntax, *_hashes(found)
            )
            if unchanged := not_modified(request, tag):
                return unchanged
            if all(_as_stored(one, chosen.syntax) for one in found):
                return self._sent(request, found, chosen, tag, base)
            response = self._transcoded(request, found, chosen, tag, base)
            if response is not None:
                return response
        raise NotAcceptable("the transfer syntax asked for cannot be made of what is stored")

    def _sent(
        self, request: Request, found: Sequence[WebObject], chosen: Chosen, tag: str, base: str
    ) -> Response:
        file = self._service.file
        if not chosen.is_multipart:
            one = found[0]
            body = FileSlice(file(one.place), 0, one.n_bytes)
            return single_response(request, [body], _dicom(one), tag, _address(base, one))
        parts: list[Part] = [
            (_dicom(one), _address(base, one), (FileSlice(file(one.place), 0, one.n_bytes),))
            for one in found
        ]
        return multipart_response(parts, DICOM, tag)

    def _transcoded(
        self, request: Request, found: Sequence[WebObject], chosen: Chosen, tag: str, base: str
    ) -> Response | None:
        if chosen.syntax not in ("", EXPLICIT_LE):
            return None
        read, path = self._service.pixels.transcoded, self._service.path
        kind = f"{DICOM}; transfer-syntax={EXPLICIT_LE}"
        made: dict[str, bytes] = {}
        try:  # one of each transfer syntax, before anything is promised
            for one in {one.transfer_syntax_uid: one for one in found}.values():
                if not _as_stored(one, chosen.syntax):
                    made[one.place] = read(path(one.place))
        except NotAcceptable:
            return None
        if not chosen.is_multipart:
            return single_response(
                request, list(made.values()), kind, tag, _address(base, found[0])
            )
        boundary = f"tessera-{tag[1:-1]}"

        def pieces() -> Iterator[Callable[[], bytes]]:
            for number, one in enumerate(found):

                def piece(one: WebObject = one, first: bool = not number) -> bytes:
                    head = part_header(boundary, kind, location=_address(base, one), first=first)
                    if _as_stored(one, chosen.syntax):
                        return head + path(one.place).read_bytes()
                    return head + (made.pop(one.place, b"") or read(path(one.place)))

                yield piece
            yield lambda: closing(boundary)

        media = f'multipart/related; type="{DICOM}"; boundary={boundary}'
        return LazyResponse(pieces(), headers={"etag": tag}, kind=media)

    def frames(self, request: Request) -> Response:
        found = objects_of(self._service, sight_of(request, self._service), uids_of(request))
        return self._frames(request, found[0], _numbers(request.path_params["frames"]))

    def _frames(self, request: Request, one: WebObject, numbers: Sequence[int]) -> Response:
        path, pixels = self._service.path(one.place), self._service.pixels
        stored = pixels.frames(path, numbers)
        native = MEDIA.get(stored.transfer_syntax_uid, OCTETS)
        is_one = len(stored.frames) == 1
        offers = [] if stored.is_native else [(native, True)]
        offers.append((OCTETS, True))
        if is_one:
            offers += [(kind, False) for kind, _ in offers]
        base = base_of(request)
        named = numbers or range(1, len(stored.frames) + 1)
        where = f"{_address(base, one)}/frames/"
        for chosen in choices(request, offers):
            as_is = stored.is_native or chosen.syntax in (ANY_SYNTAX, stored.transfer_syntax_uid)
            if chosen.kind == native and not stored.is_native and not chosen.syntax:
                as_is = native != OCTETS
            wants_native = chosen.kind == OCTETS and chosen.syntax in ("", EXPLICIT_LE, IMPLICIT_LE)
            if stored.is_native and chosen.syntax not in ("", ANY_SYNTAX, EXPLICIT_LE, IMPLICIT_LE):
                continue
            if not as_is and not wants_native:
                continue
            syntax = stored.transfer_syntax_uid if as_is else EXPLICIT_LE
            tag = tag_of(
                "frames",
                base,
                chosen.kind,
                syntax,
                str(chosen.is_multipart),
                one.sha256,
                *map(str, named),
            )
            if unchanged := not_modified(request, tag):
                return unchanged
            kind = f"{chosen.kind}; transfer-syntax={syntax}"
            try:
                bodies: Sequence[Sequence[Body]] = (
                    stored.frames if as_is else [(pixels.native(path, n),) for n in named]
                )
            except NotAcceptable:
                continue
            if not chosen.is_multipart:
                return single_response(request, bodies[0], kind, tag, f"{where}{named[0]}")
            parts = [(kind, f"{where}{n}", body) for n, body in zip(named, bodies, strict=True)]
            return multipart_response(parts, chosen.kind, tag)
        raise NotAcceptable("the transfer syntax asked for cannot be made of what is stored")

    def bulk(self, request: Request) -> Response:
        found = objects_of(self._service, sight_of(request, self._service), uids_of(request))
        one, place = found[0], request.path_params["place"]
        if place.upper() == "7FE00010" and one.transfer_syntax_uid in MEDIA:
            return self._frames(request, one, ())
        chosen = choices(request, [(OCTETS, False), (OCTETS, True)])[0]
        if chosen.syntax not in ("", ANY_SYNTAX, EXPLICIT_LE, IMPLICIT_LE):
            raise NotAcceptable("bulk data is little endian")
        where = f"{_address(base_of(request), one)}/bulk/{place}"
        tag = tag_of("bulk", where, one.sha256, str(chosen.is_multipart))
        if unchanged := not_modified(request, tag):
            return unchanged
        body = self._service.pixels.bulk(self._service.path(one.place), place)
        if not chosen.is_multipart:
            return single_response(request, [body], OCTETS, tag, where)
        return multipart_response([(OCTETS, where, [body])], OCTETS, tag)

    def every_bulk(self, request: Request) -> Response:
        """Return all bulk data of what an address names: compressed frames as they are stored."""
        service, uids = self._service, uids_of(request)
        sight, base = sight_of(request, service), base_of(request)
        found = objects_of(service, sight, uids)
        choices(request, [(OCTETS, True)])
        tag = tag_of("every bulk", base, *_hashes(found))
        if unchanged := not_modified(request, tag):
            return unchanged
        parts: list[Part] = []
        for one, text in zip(found, service.index.metadata(sight, base, *uids), strict=True):
            path = service.path(one.place)
            for where in _addresses(json.loads(text)):
                place = where.partition("/bulk/")[2]
                if place in _PIXELS and one.transfer_syntax_uid in MEDIA:
                    stored = service.pixels.frames(path, ())
                    kind = f"{MEDIA[one.transfer_syntax_uid]}; transfer-syntax="
                    kind += stored.transfer_syntax_uid
                    parts += [(kind, where, frame) for frame in stored.frames]
                else:
                    parts.append((OCTETS, where, [service.pixels.bulk(path, place)]))
        if not parts:
            raise NotFound("there is no bulk data")
        return multipart_response(parts, OCTETS, tag)


def _addresses(value: Mapping[str, Any]) -> Iterator[str]:
    for attribute in value.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        elif attribute["vr"] == "SQ":
            for item in attribute.get("Value", ()):
                yield from _addresses(item)


def _numbers(text: str) -> list[int]:
    words = text.split(",")
    if len(words) > _MOST_FRAMES or any(not w.isdecimal() or len(w) > 9 for w in words):
        raise InvalidInput("frames are whole numbers from 1, with commas between")
    return [int(word) for word in words]


def _as_stored(one: WebObject, syntax: str) -> bool:
    return syntax in (ANY_SYNTAX, one.transfer_syntax_uid) or (
        not syntax and one.transfer_syntax_uid == EXPLICIT_LE
    )


def _hashes(found: Sequence[WebObject]) -> list[str]:
    return [one.sha256 or one.instance_uid for one in found]


def _dicom(one: WebObject) -> str:
    return f"{DICOM}; transfer-syntax={one.transfer_syntax_uid}"


def _address(base: str, one: WebObject) -> str:
    return f"{base}/studies/{one.study_uid}/series/{one.series_uid}/instances/{one.instance_uid}"
