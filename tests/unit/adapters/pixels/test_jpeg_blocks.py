"""Blocks of a JPEG are blanked; all others keep every coefficient."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tessera.adapters.pixels.blanking import blank_jpeg
from tessera.adapters.pixels.jpeg_blocks import blanked, mcus_of
from tessera.adapters.pixels.jpeg_scan import parse_jpeg
from tessera.domain.deid.pixels.findings import Box
from tessera.ports.pixel_codec import NotDecoded
from tests.burned_in import anatomy, jpeg, with_text

BOXES = [Box(8, 8, 150, 24), Box(20, 150, 60, 20), Box(300, 180, 33, 21)]


def picture(colour: bool) -> np.ndarray:
    ink = (255, 255, 0) if colour else 255
    return with_text(anatomy(201, 333), [(10, 10, "Lindqvist, Karin", 16)], ink)


@pytest.mark.parametrize(
    "options",
    [
        {"colour": False},
        {"colour": False, "restart_marker_rows": 1},
        {"colour": True, "subsampling": 0},
        {"colour": True, "subsampling": 1},
        {"colour": True, "subsampling": 2},
        {"colour": True, "subsampling": 2, "restart_marker_blocks": 7},
        {"colour": True, "subsampling": 2, "optimize": True},
    ],
)
def test_only_the_blocks_under_a_box_change(options: dict[str, object], tmp_path: Path) -> None:
    jpeglib = pytest.importorskip("jpeglib")
    stream = jpeg(picture(bool(options.pop("colour"))), **options)
    scan = parse_jpeg(stream)
    mcus = {m for box in BOXES for m in mcus_of(scan, box)}
    flat = dict.fromkeys(mcus, (90, 120, 130)[: len(scan.components)])
    new = blanked(scan, flat)
    planes = []
    for name, data in (("old", stream), ("new", new)):
        (tmp_path / name).write_bytes(data)
        planes.append(jpeglib.read_dct(str(tmp_path / name)))
        planes[-1].load()
    for plane, part in zip(("Y", "Cb", "Cr"), scan.components, strict=False):
        old, now = (getattr(which, plane) for which in planes)
        changed = (old != now).any(axis=(2, 3))
        under = np.zeros_like(changed)
        for m in mcus:
            y, x = divmod(m, scan.mcus_across)
            under[y * part.down : (y + 1) * part.down, x * part.across : (x + 1) * part.across] = (
                True
            )
        assert not (changed & ~under).any()
        assert (now[under].reshape(-1, 64)[:, 1:] == 0).all()
    if len(scan.components) == 1:
        assert (np.array(Image.open(BytesIO(new)))[10:24, 10:100] == 90).all()


def test_nothing_but_the_scan_is_written_anew() -> None:
    stream = jpeg(picture(True))
    scan = parse_jpeg(stream)
    assert scan.put_together(list(scan.intervals)) == stream
    assert blanked(scan, {}) == stream


def test_what_is_not_one_sequential_scan_is_refused() -> None:
    with pytest.raises(NotDecoded):
        parse_jpeg(jpeg(picture(True), progressive=True))
    stream = jpeg(picture(False))
    for broken in (b"", b"\xff\xd8", stream[:300], stream[: len(stream) // 2]):
        with pytest.raises(NotDecoded):
            blank_jpeg(broken, picture(False), BOXES)


def test_a_header_of_another_size_is_refused() -> None:
    with pytest.raises(NotDecoded):
        blank_jpeg(jpeg(picture(False)), picture(False)[:100], BOXES)
