"""The forms of RDF that a reader may ask for, and the answers in them."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.http.accept import preferred
from tessera.hub.views import RdfFormat

RDF: Final[dict[str, RdfFormat]] = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/rdf+xml": "xml",
    "application/n-triples": "nt",
}
SUFFIXES: Final = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
    "nt": "application/n-triples",
}
_LDP: Final = '<http://www.w3.org/ns/ldp#Resource>; rel="type"'
"""Source: Linked Data Platform 1.0, 4.2.1.4."""


def wished(request: Request, first: str = "text/html") -> str:
    """Return the media type of RDF that a reader wants more than `first`; "" for `first`."""
    media = preferred(request.headers.get("accept", ""), (first, *RDF))
    return media if media in RDF else ""


def answered(data: bytes, media: str, *, status: int = 200) -> Response:
    """Return RDF as an answer."""
    return Response(data, status, media_type=media, headers={"Vary": "Accept", "Link": _LDP})
