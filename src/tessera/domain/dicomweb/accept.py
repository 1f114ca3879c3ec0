"""Media types that are asked for, and which of those that can be given. Pure; PS3.18 8.3.3, 8.7."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART: Final = re.compile(rf'\s*;\s*({_WORD})\s*=\s*("(?:[^"\\]|\\.)*"|[^;,\s]*)')
_TYPE: Final = re.compile(rf"\s*({_WORD})/({_WORD})")
ANY_SYNTAX: Final = "*"
DICOM: Final = "application/dicom"
OCTETS: Final = "application/octet-stream"
MULTIPART: Final = "multipart/related"


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One choice of an Accept header. `kind` is lower case; for multipart that of its parts."""

    kind: str
    is_multipart: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    quality: float = 1.0
    order: int = 0

    @property
    def syntax(self) -> str:
        """Return the transfer syntax asked for: "" when none is named."""
        return self.parameters.get("transfer-syntax", "")

    def covers(self, kind: str) -> bool:
        """Say whether a media type fits."""
        if self.kind in ("*/*", kind):
            return True
        return self.kind.endswith("/*") and kind.startswith(self.kind[:-1])


def media_ranges(text: str) -> list[MediaRange]:
    """Return the choices, best first. What is no media type is left out; "" accepts anything."""
    if not text.strip():
        return [MediaRange("*/*")]
    found: list[MediaRange] = []
    pos = 0
    while pos < len(text):
        head = _TYPE.match(text, pos)
        if head is None:
            comma = text.find(",", pos)
            pos = len(text) if comma < 0 else comma + 1
            continue
        pos = head.end()
        parameters = {}
        while part := _PART.match(text, pos):
            pos = part.end()
            parameters[part[1].lower()] = _unquoted(part[2])
        comma = text.find(",", pos)
        pos = len(text) if comma < 0 else comma + 1
        found.append(_range(f"{head[1]}/{head[2]}".lower(), parameters, len(found)))
    return sorted((one for one in found if one.quality > 0), key=lambda one: -one.quality)


def _range(kind: str, parameters: dict[str, str], order: int) -> MediaRange:
    try:
        quality = min(1.0, max(0.0, float(parameters.pop("q", "1"))))
    except ValueError:
        quality = 0.0
    if kind != MULTIPART:
        return MediaRange(kind, False, parameters, quality, order)
    inner = parameters.pop("type", "").lower() or "*/*"
    return MediaRange(inner, True, parameters, quality, order)


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is answered with."""

    kind: str
    is_multipart: bool
    syntax: str = ""
    """Transfer syntax asked for; "" for the default of the media type, "*" for as stored."""


def chosen(ranges: Sequence[MediaRange], offers: Sequence[tuple[str, bool]]) -> Chosen | None:
    """Return the first of `offers` (media type, multipart) that the best choice takes.

    None: nothing fits, which is 406. "*/*" takes the first offer, whatever its form.
    """
    return next(iter(all_chosen(ranges, offers)), None)


def all_chosen(ranges: Sequence[MediaRange], offers: Sequence[tuple[str, bool]]) -> list[Chosen]:
    """Return everything that fits, best first."""
    found = []
    for one in ranges:
        for kind, is_multipart in offers:
            anything = one.kind == "*/*" and not one.is_multipart
            if anything or (is_multipart == one.is_multipart and one.covers(kind)):
                syntax = one.syntax or (ANY_SYNTAX if anything else "")
                found.append(Chosen(kind, is_multipart, syntax))
    return found
