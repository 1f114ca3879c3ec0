"""Text in pixels, with the box it fills. Pillow's own typeface, or its letters of whole pixels.

Both come with the package, so that the same seed gives the same pixels.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from tessera.phantom.hiding.key import Box

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Ink = npt.NDArray[np.float64]


def burn(
    pixels: Pixels,
    text: str,
    *,
    at: tuple[int, int],
    size: int,
    level: tuple[float, ...] | float,
    bitmap: bool = False,
    frame: int = 0,
    harmless: bool = False,
) -> Box:
    """Write `text` into one frame at (x, y), `size` pixels high; return the box it fills.

    Args:
        pixels: (row, column) or (row, column, sample); changed in place.
        at: left and top of the text; what would be cut off at the right moves to the left.
        size: height of the typeface in pixels, about 9 to 28; less where the text is too long.
        level: stored value of the ink; one per sample for colour.
        bitmap: letters of whole pixels as older machines draw, instead of a smooth typeface.
        frame: number of the frame, for the box.
        harmless: the text names nobody and must stay.
    """
    wide = (pixels.shape[0], 4 * pixels.shape[1])
    for smaller in range(size - 7):
        ink = (_bitmap if bitmap else _letters)(wide, text, at, size - smaller)
        rows, columns = np.nonzero(ink > 0.2)
        if not rows.size or rows.max() >= pixels.shape[0] - 1:
            raise ValueError("the text lies outside the picture")
        if int(columns.max() - columns.min()) + 4 <= pixels.shape[1]:
            break
    beyond = max(0, int(columns.max()) + 3 - pixels.shape[1])
    ink, columns = ink[:, beyond : beyond + pixels.shape[1]], columns - beyond
    shade = ink[..., None] if pixels.ndim == 3 else ink
    target = np.asarray(level, dtype=np.float64)
    pixels[:] = np.rint(pixels + (target - pixels) * shade).astype(pixels.dtype)
    x, y = int(columns.min()), int(rows.min())
    return Box(frame, x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1, text, harmless)


def ink_of(
    shape: tuple[int, int], text: str, *, at: tuple[int, int], size: int
) -> npt.NDArray[np.bool_]:
    """The pixels (row, column) that `text` covers, as true and false; for overlays."""
    canvas = np.zeros(shape, np.uint8)
    burn(canvas, text, at=at, size=size, level=255.0)
    return canvas > 100


def _letters(shape: tuple[int, ...], text: str, at: tuple[int, int], size: int) -> Ink:
    canvas = Image.new("L", (shape[1], shape[0]))
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(canvas).text(at, text, fill=255, font=font)
    return np.asarray(canvas).astype(np.float64) / 255


def _bitmap(shape: tuple[int, ...], text: str, at: tuple[int, int], size: int) -> Ink:
    """Letters of whole pixels, in steps of eleven pixels of height."""
    font = ImageFont.load_default_imagefont()
    times = max(1, round(size / 11))
    line = Image.new("L", (8 * len(text) + 8, 12))
    ImageDraw.Draw(line).text((0, 0), text, fill=255, font=font)
    letters = np.kron(np.asarray(line), np.ones((times, times), np.uint8))
    canvas = np.zeros(shape[:2], np.float64)
    room = canvas[at[1] :, at[0] :]
    rows, columns = (min(a, b) for a, b in zip(room.shape, letters.shape, strict=True))
    room[:rows, :columns] = letters[:rows, :columns] / 255
    return canvas
