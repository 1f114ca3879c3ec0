"""Retrieve capabilities: what this service can do, as WADL and JSON (PS3.18 8.9)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tessera.domain.dicomweb.levels import MATCHED, ORDER, Level
from tessera.http.dicomweb.bodies import choices
from tessera.http.dicomweb.service import base_of, caller_of
from tessera.http.rules import PUBLIC, RuledRoute

_WADL: Final = "application/vnd.sun.wadl+xml"
_OFFERS: Final = ((_WADL, False), ("application/json", False))
_SEARCHES: Final[tuple[tuple[str, Level], ...]] = (
    ("studies", "studies"),
    ("series", "series"),
    ("instances", "instances"),
    ("studies/{study}/series", "series"),
    ("studies/{study}/instances", "instances"),
    ("studies/{study}/series/{series}/instances", "instances"),
)
_LEVELS: Final = (
    "studies/{study}",
    "studies/{study}/series/{series}",
    "studies/{study}/series/{series}/instances/{instance}",
)
_SUFFIXES: Final = {
    "": ("RetrieveInstances", ("multipart/related; type=application/dicom", "application/dicom")),
    "/metadata": (
        "RetrieveMetadata",
        ("application/dicom+json", "multipart/related; type=application/dicom+xml"),
    ),
    "/bulkdata": ("RetrieveBulkData", ("multipart/related; type=application/octet-stream",)),
    "/rendered": ("RetrieveRendered", ("image/jpeg", "image/png")),
    "/thumbnail": ("RetrieveThumbnail", ("image/jpeg", "image/png")),
}


def routes() -> list[RuledRoute]:
    """Return the routes: OPTIONS on the service's root, and GET on /capabilities."""

    async def capabilities(request: Request) -> Response:
        caller_of(request)
        chosen = choices(request, _OFFERS)[0]
        base = base_of(request)
        if chosen.kind == _WADL:
            return Response(_wadl(base), media_type=_WADL)
        resources = [
            {"path": path, "method": method, "id": name, "representations": list(kinds)}
            for path, method, name, kinds in _resources()
        ]
        return JSONResponse({"base": base, "resources": resources, "attributes": _attributes()})

    return [
        RuledRoute("/", capabilities, PUBLIC, methods=("OPTIONS",), name="options"),
        RuledRoute("/capabilities", capabilities, PUBLIC, name="capabilities"),
    ]


def _resources() -> list[tuple[str, str, str, tuple[str, ...]]]:
    answers = ("application/dicom+json", "multipart/related; type=application/dicom+xml")
    made: list[tuple[str, str, str, tuple[str, ...]]] = [
        (path, "GET", f"SearchFor{level.title()}", answers) for path, level in _SEARCHES
    ]
    for path in _LEVELS:
        made += [(path + s, "GET", name, kinds) for s, (name, kinds) in _SUFFIXES.items()]
    for suffix in ("/frames/{frames}", "/frames/{frames}/rendered", "/bulk/{place}"):
        name = "RetrieveRendered" if suffix.endswith("rendered") else "RetrieveBulkData"
        made.append((_LEVELS[2] + suffix, "GET", name, ("application/octet-stream",)))
    made += [(p, "POST", "StoreInstances", answers[:1]) for p in ("studies", _LEVELS[0])]
    return made


def _attributes() -> dict[str, list[str]]:
    return {
        level: [
            ".".join(f"{tag:08X}" for tag in path)
            for path, one in MATCHED.items()
            if ORDER[one.level] <= number
        ]
        for level, number in ORDER.items()
    }


def _wadl(base: str) -> bytes:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="{base}">')
    attributes = _attributes()
    for path, method, name, kinds in _resources():
        lines.append(f'<resource path="{path}"><method name="{method}" id="{name}">')
        level = name.removeprefix("SearchFor").lower()
        if level in attributes:
            names = ("limit", "offset", "includefield", "fuzzymatching", *attributes[level])
            lines.append("<request>")
            lines += [f'<param name="{one}" style="query"/>' for one in names]
            lines.append("</request>")
        lines.append("<response>")
        lines += [f'<representation mediaType="{kind}"/>' for kind in kinds]
        lines.append("</response></method></resource>")
    lines.append("</resources></application>")
    return "\n".join(lines).encode()
