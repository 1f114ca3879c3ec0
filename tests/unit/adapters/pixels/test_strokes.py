"""Letters have strokes; the edges of organs and bones have none."""

import cv2
import numpy as np
import pytest

from tessera.adapters.pixels.blanking import blank_jpeg
from tessera.adapters.pixels.codec import Frames
from tessera.adapters.pixels.opened import opened_instance
from tessera.adapters.pixels.strokes import has_strokes
from tessera.domain.deid.pixels.findings import Box
from tests.burned_in import JPEG, anatomy, instance, jpeg, opened, with_text


@pytest.mark.parametrize("text", ["Ek", "Bo Ek", "19", "Ng"])
@pytest.mark.parametrize("size", [9, 14, 40])
@pytest.mark.parametrize("place", [(8, 8), (150, 120)])
def test_short_text_has_strokes(text: str, size: int, place: tuple[int, int]) -> None:
    picture = with_text(anatomy(240, 384), [(*place, text, size)])
    box = Box(*place, round(0.62 * size * len(text)), round(1.3 * size)).grown(3, 240, 384)
    assert has_strokes(picture, box)


def test_turned_and_dark_letters_have_strokes() -> None:
    white = np.full((200, 200), 250, np.uint8)
    dark = with_text(white, [(20, 20, "Ek Bo", 14)], ink=20)
    box = Box(18, 20, 46, 18)
    assert has_strokes(dark, box)
    turned = np.ascontiguousarray(np.rot90(dark))
    assert has_strokes(turned, Box(20, 200 - 18 - 46, 18, 46))


def test_grain_and_crossing_edges_have_none() -> None:
    picture = anatomy(240, 384)
    assert not has_strokes(picture, Box(100, 100, 60, 20))
    organs = np.full((200, 200), 20, np.uint8)
    for middle, level in (((60, 60), 70), ((110, 90), 95), ((80, 140), 60)):
        cv2.circle(organs, middle, 50, level, -1)
    for y in range(10, 170, 20):
        assert not has_strokes(organs, Box(40, y, 60, 24))


def test_what_is_beside_is_not_counted_twice() -> None:
    picture = with_text(anatomy(240, 384), [(20, 20, "Karin Lindqvist", 14)])
    below = Box(20, 30, 110, 20)
    assert has_strokes(picture, below)
    assert not has_strokes(picture, below, [Box(16, 18, 124, 22)])
    assert not has_strokes(picture, below, [below])


def test_a_block_of_jpeg_that_holds_no_ink_stays() -> None:
    picture = with_text(np.full((96, 160, 3), 30, np.uint8), [(8, 36, "Karin", 12)])
    stream = jpeg(picture)
    source, meta = opened(instance(picture, syntax=JPEG, photometric="YBR_FULL_422"))
    structure = opened_instance(source, meta).structure
    assert structure is not None
    old, _ = Frames().decode_stream(stream, structure)
    box = Box(6, 34, 60, 18)  # letters end at 40; blocks of 16 would go up to 80
    new, _ = Frames().decode_stream(blank_jpeg(stream, old, [box]), structure)
    differs = np.flatnonzero((old != new).any(axis=(0, 2)))
    assert differs.max() < 64
    assert int(np.ptp(new[34:52, 6:48, 0])) <= 2  # the letters are gone


def test_faint_text_takes_every_block_it_touches() -> None:
    picture = with_text(
        np.full((96, 160, 3), 230, np.uint8), [(8, 36, "Karin", 12)], (245, 245, 245)
    )
    stream = jpeg(picture)
    source, meta = opened(instance(picture, syntax=JPEG, photometric="YBR_FULL_422"))
    structure = opened_instance(source, meta).structure
    assert structure is not None
    old, _ = Frames().decode_stream(stream, structure)
    new, _ = Frames().decode_stream(blank_jpeg(stream, old, [Box(6, 34, 40, 18)]), structure)
    assert int(np.ptp(new[34:52, 6:44, 0])) <= 2
