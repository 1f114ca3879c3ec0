"""Looks in a figure, SVG or PNG, for what is no chart: scripts, photographs, hidden parts. Pure.

Source: W3C SVG 1.1 (Second Edition); W3C PNG Specification (Third Edition), 5 and 11.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from tessera.domain.access.airlock import Finding, Severity
from tessera.domain.access.airlock_search import Known

MAX_BYTES: Final = 5_000_000
_MOST_SIDE: Final = 4000
"""Pixels."""
_LOOK_BITS, _STOP_BITS = 1.5, 3.5
"""Packed bits per pixel: charts have below one, slices of patients from three on."""
_LONG_TEXT: Final = 80
_MUCH_TEXT: Final = 3000
_DECIMALS = re.compile(r"\.\d{7,}")
_REFERENCE = re.compile(r"url\(\s*['\"]?(?!#)|@import|javascript:|data:", re.IGNORECASE)
_STYLE = re.compile(r"\\|image-set|image\(|src\(|//", re.IGNORECASE)
"""Ways to fetch something by a style, and the backslash, which writes any of them otherwise."""
_GEOMETRY: Final = frozenset("d points style transform viewBox stroke-dasharray".split())
_FAINT: Final = 0.05
_TINY: Final = 1.0
_SIZES: Final = {
    b"PLTE": 768,
    b"tRNS": 256,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"pHYs": 9,
    b"sBIT": 4,
}
"""The most bytes of a part that does not show."""
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>")
_W3C: Final = "http://www.w3.org/"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SHOWN: Final = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT"}
)
_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_SOFTWARE = re.compile(rb"Software\0[\x20-\x7e]{1,100}")
_ELEMENTS: Final = frozenset(
    "svg g path rect circle ellipse line polyline polygon text tspan defs use clipPath title desc "
    "style marker linearGradient stop symbol metadata RDF Work type date format creator Agent "
    "title a pattern hatch".split()
)


def figure_findings(name: str, content: bytes, known: Known) -> Iterator[Finding]:
    """Yield what was found in an SVG or PNG file, named by its ending."""
    if len(content) > MAX_BYTES:
        said = f"{len(content)} bytes; a figure has at most {MAX_BYTES}"
        yield _stop("size", said, is_final=True)
    elif name.endswith(".svg"):
        yield from _svg(content, known)
    elif name.endswith(".png"):
        yield from _png(content)
    else:
        yield _stop("format", "a figure is an .svg or a .png file", is_final=True)


def _svg(content: bytes, known: Known) -> Iterator[Finding]:
    try:
        text = content.decode("utf-8")
        if "<!ENTITY" in text or "<!DOCTYPE" in _DOCTYPE.sub("", text, count=1):
            raise ValueError("it declares entities")
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities, and of bounded size
    except (ValueError, ElementTree.ParseError, RecursionError) as err:
        yield _stop("format", f"not SVG: {str(err)[:100]}", is_final=True)
        return
    if _plain(root.tag) != "svg":
        yield _stop("format", "not SVG", is_final=True)
        return
    elements = list(root.iter())
    if foreign := sorted({_plain(one.tag) for one in elements} - _ELEMENTS):
        yield _stop(
            "active", f"elements that no chart needs: {', '.join(foreign)[:200]}", is_final=True
        )
    if active := sorted({*_active(elements), *_active_before(text)}):
        yield _stop("active", f"scripts or references: {', '.join(active)[:200]}", is_final=True)
    texts = [
        part.strip()
        for one in elements
        for part in (None if _plain(one.tag) == "style" else one.text, one.tail)
        if part and part.strip()
    ]
    texts += _comments(text)
    texts += [
        value
        for one in elements
        for key, value in one.attrib.items()
        if _plain(key) not in _GEOMETRY and len(value) > _LONG_TEXT
    ]
    if any(len(part) > _LONG_TEXT for part in texts):
        yield _stop("free-text", f"texts of more than {_LONG_TEXT} characters")
    elif sum(map(len, set(texts))) > _MUCH_TEXT:
        yield Finding(code="free-text", severity=Severity.LOOK, text="much text for a figure")
    if any(_is_hidden(one) for one in elements):
        yield _stop("hidden", "elements that do not show")
    for tag in ("use", "circle", "rect", "line"):
        n_marks = sum(_plain(one.tag) == tag for one in elements)
        if any(n_marks >= max(known.minimum, 0.9 * size) for size in known.sizes):
            text = f"{n_marks} × <{tag}>: is there a mark for each subject or image?"
            yield Finding(code="mark-per-subject", severity=Severity.LOOK, text=text)
            break
    if n_long := len(_DECIMALS.findall(text)):
        severity = Severity.STOP if n_long > 1000 else Severity.LOOK
        said = f"{n_long} coordinates with 7 or more decimals, which can hold more than a figure"
        yield Finding(code="long-decimals", severity=severity, text=said)


def _active(elements: list[ElementTree.Element]) -> Iterator[str]:
    for one in elements:
        style = (one.text or "" if _plain(one.tag) == "style" else "") + one.get("style", "")
        if _REFERENCE.search(style) or _STYLE.search(style):
            yield "style"
        for key, value in one.attrib.items():
            plain = _plain(key)
            if plain.startswith("on") or _REFERENCE.search(value):
                yield plain
            if plain in ("href", "src") and not value.startswith("#"):
                yield plain


def _active_before(text: str) -> Iterator[str]:
    """Yield what the tree does not show: processing instructions, and where a DTD is fetched."""
    if re.search(r"<\?(?!xml\s)", text):
        yield "processing instruction"
    doctype = _DOCTYPE.search(text)
    if doctype and ("SYSTEM" in doctype[0] or "://" in doctype[0].replace(_W3C, "")):
        yield "DOCTYPE"


def _comments(text: str) -> Iterator[str]:
    at = text.find("<!--")
    while at >= 0 and (end := text.find("-->", at)) >= 0:
        yield text[at + 4 : end].strip()
        at = text.find("<!--", end)


def _is_faint(value: str | None, least: float) -> bool:
    try:
        return value is not None and float(value.strip().removesuffix("px").strip()) < least
    except ValueError:
        return False


def _is_hidden(one: ElementTree.Element) -> bool:
    told = dict(
        item.partition(":")[::2] for item in one.get("style", "").replace(" ", "").split(";")
    )
    if one.text and one.text.strip():
        shown = {**one.attrib, **told}
        if any(_is_faint(shown.get(key), _FAINT) for key in ("opacity", "fill-opacity")):
            return True
        if _is_faint(shown.get("font-size"), _TINY):
            return True
    style = "".join(one.get("style", "").split())
    return (
        one.get("display") == "none"
        or one.get("visibility") == "hidden"
        or one.get("opacity") == "0"
        or any(word in style for word in ("display:none", "visibility:hidden"))
        or bool(
            re.search(r"(?:^|;)(?:fill-|stroke-)?opacity:0(?:\.0*)?(?:;|$)", style) and one.text
        )
        or one.get("font-size", "").rstrip("px") in ("0", "0.0")
    )


def _plain(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _png(content: bytes) -> Iterator[Finding]:
    try:
        chunks = list(_chunks(content))
        width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
        kinds = [kind for kind, _ in chunks]
        if kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or kinds.count(b"IHDR") != 1:
            raise ValueError("its parts are in the wrong order")
        if len(chunks[0][1]) != 13 or any(chunks[0][1][10:]) or chunks[-1][1]:
            raise ValueError("its head or its end is longer than it is, or it is interlaced")
        if not 0 < width <= _MOST_SIDE or not 0 < height <= _MOST_SIDE:
            raise ValueError(f"{width} × {height} pixels; a figure has at most {_MOST_SIDE} a side")
        packed = b"".join(part for kind, part in chunks if kind == b"IDAT")
        channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
        n_plain = height * (1 + -(-width * channels * depth // 8))
        inflater = zlib.decompressobj()
        plain = inflater.decompress(packed, n_plain + 1)
        if len(plain) != n_plain or inflater.unused_data or not inflater.eof:
            raise ValueError("its pixels are fewer or more than it says")
        if max(plain[:: n_plain // height]) > 4:
            raise ValueError("a row is packed in a way that there is not")
    except (ValueError, KeyError, IndexError, struct.error, zlib.error) as err:
        yield _stop("format", f"not a plain PNG: {str(err)[:100]}", is_final=True)
        return
    texts = [p for kind, p in chunks if kind in _TEXTS]
    if len(texts) > 1 or any(not _SOFTWARE.fullmatch(part) for part in texts):
        yield _stop("hidden", f"{len(texts)} texts beside the picture")
    large = {kind for kind, part in chunks if len(part) > _SIZES.get(kind, len(part))}
    twice = {kind for kind in _SIZES if kinds.count(kind) > 1}
    many = {b"IDAT"} if kinds.count(b"IDAT") > 10 + len(packed) // 1000 else set()
    if filled := sorted(kind.decode() for kind in large | twice | many):
        yield _stop("hidden", f"parts that hold more than they need: {', '.join(filled)}")
    odd = sorted({kind.decode("latin-1") for kind, _ in chunks if kind not in _SHOWN | _TEXTS})
    if odd:
        yield _stop("hidden", f"parts that do not show: {', '.join(odd)}")
    bits = 8 * len(packed) / (width * height)
    if bits > _LOOK_BITS:
        yield Finding(
            code="picture",
            severity=Severity.STOP if bits > _STOP_BITS else Severity.LOOK,
            text=f"{bits:.1f} bits a pixel: a photograph, a slice or noise, and no plain chart?",
        )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not content.startswith(_PNG):
        raise ValueError("it does not begin as one")
    at = len(_PNG)
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, part = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        if content[at + 8 + length : at + 12 + length] != zlib.crc32(kind + part).to_bytes(
            4, "big"
        ):
            raise ValueError("a part is damaged")
        yield kind, part
        at += 12 + length
        if kind == b"IEND" and at != len(content):
            raise ValueError("something stands behind its end")


def _stop(code: str, text: str, *, is_final: bool = False) -> Finding:
    return Finding(code=code, severity=Severity.STOP, text=text, is_final=is_final)
