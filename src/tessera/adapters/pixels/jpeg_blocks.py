"""Blank blocks of a sequential JPEG; the bits of all other blocks stay as they are.

A blanked MCU gets a flat value per component and no other coefficient. Of the MCU after it,
only the codes of the DC differences change, since those count from the block before.
"""

from collections.abc import Mapping

from tessera.adapters.pixels.jpeg_scan import Component, HuffmanTable, JpegScan
from tessera.domain.deid.pixels.findings import Box
from tessera.ports.pixel_codec import NotDecoded

_RUN_BITS = 8192


def mcus_of(scan: JpegScan, box: Box) -> list[int]:
    """Return the numbers of the MCUs that a box touches."""
    left, right = box.x // scan.mcu_width, -(-(box.x + box.width) // scan.mcu_width)
    top, bottom = box.y // scan.mcu_height, -(-(box.y + box.height) // scan.mcu_height)
    across = scan.mcus_across
    return [
        row * across + column
        for row in range(top, min(bottom, scan.mcus_down))
        for column in range(left, min(right, across))
    ]


def blanked(scan: JpegScan, flat: Mapping[int, tuple[int, ...]]) -> bytes:
    """Return the stream with the MCUs in `flat` (number → sample value per component) blanked.

    Raises NotDecoded when the stream is damaged or its code tables have no code for what
    would have to be written.
    """
    per_interval = scan.restart_interval or scan.mcus_across * scan.mcus_down
    wanted: dict[int, dict[int, tuple[int, ...]]] = {}
    for mcu, values in flat.items():
        wanted.setdefault(mcu // per_interval, {})[mcu % per_interval] = values
    intervals = list(scan.intervals)
    for number, changes in wanted.items():
        if number >= len(intervals):
            raise NotDecoded("fewer restart intervals than it says")
        n_mcus = min(per_interval, scan.mcus_across * scan.mcus_down - number * per_interval)
        intervals[number] = _Interval(scan, intervals[number], n_mcus).blanked(changes)
    return scan.put_together(intervals)


class _Interval:
    """Entropy-coded data in which the DC prediction begins at 0."""

    def __init__(self, scan: JpegScan, data: bytes, n_mcus: int) -> None:
        self._scan = scan
        self._n_mcus = n_mcus
        self._data = data + b"\xff" * 8
        self._n_bits = 8 * len(data)
        self._order = [
            (index, component)
            for index, component in enumerate(scan.components)
            for _ in range(component.across * component.down)
        ]
        self._bits = 0
        self._pending = 0
        self._done: list[tuple[int, int]] = []
        """Bits that are written, in runs of moderate length: (value, number of bits)."""

    def blanked(self, changes: Mapping[int, tuple[int, ...]]) -> bytes:
        order = self._order
        n = len(self._scan.components)
        old, new = [0] * n, [0] * n
        pos, copied, last = 0, 0, max(changes)
        mcu = 0
        while mcu < self._n_mcus and (mcu <= last or old != new):
            begin = pos
            if mcu in changes:
                self._copy(copied, begin)
                levels = [
                    self._level(value, component)
                    for value, component in zip(changes[mcu], self._scan.components, strict=True)
                ]
                for index, component in order:
                    self._put_dc(levels[index] - new[index], component.dc)
                    self._put(*_code(component.ac, 0))
                    new[index] = levels[index]
                pos = self._skip(begin, old)
                copied = pos
            elif old != new:
                self._copy(copied, begin)
                pos = copied = self._mend(begin, old, new)
            else:
                pos = self._skip(begin, old)
                new = list(old)
            mcu += 1
        self._copy(copied, self._n_bits)
        return self._finished(mcu, pos, old)

    def _level(self, value: int, component: Component) -> int:
        """Return the DC coefficient of a flat block, quantised. Source: T.81 A.3.3, A.3.4."""
        middle = 1 << (self._scan.precision - 1)
        return round(8 * (value - middle) / component.dc_step)

    def _skip(self, pos: int, dc: list[int]) -> int:
        """Return the position after the MCU at `pos`; `dc` is moved on."""
        for index, component in self._order:
            pos, difference = self._dc(pos, component.dc)
            dc[index] += difference
            pos = self._ac(pos, component.ac.lookup)
        if pos > self._n_bits:
            raise NotDecoded("the scan ends too early")
        return pos

    def _mend(self, pos: int, old: list[int], new: list[int]) -> int:
        """Write the MCU at `pos` as it is but for its first DC differences."""
        first = [True] * len(old)
        for index, component in self._order:
            start = pos
            pos, difference = self._dc(pos, component.dc)
            old[index] += difference
            if first[index]:
                self._put_dc(old[index] - new[index], component.dc)
                first[index] = False
            else:
                self._copy(start, pos)
            new[index] = old[index]
            start = pos
            pos = self._ac(pos, component.ac.lookup)
            self._copy(start, pos)
        if pos > self._n_bits:
            raise NotDecoded("the scan ends too early")
        return pos

    def _dc(self, pos: int, table: HuffmanTable) -> tuple[int, int]:
        at = pos >> 3
        window = int.from_bytes(self._data[at : at + 6], "big")
        found = table.lookup[(window >> (32 - (pos & 7))) & 0xFFFF]
        if not found:
            raise NotDecoded("no such code")
        size, pos = found & 255, pos + (found >> 8)
        if not size:
            return pos, 0
        at = pos >> 3
        window = int.from_bytes(self._data[at : at + 4], "big")
        value = (window >> (32 - (pos & 7) - size)) & ((1 << size) - 1)
        if value < 1 << (size - 1):
            value -= (1 << size) - 1
        return pos + size, value

    def _ac(self, pos: int, lookup: list[int]) -> int:
        data, k = self._data, 1
        while k < 64:
            at = pos >> 3
            found = lookup[(int.from_bytes(data[at : at + 3], "big") >> (8 - (pos & 7))) & 0xFFFF]
            if not found:
                raise NotDecoded("no such code")
            symbol = found & 255
            pos += (found >> 8) + (symbol & 15)
            if not symbol & 15:
                if symbol != 0xF0:
                    return pos
                k += 16
            else:
                k += (symbol >> 4) + 1
        return pos

    def _put(self, value: int, bits: int) -> None:
        self._bits = self._bits << bits | value
        self._pending += bits
        if self._pending > _RUN_BITS:
            self._done.append((self._bits, self._pending))
            self._bits = self._pending = 0

    def _put_dc(self, difference: int, table: HuffmanTable) -> None:
        size = abs(difference).bit_length()
        self._put(*_code(table, size))
        if size:
            self._put(difference if difference > 0 else difference + (1 << size) - 1, size)

    def _copy(self, begin: int, end: int) -> None:
        if end <= begin:
            return
        first, last = begin >> 3, (end + 7) >> 3
        value = int.from_bytes(self._data[first:last], "big") >> (8 * last - end)
        self._put(value & ((1 << (end - begin)) - 1), end - begin)

    def _finished(self, mcu: int, pos: int, dc: list[int]) -> bytes:
        """Return the bytes, filled up with ones (T.81 F.1.2.3)."""
        value, bits = _joined([*self._done, (self._bits, self._pending)])
        missing = -bits % 8
        out = ((value << missing) | ((1 << missing) - 1)).to_bytes((bits + missing) // 8, "big")
        if missing and out.endswith(b"\xff"):
            # The old filling was copied too. Only the whole way shows whether that is a byte
            # too many.
            left = self._n_bits - self._end(mcu, pos, dc)
            if left + missing >= 8:
                out = out[:-1]
        return out

    def _end(self, mcu: int, pos: int, dc: list[int]) -> int:
        while mcu < self._n_mcus:
            pos = self._skip(pos, dc)
            mcu += 1
        return pos


def _joined(runs: list[tuple[int, int]]) -> tuple[int, int]:
    """Return one run of bits, joined two by two."""
    while len(runs) > 1:
        odd = runs[-1:] if len(runs) % 2 else []
        pairs = zip(runs[0::2], runs[1::2], strict=False)
        runs = [(a << n | b, m + n) for (a, m), (b, n) in pairs] + odd
    return runs[0]


def _code(table: HuffmanTable, symbol: int) -> tuple[int, int]:
    try:
        return table.codes[symbol]
    except KeyError:
        raise NotDecoded("its tables have no such code") from None
