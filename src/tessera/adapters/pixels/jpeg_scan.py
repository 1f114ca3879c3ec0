"""A sequential JPEG taken apart: tables, components, entropy-coded data. Source: ITU-T T.81."""

from dataclasses import dataclass

from tessera.ports.pixel_codec import NotDecoded

_SEQUENTIAL = (0xC0, 0xC1)
_OTHER_FRAMES = frozenset((0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))


class HuffmanTable:
    """Codes both ways."""

    __slots__ = ("codes", "lookup")

    def __init__(self, counts: bytes, symbols: bytes) -> None:
        self.codes: dict[int, tuple[int, int]] = {}
        """Symbol → (code, bits)."""
        self.lookup = [0] * 65536
        """Next 16 bits → bits of the code * 256 + symbol; 0 where no code begins."""
        code, at = 0, 0
        for bits, count in enumerate(counts, 1):
            for _ in range(count):
                symbol = symbols[at]
                at += 1
                self.codes[symbol] = (code, bits)
                low = code << (16 - bits)
                span = 1 << (16 - bits)
                self.lookup[low : low + span] = [bits << 8 | symbol] * span
                code += 1
            code <<= 1
        if len(self.lookup) != 65536:
            raise NotDecoded("Huffman table")


@dataclass(frozen=True, slots=True)
class Component:
    """One colour plane."""

    across: int
    """Blocks in an MCU, horizontally."""
    down: int
    dc_step: int
    """Of the quantisation table."""
    dc: HuffmanTable
    ac: HuffmanTable


@dataclass(frozen=True, slots=True)
class JpegScan:
    """A sequential Huffman JPEG of one interleaved scan."""

    rows: int
    columns: int
    precision: int
    components: tuple[Component, ...]
    restart_interval: int
    """MCUs; 0: none."""
    head: bytes
    """Everything to and with the scan's header, as it was."""
    intervals: tuple[bytes, ...]
    """Entropy-coded data between restart markers, without stuffed zeros."""
    tail: bytes
    """From the marker after the scan on, as it was."""

    @property
    def mcu_width(self) -> int:
        return 8 * max(c.across for c in self.components)

    @property
    def mcu_height(self) -> int:
        return 8 * max(c.down for c in self.components)

    @property
    def mcus_across(self) -> int:
        return -(-self.columns // self.mcu_width)

    @property
    def mcus_down(self) -> int:
        return -(-self.rows // self.mcu_height)

    def put_together(self, intervals: list[bytes]) -> bytes:
        """Return the stream with other entropy-coded data."""
        parts = [self.head]
        for number, data in enumerate(intervals):
            if number:
                parts.append(bytes((0xFF, 0xD0 + (number - 1) % 8)))
            parts.append(data.replace(b"\xff", b"\xff\0"))
        return b"".join((*parts, self.tail))


def parse_jpeg(stream: bytes) -> JpegScan:
    """Take a stream apart. Raises NotDecoded for what is not one sequential Huffman scan."""
    try:
        return _parse(stream)
    except (IndexError, KeyError, ValueError) as err:
        raise NotDecoded("damaged JPEG") from err


def _parse(stream: bytes) -> JpegScan:
    if stream[:2] != b"\xff\xd8":
        raise NotDecoded("no JPEG")
    pos, restart = 2, 0
    steps: dict[int, int] = {}
    tables: dict[tuple[int, int], HuffmanTable] = {}
    frame: tuple[int, int, int, dict[int, tuple[int, int, int]]] | None = None
    while True:
        if stream[pos] != 0xFF:
            raise NotDecoded("no marker")
        marker = stream[pos + 1]
        if marker == 0xFF:
            pos += 1
            continue
        length = int.from_bytes(stream[pos + 2 : pos + 4], "big")
        body = stream[pos + 4 : pos + 2 + length]
        pos += 2 + length
        if marker in _SEQUENTIAL:
            frame = _frame(body)
        elif marker in _OTHER_FRAMES:
            raise NotDecoded("not a sequential JPEG")
        elif marker == 0xDB:
            _quantisation(body, steps)
        elif marker == 0xC4:
            _huffman(body, tables)
        elif marker == 0xDD:
            restart = int.from_bytes(body[:2], "big")
        elif marker == 0xDA:
            break
    if frame is None or body[0] != len(frame[3]):
        raise NotDecoded("not one interleaved scan")
    precision, rows, columns, shapes = frame
    components = []
    for number in range(body[0]):
        name, chosen = body[1 + 2 * number], body[2 + 2 * number]
        across, down, quantiser = shapes[name]
        if body[0] == 1:
            across = down = 1  # blocks of a scan of one component come row by row (T.81 A.2.2)
        components.append(
            Component(
                across, down, steps[quantiser], tables[0, chosen >> 4], tables[1, chosen & 15]
            )
        )
    intervals, end = _intervals(stream, pos)
    return JpegScan(
        rows,
        columns,
        precision,
        tuple(components),
        restart,
        stream[:pos],
        intervals,
        stream[end:],
    )


def _frame(body: bytes) -> tuple[int, int, int, dict[int, tuple[int, int, int]]]:
    shapes = {
        body[6 + 3 * n]: (body[7 + 3 * n] >> 4, body[7 + 3 * n] & 15, body[8 + 3 * n])
        for n in range(body[5])
    }
    rows = int.from_bytes(body[1:3], "big")
    if rows == 0:
        raise NotDecoded("its height comes after the scan")
    return body[0], rows, int.from_bytes(body[3:5], "big"), shapes


def _quantisation(body: bytes, steps: dict[int, int]) -> None:
    pos = 0
    while pos < len(body):
        wide = body[pos] >> 4
        steps[body[pos] & 15] = int.from_bytes(body[pos + 1 : pos + 2 + wide], "big")
        pos += 1 + 64 * (1 + wide)


def _huffman(body: bytes, tables: dict[tuple[int, int], HuffmanTable]) -> None:
    pos = 0
    while pos < len(body):
        counts = body[pos + 1 : pos + 17]
        n = sum(counts)
        symbols = body[pos + 17 : pos + 17 + n]
        tables[body[pos] >> 4, body[pos] & 15] = HuffmanTable(counts, symbols)
        pos += 17 + n


def _intervals(stream: bytes, pos: int) -> tuple[tuple[bytes, ...], int]:
    """Return the data between restart markers, and where the marker after the scan is."""
    intervals, begin = [], pos
    while True:
        pos = stream.index(b"\xff", pos)
        marker = stream[pos + 1]
        if marker == 0:
            pos += 2
            continue
        if marker == 0xFF:
            pos += 1
            continue
        intervals.append(stream[begin:pos].replace(b"\xff\0", b"\xff"))
        if not 0xD0 <= marker <= 0xD7:
            return tuple(intervals), pos
        pos += 2
        begin = pos
