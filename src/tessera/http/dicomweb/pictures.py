"""WADO-RS: rendered instances and frames, and thumbnails (PS3.18 10.4.1.1.3 and .4)."""

import asyncio
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.errors import InvalidInput, NotFound
from tessera.http.dicomweb.bodies import choices, not_modified, tag_of
from tessera.http.dicomweb.retrieve import INSTANCE, SERIES, STUDY
from tessera.http.dicomweb.service import DicomWeb, objects_of, sight_of, uids_of
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.ports.web_index import WebObject
from tessera.ports.web_pixels import Look

_KINDS: Final = (("image/jpeg", False), ("image/png", False))
_THUMBNAIL: Final = 128
_LARGEST: Final = 8192
_NOT_PIXELS: Final = frozenset(("SR", "KO", "PR", "RTSTRUCT", "RTPLAN", "DOC", "SEG", "REG"))


def routes(service: DicomWeb) -> list[RuledRoute]:
    """Return the routes. The door before them has found who asks."""
    made = []
    for path in (STUDY, SERIES, INSTANCE, INSTANCE + "/frames/{frames}"):
        for name in ("rendered", "thumbnail"):
            made.append(_route(service, f"{path}/{name}", small=name == "thumbnail"))
    return made


def _route(service: DicomWeb, path: str, *, small: bool) -> RuledRoute:
    def picture(request: Request) -> Response:
        found = objects_of(service, sight_of(request, service), uids_of(request))
        one = _shown(found)
        kind = choices(request, _KINDS)[0].kind
        look = _look(request, kind, small=small)
        frame = request.path_params.get("frames", "")
        if frame and (not frame.isdecimal() or len(frame) > 9):
            raise InvalidInput("one frame is rendered at a time")
        number = int(frame) if frame else 1 + (one.frames // 2 if small else 0)
        number = min(number, max(1, one.frames)) if not frame else number
        tag = tag_of("rendered", repr(look), str(number), one.sha256, one.instance_uid)
        if unchanged := not_modified(request, tag):
            return unchanged
        body = service.pixels.rendered(service.path(one.place), number, look)
        return Response(body, 200, {"etag": tag}, kind)

    async def rendered(request: Request) -> Response:
        return await asyncio.to_thread(picture, request)

    return RuledRoute(path, rendered, PUBLIC, name=path)


def _shown(found: Sequence[WebObject]) -> WebObject:
    """Return the instance that stands for a study or a series: from the middle of a series."""
    if len(found) == 1:
        return found[0]
    pictures = [one for one in found if one.modality not in _NOT_PIXELS]
    if not pictures:
        raise NotFound("there is no picture here")
    of_series = [one for one in pictures if one.series_uid == pictures[0].series_uid]
    return of_series[len(of_series) // 2]


def _look(request: Request, kind: str, *, small: bool) -> Look:
    given = request.query_params
    width = height = _THUMBNAIL if small else 0
    if "viewport" in given:
        sizes = _numbers(given["viewport"])
        if len(sizes) != 2 or any(not 1 <= size <= _LARGEST for size in sizes):
            raise InvalidInput("viewport: width,height in pixels; parts of a picture are not cut")
        width, height = int(sizes[0]), int(sizes[1])
    center = window = None
    if "window" in given:
        first, _, rest = given["window"].partition(",")
        second, _, function = rest.partition(",")
        values = _numbers(f"{first},{second}")
        if len(values) != 2 or values[1] < 1 or function not in ("", "linear"):
            raise InvalidInput("window: center,width,linear; width at least 1")
        center, window = values
    quality = _numbers(given.get("quality", "90"))
    if len(quality) != 1 or not 1 <= quality[0] <= 100:
        raise InvalidInput("quality: 1 to 100")
    return Look(
        kind=kind, width=width, height=height, center=center, window=window, quality=int(quality[0])
    )


def _numbers(text: str) -> list[float]:
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        return []
    return values if all(abs(value) < 1e9 for value in values) else []
