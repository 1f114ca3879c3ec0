"""Pictures of nothing with text burned in as machines do, and where it stands."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FONTS = (
    Path("/usr/share/fonts/truetype/dejavu"),
    Path("/usr/share/fonts/dejavu"),
    Path("/usr/share/fonts/TTF"),
)


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> Any:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    for folder in _FONTS:
        if (folder / name).is_file():
            return ImageFont.truetype(str(folder / name), size)
    return ImageFont.load_default(size)


@dataclass
class Picture:
    """Grey or colour values of one frame, 0 to 1, and the text in it."""

    rows: int
    columns: int
    colour: bool
    rng: Random
    values: Any = None
    boxes: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        y, x = np.mgrid[0 : self.rows, 0 : self.columns]
        body = np.zeros((self.rows, self.columns))
        for _ in range(6):
            centre_y = self.rows * self.rng.uniform(0.35, 0.75)
            centre_x = self.columns * self.rng.uniform(0.3, 0.7)
            wide = self.columns * self.rng.uniform(0.06, 0.25)
            tall = self.rows * self.rng.uniform(0.06, 0.22)
            inside = ((y - centre_y) / tall) ** 2 + ((x - centre_x) / wide) ** 2 < 1
            body += inside * self.rng.uniform(0.05, 0.2)
        texture = np.random.default_rng(self.rng.randrange(1 << 30)).normal(0, 0.01, body.shape)
        grey = np.clip(body + texture * (body > 0), 0, 0.75)
        self.values = np.repeat(grey[..., None], 3, 2) if self.colour else grey

    def write(
        self, text: str, x: int, y: int, size: int, *, harmless: bool = False,
        bold: bool = False, ink: tuple[float, float, float] = (1, 1, 1), kind: str = "",
    ) -> None:  # fmt: skip
        """Draw a line of text; x or y below 0 count from the right or the bottom."""
        font = _font(size, bold)
        left, top, right, bottom = font.getbbox(text)
        wide, tall = int(right - left), int(bottom - top)
        x = x if x >= 0 else self.columns + x - wide
        y = y if y >= 0 else self.rows + y - tall
        sheet = Image.new("L", (self.columns, self.rows), 0)
        ImageDraw.Draw(sheet).text((x - left, y - top), text, fill=255, font=font)
        cover = np.asarray(sheet, float) / 255
        if self.colour:
            cover = cover[..., None]
            self.values = self.values * (1 - cover) + cover * np.array(ink)
        else:
            self.values = self.values * (1 - cover) + cover * ink[0]
        wide, tall = min(wide, self.columns - x), min(tall, self.rows - y)
        self.boxes.append(
            {
                "frame": 0, "x": x, "y": y, "width": wide, "height": tall, "text": text,
                "harmless": harmless, "kind": kind,
            }
        )  # fmt: skip

    def bar(self, top: int, height: int, grey: float) -> None:
        self.values[top : top + height] = grey
