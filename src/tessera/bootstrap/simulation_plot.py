"""Metrics over the rounds of a training as one SVG picture: a panel for each metric."""

from collections.abc import Sequence
from html import escape
from typing import Final

from tessera.node.simulation import SiteRound

_COLOURS: Final = ("#0b6e99", "#c2571a", "#4b7f2b", "#7b4fa3", "#a8324a", "#6b6b6b")
_WIDE, _HIGH, _LEFT, _TOP, _GAP = 320, 150, 56, 56, 50
_COLUMNS: Final = 2


def metrics_svg(rows: Sequence[SiteRound]) -> str:
    """Return the picture; sites by colour, rounds to the right."""
    names = sorted({name for row in rows for name in row.metrics})
    sites = sorted({row.site for row in rows})
    n_lines = -(-max(1, len(names)) // _COLUMNS)
    width = _COLUMNS * (_LEFT + _WIDE) + 20
    height = _TOP + n_lines * (_HIGH + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>Metrics by round and site</title>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for number, site in enumerate(sites):
        x = 16 + 150 * number
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<circle cx="{x}" cy="16" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{x + 10}" y="20">{escape(site)}</text>')
    for number, name in enumerate(names):
        left = _LEFT + (number % _COLUMNS) * (_LEFT + _WIDE)
        top = _TOP + (number // _COLUMNS) * (_HIGH + _GAP)
        parts += _panel(name, [row for row in rows if name in row.metrics], sites, left, top)
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    name: str, rows: Sequence[SiteRound], sites: Sequence[str], left: int, top: int
) -> list[str]:
    values = [row.metrics[name] for row in rows]
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    first, last = min(row.round for row in rows), max(row.round for row in rows)

    def place(row: SiteRound) -> tuple[float, float]:
        x = left + _WIDE * (row.round - first) / max(1, last - first)
        return x, top + _HIGH * (1 - (row.metrics[name] - low) / (high - low))

    parts = [
        f'<text x="{left}" y="{top - 8}" font-weight="bold">{escape(name)}</text>',
        f'<path d="M{left} {top}V{top + _HIGH}H{left + _WIDE}" fill="none" stroke="#888"/>',
        f'<text x="{left - 6}" y="{top + 5}" text-anchor="end">{high:.3g}</text>',
        f'<text x="{left - 6}" y="{top + _HIGH}" text-anchor="end">{low:.3g}</text>',
        f'<text x="{left}" y="{top + _HIGH + 16}">round {first}</text>',
        f'<text x="{left + _WIDE}" y="{top + _HIGH + 16}" text-anchor="end">{last}</text>',
    ]
    for number, site in enumerate(sites):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [place(row) for row in rows if row.site == site]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return parts
