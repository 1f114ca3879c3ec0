"""Read a document of a source by what it says that it is, else by its name."""

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from tessera.adapters.harvest.table import read_table
from tessera.adapters.harvest.workbook import read_workbook
from tessera.adapters.rdf.reading import read_rdf
from tessera.adapters.rdf.text import Form
from tessera.ports.harvest import Fetched, ReadDocument, SourceUnreadable

_MEDIA: Final[dict[str, Form]] = {
    "text/turtle": "turtle",
    "application/x-turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/json": "json-ld",
    "application/rdf+xml": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/n-triples": "nt",
}
_NAMES: Final[dict[str, Form]] = {
    ".ttl": "turtle",
    ".jsonld": "json-ld",
    ".json": "json-ld",
    ".rdf": "xml",
    ".xml": "xml",
    ".owl": "xml",
    ".nt": "nt",
}
_WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TABLES: Final = frozenset({"text/csv", "application/csv"})


def read_document(fetched: Fetched) -> ReadDocument:
    """Read RDF in any form, a table or a workbook. Raises SourceUnreadable."""
    ending = PurePosixPath(urlsplit(fetched.address).path).suffix.lower()
    if fetched.media in _TABLES or (fetched.media not in _MEDIA and ending == ".csv"):
        return ReadDocument(read_table(fetched.data))
    if fetched.media == _WORKBOOK or (fetched.media not in _MEDIA and ending == ".xlsx"):
        return ReadDocument(read_workbook(fetched.data))
    form = _MEDIA.get(fetched.media) or _NAMES.get(ending)
    if form is None:
        raise SourceUnreadable(
            f"{fetched.address}: {fetched.media or 'a document without a media type'} is none of "
            "Turtle, JSON-LD, RDF/XML, N-Triples, CSV and an Excel workbook"
        )
    return read_rdf(fetched.data, form, fetched.address)
