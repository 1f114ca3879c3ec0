"""The tables of the pixel rules that the package carries."""

from functools import lru_cache
from importlib.resources import files

from tessera.domain.deid.pixels.marks import HarmlessMarks, parse_marks
from tessera.domain.deid.pixels.places import Band, parse_bands

_DATA = files("tessera.domain.deid") / "data"


@lru_cache(1)
def harmless_marks() -> HarmlessMarks:
    """Return the closed list of marks that name nobody."""
    return parse_marks((_DATA / "harmless_marks.txt").read_text(encoding="utf-8"))


@lru_cache(1)
def known_bands() -> tuple[Band, ...]:
    """Return where devices of a kind write."""
    return parse_bands((_DATA / "pixel_layouts.csv").read_text(encoding="utf-8"))
