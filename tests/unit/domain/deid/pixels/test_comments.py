"""What stands beside compressed pixels is blotted out; the pixels and all lengths stay."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate

from tessera.domain.deid.pixels.comments import blots, without_comments
from tessera.domain.imaging.encoding import BytesSource
from tests.burned_in import J2K, JPEG, JPEG_LS, anatomy, instance

NAME = b"Lindqvist^Karin 19640823-3234"
PICTURE = anatomy(96, 128)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _frame(syntax: str) -> bytes:
    file = dcmread(BytesIO(instance(PICTURE, syntax=syntax)))
    value = file.PixelData
    at = value.index(b"\xff\x4f" if syntax == J2K else b"\xff\xd8")
    end = value.rindex(b"\xff\xd9") + 2
    return bytes(value[at:end])


def _after_first(frame: bytes, *segments: bytes) -> bytes:
    """Put segments behind SOI, or behind SIZ, which must come first in JPEG 2000."""
    at = 2 if frame[:2] == b"\xff\xd8" else 4 + int.from_bytes(frame[4:6], "big")
    return frame[:at] + b"".join(segments) + frame[at:]


def _blotted(frames: list[bytes], syntax: str) -> bytes:
    value = encapsulate(frames)
    free = without_comments(BytesSource(value), (0, len(value)), syntax)
    assert free.size == len(value)
    # read in odd pieces: the result must not depend on how it is read
    return b"".join(free.read(at, 977) for at in range(0, len(value), 977))


@pytest.mark.parametrize("syntax", [JPEG, JPEG_LS])
def test_comments_and_application_segments_of_jpeg_go(syntax: str) -> None:
    exif = b"Exif\0\0" + NAME * 400  # beyond the first 4,096 bytes
    late = _segment(0xFE, NAME)
    frame = _after_first(_frame(syntax), _segment(0xE1, exif), _segment(0xED, NAME), late)
    out = _blotted([frame, frame], syntax)
    assert b"Karin" not in out
    assert b"19640823" not in out
    plain = encapsulate([frame, frame])
    coded = plain.index(b"\xff\xda")
    assert out[: plain.index(exif)] == plain[: plain.index(exif)]
    assert out[coded : plain.index(exif, coded)] == plain[coded : plain.index(exif, coded)]


def test_comments_of_jpeg_2000_go_also_in_a_tile_part() -> None:
    frame = _frame(J2K)
    comment = b"\xff\x64" + (len(NAME) + 4).to_bytes(2, "big") + b"\0\1" + NAME
    frame = _after_first(frame, comment)
    at = frame.index(b"\xff\x90")
    size = int.from_bytes(frame[at + 6 : at + 10], "big")
    longer = (size + len(comment)).to_bytes(4, "big") if size else bytes(4)
    frame = frame[: at + 6] + longer + frame[at + 10 : at + 12] + comment + frame[at + 12 :]
    assert frame.count(NAME) == 2
    out = _blotted([frame], J2K)
    assert b"Lindqvist" not in out
    assert out.count(b" " * len(NAME)) == 2
    start, stop = out.index(b"\xff\x4f"), out.rindex(b"\xff\xd9") + 2
    seen = np.asarray(Image.open(BytesIO(out[start:stop])))
    assert np.array_equal(seen, PICTURE)


def test_pictures_decode_to_the_same_pixels() -> None:
    buffer = BytesIO()
    colour = np.stack([PICTURE, PICTURE[::-1], PICTURE], axis=-1)
    exif = Image.Exif()
    exif[0x010E] = NAME.decode()
    Image.fromarray(colour).save(buffer, "JPEG", exif=exif, comment=NAME, quality=90)
    frame = buffer.getvalue()
    assert frame.count(b"Karin") == 2
    out = _blotted([frame], JPEG)
    assert b"Karin" not in out
    start = out.index(b"\xff\xd8")
    again = np.asarray(Image.open(BytesIO(out[start:])))
    assert np.array_equal(again, np.asarray(Image.open(BytesIO(frame))))


def test_what_says_how_samples_are_meant_stays() -> None:
    adobe, jfif = b"Adobe\0\x64\0\0\0\0\1", b"JFIF\0\1\1\1\0\x48\0\x48\0\0"
    mark = b"Created by OpenJPEG version 2.5.0"
    segments = (_segment(0xE0, jfif), _segment(0xEE, adobe), _segment(0xE8, b"mrfx\2"))
    value = encapsulate([_after_first(_frame(JPEG), *segments, _segment(0xFE, mark))])
    assert blots(BytesSource(value), (0, len(value)), JPEG) == []


def test_a_thumbnail_goes_and_a_name_behind_an_encoders_mark() -> None:
    thumbnail = b"JFIF\0\1\1\1\0\x48\0\x48\2\2" + b"SECRETPIXELS"
    mark = b"Created by OpenJPEG version 2.5.0 " + NAME
    frame = _after_first(_frame(JPEG), _segment(0xE0, thumbnail), _segment(0xFE, mark))
    out = _blotted([frame], JPEG)
    assert b"SECRET" not in out
    assert NAME not in out
    assert b"JFIF\0\1\1\1\0\x48\0\x48\2\2" in out


def test_what_stands_behind_the_image_goes() -> None:
    thumbnail = b"\xff\xd8\xff\xda thumbnail \xff\xd9"
    frame = _after_first(_frame(JPEG), _segment(0xE1, thumbnail)) + b"\xff\xd8" + NAME
    out = _blotted([frame], JPEG)
    assert NAME not in out
    assert _frame(JPEG)[-800:] in out


def test_boxes_beside_a_picture_become_free() -> None:
    stream = _after_first(
        _frame(J2K), b"\xff\x64" + (len(NAME) + 4).to_bytes(2, "big") + b"\0\1" + NAME
    )
    buffer = BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG2000")
    boxed = buffer.getvalue()
    at = boxed.index(b"jp2c") - 4
    assert boxed[at + 8 : at + 10] == b"\xff\x4f"
    xml = (8 + len(NAME)).to_bytes(4, "big") + b"xml " + NAME
    size = (8 + len(stream)).to_bytes(4, "big")
    frame = boxed[:at] + xml + size + b"jp2c" + stream
    out = _blotted([frame], J2K)
    assert NAME not in out
    start = out.index(b"\0\0\0\x0cjP  ")
    assert np.array_equal(np.asarray(Image.open(BytesIO(out[start:]))), PICTURE)
    value = (0, len(out))
    assert blots(BytesSource(out), value, J2K) == []  # nothing is left to do


def test_other_syntaxes_and_damaged_frames_are_left_alone() -> None:
    value = encapsulate([_after_first(_frame(JPEG), _segment(0xFE, NAME))])
    whole = (0, len(value))
    assert blots(BytesSource(value), whole, "1.2.840.10008.1.2.5") == []
    assert blots(BytesSource(value), whole, "1.2.840.10008.1.2.4.102") == []
    random = np.random.default_rng(7)
    for _ in range(300):
        broken = bytearray(value)
        for at in random.integers(8, len(value), 4):
            broken[at] = random.integers(256)
        source = BytesSource(bytes(broken))
        for offset, patch in blots(source, whole, JPEG):
            assert 0 <= offset <= offset + len(patch) <= len(value)


def test_nothing_of_the_pixels_is_read() -> None:
    class Counting(BytesSource):
        n_read = 0

        def read(self, offset: int, length: int) -> bytes:
            self.n_read += length
            return super().read(offset, length)

    value = encapsulate([_frame(JPEG)[:-2] + b"\x55" * 3_000_000 + b"\xff\xd9"])
    source = Counting(value)
    assert blots(source, (0, len(value)), JPEG) == []
    assert source.n_read < 10_000
