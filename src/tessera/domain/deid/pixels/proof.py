"""From findings and bytes to the proof the gate asks for. Pure."""

from collections.abc import Iterable
from hashlib import sha256

from tessera.domain.deid.pixels.checked import CheckedPixels, seal_checked
from tessera.domain.deid.pixels.findings import Finding
from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.encoding import Source

_PIECE = 1 << 20


def value_sha256(source: Source, offset: int, length: int) -> str:
    """Return the SHA-256 of a stretch of a source, hexadecimal; read in pieces of 1 MB."""
    digest = sha256()
    end = offset + length
    while offset < end:
        piece = source.read(offset, min(_PIECE, end - offset))
        if not piece:
            break
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()


def proven(
    findings: Iterable[Finding], sha256_of_value: str, *, graphics: bool = False
) -> CheckedPixels:
    """Return the proof for pixel bytes in which every finding was kept or blanked.

    Raises InvalidInput when one of them is still unsure.
    """
    found = tuple(findings)
    if any(finding.action == "unsure" for finding in found):
        raise InvalidInput("a finding nobody has decided on is no proof")
    blanked = sum(finding.action == "blank" for finding in found)
    return seal_checked(sha256_of_value, blanked=blanked, graphics=graphics)


def proven_document(sha256_of_value: str) -> CheckedPixels:
    """Return the proof for a document that was made anew from cleaned text."""
    return seal_checked(sha256_of_value, document=True)


def proven_face(sha256_of_value: str, text: CheckedPixels | None = None) -> CheckedPixels:
    """Return the proof for a slice of a head whose face was taken out.

    `text` is the proof for the same slice with its face: without it no text was looked for, and
    the gate holds what may have some.
    """
    if text is None:
        return seal_checked(sha256_of_value, defaced=True, read=False)
    return seal_checked(
        sha256_of_value, blanked=text.blanked, defaced=True, graphics=text.graphics, read=text.read
    )
