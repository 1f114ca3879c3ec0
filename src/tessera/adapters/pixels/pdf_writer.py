"""A plain PDF of text, written from nothing: no pictures, scripts, links or metadata.

Letters beyond those of Western Europe are in fonts of up to 224 signs named by their code
points, with a map back to text; a reader shows them in a font of its own. Same text, same bytes.
Source: ISO 32000-1, 7.5, 9.6 and 9.10.
"""

from collections.abc import Sequence

_WIDTH, _HEIGHT, _MARGIN, _SIZE, _LEADING = 595, 842, 50, 9, 12
_LINES = (_HEIGHT - 2 * _MARGIN) // _LEADING
_COLUMNS = 96
_PER_FONT = 224
_FIRST = 32


def pdf_of_text(pages: Sequence[Sequence[str]]) -> bytes:
    """Return a PDF with the lines of each page; long lines and pages are continued."""
    sheets = [sheet for page in pages for sheet in _sheets(page)] or [[]]
    fonts = _Fonts("".join("".join(lines) for lines in sheets))
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>", b""]
    names = []
    for number, letters in enumerate(fonts.further):
        at = len(objects) + 1
        objects.append(_font(letters, at + 1))
        objects.append(_stream(_map_to_text(letters)))
        names.append(f"/F{number + 1} {at} 0 R")
    objects.append(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    names.append(f"/F0 {len(objects)} 0 R")
    kids = []
    for lines in sheets:
        objects.append(_stream(_content(lines, fonts)))
        page = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {_WIDTH} {_HEIGHT}]"
            f"/Resources<</Font<<{''.join(names)}>>>>/Contents {len(objects)} 0 R>>"
        )
        objects.append(page.encode())
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>".encode()
    return _file(objects)


class _Fonts:
    """Which font and code each sign has."""

    def __init__(self, text: str) -> None:
        other = sorted({c for c in text if not _western(c)})
        self.further = [other[at : at + _PER_FONT] for at in range(0, len(other), _PER_FONT)]
        self._places = {
            c: (number + 1, _FIRST + index)
            for number, letters in enumerate(self.further)
            for index, c in enumerate(letters)
        }

    def place(self, letter: str) -> tuple[int, int]:
        """Return (font, code)."""
        if letter in self._places:
            return self._places[letter]
        return 0, letter.encode("cp1252")[0]


def _western(letter: str) -> bool:
    try:
        return letter.encode("cp1252")[0] >= _FIRST
    except UnicodeEncodeError:
        return False


def _sheets(page: Sequence[str]) -> list[list[str]]:
    lines: list[str] = []
    for raw in page:
        line = "".join(" " if c.isspace() else c for c in raw if c.isspace() or c.isprintable())
        while len(line) > _COLUMNS:
            cut = line.rfind(" ", 1, _COLUMNS + 1)
            cut = cut if cut > 0 else _COLUMNS
            lines.append(line[:cut])
            line = line[cut:].lstrip()
        lines.append(line)
    return [lines[at : at + _LINES] for at in range(0, len(lines), _LINES)] or [[]]


def _content(lines: Sequence[str], fonts: _Fonts) -> bytes:
    out = [f"BT {_LEADING} TL {_MARGIN} {_HEIGHT - _MARGIN} Td"]
    for line in lines:
        run, font = bytearray(), -1
        for letter in line:
            chosen, code = fonts.place(letter)
            if chosen != font:
                if run:
                    out.append(f"<{run.hex()}> Tj")
                out.append(f"/F{chosen} {_SIZE} Tf")
                run, font = bytearray(), chosen
            run.append(code)
        if run:
            out.append(f"<{run.hex()}> Tj")
        out.append("T*")
    return "\n".join([*out, "ET"]).encode("ascii")


def _font(letters: Sequence[str], map_number: int) -> bytes:
    names = "".join(_glyph(c) for c in letters)
    widths = " ".join("1000" if ord(c) > 0x2E7F else "600" for c in letters)
    return (
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica"
        f"/FirstChar {_FIRST}/LastChar {_FIRST + len(letters) - 1}/Widths[{widths}]"
        f"/Encoding<</Type/Encoding/Differences[{_FIRST} {names}]>>"
        f"/ToUnicode {map_number} 0 R>>"
    ).encode("ascii")


def _glyph(letter: str) -> str:
    code = ord(letter)
    return f"/uni{code:04X}" if code < 0x10000 else f"/u{code:X}"


def _map_to_text(letters: Sequence[str]) -> bytes:
    rows = [
        f"<{_FIRST + index:02x}> <{c.encode('utf-16-be').hex()}>" for index, c in enumerate(letters)
    ]
    blocks = [
        "\n".join((f"{len(part)} beginbfchar", *part, "endbfchar"))
        for at in range(0, len(rows), 100)
        for part in (rows[at : at + 100],)
    ]
    return "\n".join(
        (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
            "/CMapName /Own def /CMapType 2 def",
            "1 begincodespacerange <00> <ff> endcodespacerange",
            *blocks,
            "endcmap CMapName currentdict /CMap defineresource pop end end",
        )
    ).encode("ascii")


def _stream(data: bytes) -> bytes:
    return f"<</Length {len(data)}>>stream\n".encode() + data + b"\nendstream"


def _file(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        out += f"{place:010d} 00000 n \n".encode()
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
