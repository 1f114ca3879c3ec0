"""How a dataset is cited, as files and by content negotiation at the dataset's own address."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.catalogue.citation import Citation, bibtex, cited, csl, plain, ris
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.errors import NotFound
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.hub.views import HubViews


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a citation down."""

    media: str
    """As it is asked for in `Accept`."""
    write: Callable[[Citation], str]
    file_media: str
    """Of the file; browsers and editors know it."""


def _csl(citation: Citation) -> str:
    return json.dumps(csl(citation), ensure_ascii=False, indent=1) + "\n"


def _line(citation: Citation) -> str:
    return plain(citation) + "\n"


_BIBTEX: Final = "application/x-bibtex"
_RIS: Final = "application/x-research-info-systems"
_CSL: Final = "application/vnd.citationstyles.csl+json"
FORMS: Final = {
    "txt": Form("text/x-bibliography", _line, "text/plain"),
    "bib": Form(_BIBTEX, bibtex, _BIBTEX),
    "ris": Form(_RIS, ris, _RIS),
    "json": Form(_CSL, _csl, _CSL),
}
"""By the ending of the file. Source of the media types: DOI content negotiation (crosscite.org)."""
CITED: Final = {form.media: form for form in FORMS.values()}


def routes(hub: HubViews) -> list[RuledRoute]:
    """Bind the files."""

    async def file(request: Request) -> Response:
        """The citation as a file: of the dataset, or of `?version=`. Also of a withdrawn one."""
        form = FORMS.get(request.path_params["form"])
        if form is None:
            raise NotFound("no such form of a citation")
        citation = citation_at(hub, request)
        name = f"{citation.key}.{request.path_params['form']}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(form.write(citation), headers=headers, media_type=form.file_media)

    return [
        RuledRoute("/datasets/{node_id}/{dataset_id}/citation.{form}", file, PUBLIC),
    ]


def citation_at(hub: HubViews, request: Request) -> Citation:
    """Return how the dataset of an address is cited, or the version that the address names.

    Raises NotFound.
    """
    names, version = request.path_params, asked_version(request)
    is_version = version is not None
    try:
        entry = hub.entry(names["node_id"], names["dataset_id"], version)
    except Withdrawn as gone:
        return cited(gone.entry, hub.address, is_version=is_version, notice=gone.notice)
    return cited(entry, hub.address, is_version=is_version)


def negotiated(hub: HubViews, request: Request, media: str) -> Response:
    """Answer at the dataset's own address: 410 with the citation when it is withdrawn."""
    citation = citation_at(hub, request)
    status = 410 if citation.withdrawn else 200
    written = CITED[media].write(citation)
    return Response(written, status, headers={"Vary": "Accept"}, media_type=media)


def asked_version(request: Request) -> int | None:
    """Return the version that an address names, None for the newest. Raises NotFound."""
    text = request.query_params.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotFound("no such version")
    return int(text)
