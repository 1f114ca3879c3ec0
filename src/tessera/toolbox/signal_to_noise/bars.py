"""A bar chart as SVG, written by hand: no library, no script, one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LEFT, _WIDTH, _STEP, _TOP = 260, 360, 28, 48


@dataclass(frozen=True)
class Bar:
    """`low` and `high` are the ends of a whisker; equal ones draw none."""

    label: str
    value: float
    low: float
    high: float


def bar_chart(bars: Sequence[Bar], title: str) -> str:
    """Return horizontal bars from 0, with their values; says so when there are none."""
    height = _TOP + _STEP * max(len(bars), 1) + 16
    width = _LEFT + _WIDTH + 70
    most = max((max(b.value, b.high) for b in bars), default=1.0) or 1.0
    parts = [_bar(bar, _TOP + _STEP * i, most) for i, bar in enumerate(bars)]
    if not bars:
        parts = [f'<text x="{_LEFT}" y="{_TOP + 18}">too few to tell</text>']
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="12" y="26" font-size="14">{escape(title)}</text>{"".join(parts)}</svg>\n'
    )


def _bar(bar: Bar, top: float, most: float) -> str:
    def x(value: float) -> float:
        return _LEFT + max(value, 0.0) / most * _WIDTH

    whisker = ""
    if bar.high > bar.low:
        y = top + 10
        whisker = (
            f'<path d="M{x(bar.low):.1f} {y}H{x(bar.high):.1f}M{x(bar.low):.1f} {y - 4}v8'
            f'M{x(bar.high):.1f} {y - 4}v8" stroke="#222" fill="none"/>'
        )
    return (
        f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(bar.label[:40])}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{x(bar.value) - _LEFT:.1f}" height="20" '
        f'fill="#6ea8d8"/>{whisker}'
        f'<text x="{x(max(bar.value, bar.high)) + 6:.1f}" y="{top + 14}">{bar.value:g}</text>'
    )
