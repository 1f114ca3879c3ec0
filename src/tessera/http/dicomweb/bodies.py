"""Answers as bodies: JSON or XML, multipart, ETag, ranges, compression."""

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from secrets import token_hex
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.dicomweb.accept import Chosen, all_chosen, media_ranges
from tessera.domain.dicomweb.multipart import closing, part_header
from tessera.domain.dicomweb.refusals import NotAcceptable
from tessera.domain.dicomweb.xml import MEDIA_TYPE as XML
from tessera.domain.dicomweb.xml import native_xml
from tessera.domain.imaging.dicom_json import MEDIA_TYPE as JSON
from tessera.http.dicomweb.sending import PartsResponse
from tessera.ports.web_pixels import Body, FileSlice, size_of

_METADATA: Final = ((JSON, False), ("application/json", False), (XML, True))
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")
_GZIP_FROM: Final = 1024
Part = tuple[str, str, Sequence[Body]]
"""Content type, location, bytes."""


def choices(request: Request, offers: Sequence[tuple[str, bool]]) -> list[Chosen]:
    """Return what may be given, best first. Raises NotAcceptable. The parameter comes first."""
    wanted = request.query_params.get("accept", "") or request.headers.get("accept", "")
    found = all_chosen(media_ranges(wanted), offers)
    if not found:
        told = ", ".join(sorted({kind for kind, _ in offers}))
        raise NotAcceptable(f"here are given: {told}")
    return found


def metadata_choice(request: Request) -> Chosen:
    return choices(request, _METADATA)[0]


def metadata_response(
    request: Request, chosen: Chosen, objects: Iterable[bytes], headers: Mapping[str, str]
) -> Response:
    """Return DICOM JSON objects as the caller wants them. Meant for a thread."""
    if chosen.kind == XML:
        boundary = f"tessera-{token_hex(16)}"
        parts = [_xml_part(n, one, boundary) for n, one in enumerate(objects)]
        if not parts:
            return Response(None, 204, dict(headers))
        kind = f'multipart/related; type="{XML}"; boundary={boundary}'
        return PartsResponse([*parts, closing(boundary)], headers=headers, kind=kind)
    body = b"[" + b",".join(objects) + b"]"
    sent = dict(headers)
    if len(body) > _GZIP_FROM and _takes_gzip(request):
        body = gzip.compress(body, 1, mtime=0)
        sent["content-encoding"] = "gzip"
    return Response(body, 200, sent, chosen.kind)


def _xml_part(number: int, one: bytes, boundary: str) -> bytes:
    return part_header(boundary, XML, first=not number) + native_xml(json.loads(one))


def _takes_gzip(request: Request) -> bool:
    given = request.headers.get("accept-encoding", "").replace(" ", "").split(",")
    return any(one == "gzip" or (one.startswith("gzip;") and one != "gzip;q=0") for one in given)


def tag_of(*facts: str) -> str:
    """Return an entity tag of what an answer is made of."""
    return f'"{sha256(chr(10).join(facts).encode()).hexdigest()[:32]}"'


def not_modified(request: Request, tag: str) -> Response | None:
    """Return 304 when the caller has it already (RFC 9110 13.1.2)."""
    given = [
        one.strip().removeprefix("W/")
        for one in request.headers.get("if-none-match", "").split(",")
    ]
    if tag in given or given == ["*"]:
        return Response(None, 304, {"etag": tag})
    return None


def multipart_response(parts: Sequence[Part], kind: str, tag: str) -> PartsResponse:
    """Return a multipart/related answer; its boundary follows from what is in it."""
    boundary = "tessera-" + sha256(tag.encode()).hexdigest()[:32]
    pieces: list[Body] = []
    for number, (part_kind, location, bodies) in enumerate(parts):
        pieces.append(part_header(boundary, part_kind, location=location, first=not number))
        pieces += bodies
    pieces.append(closing(boundary))
    media = f'multipart/related; type="{kind}"; boundary={boundary}'
    return PartsResponse(pieces, headers={"etag": tag}, kind=media)


def single_response(
    request: Request, bodies: Sequence[Body], kind: str, tag: str, location: str
) -> Response:
    """Return one part as the body itself; one range of it when that is asked for."""
    size = sum(map(size_of, bodies))
    headers = {"etag": tag, "accept-ranges": "bytes", "content-location": location}
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked and request.headers.get("if-range", tag) == tag and (asked[1] or asked[2]):
        first = int(asked[1]) if asked[1] else max(0, size - int(asked[2]))
        last = min(size - 1, int(asked[2])) if asked[1] and asked[2] else size - 1
        if first > last or first >= size:
            return Response(None, 416, {"content-range": f"bytes */{size}", "etag": tag})
        headers["content-range"] = f"bytes {first}-{last}/{size}"
        cut = _cut(bodies, first, last - first + 1)
        return PartsResponse(cut, status=206, headers=headers, kind=kind)
    return PartsResponse(bodies, headers=headers, kind=kind)


def _cut(bodies: Sequence[Body], offset: int, length: int) -> list[Body]:
    out: list[Body] = []
    for body in bodies:
        size = size_of(body)
        skip = min(offset, size)
        take = min(size - skip, length)
        offset, length = offset - skip, length - take
        if take and isinstance(body, FileSlice):
            out.append(FileSlice(body.path, body.offset + skip, take))
        elif take:
            out.append(body[skip : skip + take])  # type: ignore[index]
    return out
