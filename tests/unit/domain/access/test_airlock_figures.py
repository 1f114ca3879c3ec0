"""Figures: a chart passes; scripts, photographs and hidden parts are found."""

import random
import struct
import zlib

import pytest

from tessera.domain.access.airlock import Output
from tessera.domain.access.airlock_findings import inspect
from tessera.domain.access.airlock_search import Known
from tessera.domain.access.tool import OutputKind

KNOWN = Known(
    minimum=10, n_subjects=30, subjects=frozenset({"TES-ABCDEFGHIJKLMNOP"}), sizes=frozenset({30})
)
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


def codes(name: str, content: bytes) -> set[str]:
    output = Output(use_id="u", name=name, kind=OutputKind.FIGURE, content=content)
    return {one.code for one in inspect(output, KNOWN, frozenset(OutputKind)).findings}


def svg(inner: str) -> bytes:
    return f"{HEAD}{inner}</svg>".encode()


def chunk(kind: bytes, part: bytes) -> bytes:
    crc = zlib.crc32(kind + part).to_bytes(4, "big")
    return len(part).to_bytes(4, "big") + kind + part + crc


def png(rows: bytes, *more: bytes, side: int = 64, tail: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    plain = b"".join(b"\0" + rows[at * side : (at + 1) * side] for at in range(side))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            *more,
            chunk(b"IDAT", zlib.compress(plain)),
            chunk(b"IEND", b""),
            tail,
        ]
    )


FLAT = bytes(64 * 64)


def test_a_chart_has_no_finding() -> None:
    chart = '<g><rect x="1" width="20.5" height="3"/><text x="1">lung</text></g>'
    doctype = '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd">'
    assert codes("f.svg", svg(chart)) == set()
    assert codes("f.svg", doctype.encode() + svg(chart)) == set()
    assert codes("f.png", png(FLAT)) == set()
    assert codes("f.png", png(FLAT, chunk(b"tEXt", b"Software\0Matplotlib version3"))) == set()


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ("<script>alert(1)</script>", "active"),
        ('<image href="data:image/png;base64,AAAA"/>', "active"),
        ('<a xlink:href="http://example.org/x"><text>a</text></a>', "active"),
        ('<rect onclick="x()"/>', "active"),
        ('<rect style="fill:url(http://example.org/x)"/>', "active"),
        ("<style>@import url(x)</style>", "active"),
        ("<foreignObject/>", "active"),
        ("<g>", "format"),
        ('<text style="opacity: 0">x</text>', "hidden"),
        ('<g display="none"><text>x</text></g>', "hidden"),
        (f"<text>{'word ' * 30}</text>", "free-text"),
        ("<text>TES-ABCDEFGHIJKLMNOP</text>", "pseudonym"),
        ("<!-- abcdefghijklmnop -->", "pseudonym"),
        ('<circle cx="1"/>' * 30, "mark-per-subject"),
        ('<rect x="1.12345678"/>', "long-decimals"),
        ("<text>1912-12-12</text>", "dates"),
    ],
)
def test_what_is_no_chart_in_an_svg_is_found(inner: str, code: str) -> None:
    assert code in codes("f.svg", svg(inner))


def test_an_svg_with_entities_or_of_another_kind_never_leaves() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + HEAD + "&a;</svg>"
    for content in (bomb.encode(), b"<html/>", b"\xff", b"<svg>" * 5):
        assert "format" in codes("f.svg", content)


def test_what_is_no_chart_in_a_png_is_found() -> None:
    noise = random.Random(1).randbytes(64 * 64)
    assert "picture" in codes("f.png", png(noise))
    assert "hidden" in codes("f.png", png(FLAT, chunk(b"tEXt", b"Comment\0hello")))
    assert "hidden" in codes("f.png", png(FLAT, chunk(b"eXIf", b"hello")))
    assert "pseudonym" in codes("f.png", png(FLAT, chunk(b"tEXt", b"x\0ABCDEFGHIJKLMNOP")))
    for content in (
        png(FLAT, tail=b"more"),
        png(FLAT, side=65),
        png(FLAT)[:-3],
        b"GIF89a",
        png(FLAT).replace(b"IDAT", b"IDAX"),
    ):
        assert "format" in codes("f.png", content)
    assert "format" in codes("f.jpg", png(FLAT))
    assert codes("f.png", b"") == {"empty"}
