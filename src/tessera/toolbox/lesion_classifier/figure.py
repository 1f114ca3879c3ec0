"""Figures as SVG, written by hand: no library, no script, one file."""

from collections.abc import Sequence
from html import escape

_SIDE, _LEFT, _TOP = 300, 60, 40


def roc(curve: Sequence[tuple[float, float]], title: str) -> str:
    """Return the ROC curve: points are (1 - specificity, sensitivity), 0 to 1."""
    points = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in curve)
    ticks = "".join(
        f'<text x="{_x(t):.1f}" y="{_y(0) + 18:.1f}" text-anchor="middle">{t:g}</text>'
        f'<text x="{_LEFT - 8}" y="{_y(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        for t in (0.0, 0.5, 1.0)
    )
    width, height = _LEFT + _SIDE + 20, _TOP + _SIDE + 50
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12" role="img">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{_LEFT}" y="24" font-size="14">{escape(title)}</text>'
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#888"/>'
        f'<path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{points}" fill="none" stroke="#0b5cad" stroke-width="2"/>'
        f"{ticks}"
        f'<text x="{_x(0.5)}" y="{height - 10}" text-anchor="middle">1 − specificity</text>'
        f'<text x="18" y="{_y(0.5)}" text-anchor="middle" transform="rotate(-90 18 {_y(0.5)})">'
        "sensitivity</text></svg>\n"
    )


def _x(share: float) -> float:
    return _LEFT + share * _SIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE
