"""An encapsulated PDF made anew from its text, cleaned; nothing else of it goes on."""

import logging
import warnings
from dataclasses import replace
from io import BytesIO
from typing import Any

from tessera.adapters.pixels.opened import Opened
from tessera.adapters.pixels.patched import JoinedSource
from tessera.adapters.pixels.pdf_writer import pdf_of_text
from tessera.adapters.pixels.rebuilding import NewValue, edited_head
from tessera.domain.deid.pixels.judge import TextJudge
from tessera.domain.imaging.encoding import FileMeta, Source

_DOCUMENT, _LENGTH = 0x00420011, 0x00420015
_MOST_PAGES = 500
_MOST_TEXT = 5_000_000


class CannotRead(Exception):
    """A document that a person must look at; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def text_of_pdf(data: bytes) -> list[list[str]]:
    """Return the lines of each page. Raises CannotRead: encrypted, damaged, or a scan."""
    try:
        import pypdf
    except ImportError as err:
        raise CannotRead("document-unreadable") from err
    log = logging.getLogger("pypdf")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _pages(pypdf.PdfReader(BytesIO(data.rstrip(b"\0"))))
    except CannotRead:
        raise
    except Exception as err:  # pypdf raises nearly anything for a damaged file
        raise CannotRead("document-unreadable") from err
    finally:
        log.disabled = before


def _pages(reader: Any) -> list[list[str]]:
    if reader.is_encrypted or len(reader.pages) > _MOST_PAGES:
        raise CannotRead("document-unreadable")
    pages, total = [], 0
    for page in reader.pages:
        text = page.extract_text()
        total += len(text)
        if total > _MOST_TEXT or "�" in text:
            raise CannotRead("document-unreadable")
        if not text.strip() and page.get("/Contents") is not None:
            raise CannotRead("document-scanned")
        pages.append(text.splitlines())
    return pages


def cleaned_pdf(data: bytes, cleaner: TextJudge) -> bytes:
    """Return a new PDF with the cleaned text. Raises CannotRead."""
    pages = []
    for lines in text_of_pdf(data):
        cleaned = cleaner.clean("\n".join(lines)).text
        pages.append(cleaned.splitlines())
    if not any(line.strip() for page in pages for line in page):
        raise CannotRead("document-scanned")
    return pdf_of_text(pages)


def with_document(opened: Opened, document: bytes) -> tuple[Source, FileMeta]:
    """Return the instance with another document in it."""
    source, meta = opened.source, opened.meta
    sets = {
        _DOCUMENT: NewValue(b"OB", document),
        _LENGTH: NewValue(b"UL", len(document).to_bytes(4, "little")),
    }
    parts = edited_head(source, meta, source.size, lambda tag: tag == 0x00880200, sets)
    return JoinedSource(parts), replace(meta, dataset_offset=0)
