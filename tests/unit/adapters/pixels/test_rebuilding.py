"""Sources with other bytes, high bits, native patches and offset tables."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tessera.adapters.pixels.codec import Frames, native_frame
from tessera.adapters.pixels.opened import opened_instance
from tessera.adapters.pixels.patched import JoinedSource, PatchedSource, Scratch
from tessera.adapters.pixels.rewriting import Rewriting, without_other_bits
from tessera.adapters.pixels.views import palette_of, stored_values, views
from tessera.domain.deid.pixels.findings import Box
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import BytesSource
from tessera.ports.pixel_codec import NotDecoded
from tests.burned_in import EXPLICIT, anatomy, instance, opened, pixels_of, read_back

RLE = "1.2.840.10008.1.2.5"
BOX = Box(11, 5, 30, 9)


def rewritten(data: bytes, boxes: dict[int, list[Box]]) -> tuple[Dataset, bool]:
    source, meta = opened(data)
    it = opened_instance(source, meta)
    assert it.structure is not None
    new, new_meta = Rewriting(it, it.structure, Frames()).written(boxes, lambda *_: None)
    return read_back(new, new_meta), new is source


def test_patches_and_joins_read_as_one_whole() -> None:
    base = BytesSource(bytes(range(100)))
    patched = PatchedSource(base, [(10, b"abc"), (50, b"xy")])
    want = bytearray(range(100))
    want[10:13], want[50:52] = b"abc", b"xy"
    joined = JoinedSource([(patched, 5, 60), (base, 0, 5), (patched, 65, 35)])
    whole = bytes(want[5:65]) + bytes(range(5)) + bytes(want[65:])
    for source, expected in ((patched, bytes(want)), (joined, whole)):
        assert source.size == 100
        for offset in range(0, 100, 7):
            for length in (0, 1, 3, 40, 200):
                assert source.read(offset, length) == expected[offset : offset + length]
    scratch = Scratch()
    places = [scratch.add(part) for part in (b"one", b"", b"three")]
    assert [scratch.read(*place) for place in places] == [b"one", b"", b"three"]


def test_only_the_touched_bytes_of_native_pixels_change() -> None:
    picture = anatomy(40, 60)
    for pixels, photometric in ((picture, "MONOCHROME2"), (np.stack([picture] * 3, -1), "RGB")):
        data = instance(pixels, photometric=photometric)
        ds, same = rewritten(data, {0: [BOX]})
        differs = ds.pixel_array != pixels
        assert not same
        outside = np.ones(picture.shape, bool)
        outside[5:14, 11:41] = False
        assert not differs[outside].any()
        assert np.unique(ds.pixel_array[5:14, 11:41].reshape(9 * 30, -1), axis=0).shape[0] == 1


@pytest.mark.parametrize("planar", [0, 1])
def test_planes_and_halved_chroma_are_patched_where_they_lie(planar: int) -> None:
    more = Dataset()
    more.PlanarConfiguration = planar
    colour = np.stack([anatomy(40, 60, seed=s) for s in (1, 2, 3)], -1)
    stored = np.ascontiguousarray(colour.transpose(2, 0, 1)) if planar else colour
    data = bytearray(instance(colour, photometric="RGB", more=more))
    at = data.rfind(b"\xe0\x7f\x10\x00") + 12
    data[at : at + colour.size] = stored.tobytes()
    ds, _ = rewritten(bytes(data), {0: [BOX]})
    differs = (ds.pixel_array != colour).any(axis=2)
    assert differs[5:14, 11:41].mean() > 0.9
    assert not differs[14:].any() and not differs[:, :11].any()


def test_halved_chroma_keeps_its_pairs() -> None:
    random = np.random.default_rng(2)
    quads = random.integers(0, 255, (40, 30, 4), dtype=np.uint8)
    data = bytearray(instance(np.zeros((40, 60, 3), np.uint8), photometric="YBR_FULL_422"))
    # The test writer knows no halved chroma: the value is cut to the length it has then.
    at = data.rfind(b"\xe0\x7f\x10\x00")
    data = data[: at + 8] + (4800).to_bytes(4, "little") + quads.tobytes()
    source, meta = opened(bytes(data))
    it = opened_instance(source, meta)
    assert it.structure is not None
    old, _ = native_frame(quads.tobytes(), it.structure)
    new, new_meta = Rewriting(it, it.structure, Frames()).written({0: [BOX]}, lambda *_: None)
    again = opened_instance(new, new_meta)
    assert again.structure is not None
    values, _ = Frames().decode(new, again.structure, 0)
    differs = (values != old).any(axis=2)
    assert differs[5:14, 12:40].all()
    assert not differs[14:].any() and not differs[:, :10].any() and not differs[:, 42:].any()


def test_bits_that_hold_no_pixel_are_cleared_and_signs_are_left() -> None:
    values = (anatomy(40, 60).astype(np.uint16)) * 16
    hidden = values.copy()
    hidden[3:9, 4:30] |= 0x8000
    ds, same = rewritten(instance(hidden, stored=12), {})
    assert not same
    assert (ds.pixel_array == values).all()
    ds, same = rewritten(instance(values, stored=12), {})
    assert same
    signed = (anatomy(40, 60).astype(np.int16) - 60) * 8
    _, same = rewritten(instance(signed, stored=12), {})
    assert same
    cut = (signed.view(np.uint16) & 0x0FFF).view(np.int16)
    source, meta = opened(instance(cut, stored=12))
    structure = opened_instance(source, meta).structure
    assert structure is not None
    assert without_other_bits(cut, structure) is cut
    assert (stored_values(cut, structure) == signed).all()


def test_overlays_icons_and_extremes_are_put_right() -> None:
    more = Dataset()
    more.SmallestImagePixelValue, more.LargestImagePixelValue = 0, 255
    more.add_new(0x60000010, "US", 8)
    more.add_new(0x60003000, "OW", bytes(8))
    icon = Dataset()
    icon.Rows = 2
    more.IconImageSequence = [icon]
    pixels = np.minimum(anatomy(40, 60), 200)
    pixels[6, 20] = 255
    ds, _ = rewritten(instance(pixels, more=more), {0: [BOX]})
    assert 0x60003000 not in ds and "IconImageSequence" not in ds
    assert ds["LargestImagePixelValue"].value == int(ds.pixel_array.max()) < 255
    assert ds.PatientName == "Lindqvist^Karin"


def test_only_changed_frames_are_encoded_and_the_offset_table_fits() -> None:
    frames = np.stack([anatomy(41, 61, seed=s) for s in range(5)])
    data = instance(frames, frames=5, syntax=RLE)
    source, meta = opened(data)
    it = opened_instance(source, meta)
    assert it.structure is not None
    new, new_meta = Rewriting(it, it.structure, Frames()).written({3: [BOX]}, lambda *_: None)
    after = opened_instance(new, new_meta)
    assert after.structure is not None
    for number in range(5):
        old_stream = source.read(*it.structure.fragments[number][0])
        new_stream = new.read(*after.structure.fragments[number][0])
        assert (old_stream == new_stream) == (number != 3)
    table = new.read(after.structure.value[0] + 8, 20)
    starts = [int.from_bytes(table[i : i + 4], "little") for i in range(0, 20, 4)]
    first = after.structure.fragments[0][0][0] - 8
    assert starts == [f[0][0] - 8 - first for f in after.structure.fragments]
    assert (read_back(new, new_meta).pixel_array != frames).sum(axis=(1, 2)).astype(
        bool
    ).tolist() == [False, False, False, True, False]


def test_an_extended_offset_table_is_made_anew() -> None:
    frames = np.stack([anatomy(40, 60, seed=s) for s in range(3)])
    source, meta = opened(instance(frames, frames=3, syntax=RLE))
    it = opened_instance(source, meta)
    assert it.structure is not None
    extended = replace(it.structure, extended_offsets=True)
    new, new_meta = Rewriting(it, extended, Frames()).written({1: [BOX]}, lambda *_: None)
    ds = read_back(new, new_meta)
    again = opened_instance(new, new_meta).structure
    assert again is not None and again.extended_offsets
    lengths = np.frombuffer(ds[0x7FE00002].value, "<u8").tolist()
    assert lengths == [f[0][1] for f in again.fragments]
    assert ds.pixel_array.shape == frames.shape


def test_a_syntax_that_cannot_be_written_becomes_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = anatomy(40, 60)
    data = instance(pixels, syntax=RLE)
    monkeypatch.setattr(Frames, "can_encode", lambda self, uid: False)
    ds, _ = rewritten(data, {0: [BOX]})
    assert ds.file_meta.TransferSyntaxUID == EXPLICIT
    assert (ds.pixel_array != pixels).sum() > 200
    assert (ds.pixel_array[20:] == pixels[20:]).all()


def test_a_palette_is_seen_in_its_colours() -> None:
    more = Dataset()
    for channel, name in enumerate(("Red", "Green", "Blue")):
        entries = np.zeros(256, np.uint16)
        entries[1] = 65535 if channel == 0 else 0
        setattr(more, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(more, f"{name}PaletteColorLookupTableData", entries.tobytes())
    indices = np.zeros((40, 60), np.uint8)
    indices[5, 5] = 1
    source, meta = opened(instance(indices, photometric="PALETTE COLOR", more=more))
    it = opened_instance(source, meta)
    assert it.structure is not None
    palette = palette_of(it.header)
    seen = views(indices, "PALETTE COLOR", it.structure, palette)[0]
    assert seen[5, 5].tolist() == [255, 0, 0] and seen[0, 0].tolist() == [0, 0, 0]


def test_pixels_that_contradict_their_description_are_refused() -> None:
    data = instance(anatomy(40, 60))
    at = data.find(b"\x28\x00\x10\x00US\x02\x00") + 8
    for rows in (0, 4000):
        with pytest.raises(InvalidDicom):
            rewritten(data[:at] + rows.to_bytes(2, "little") + data[at + 2 :], {0: [BOX]})
    assert pixels_of(data).shape == (40, 60)


def test_a_lossless_jpeg_of_another_size_never_reaches_its_decoder() -> None:
    source, meta = opened(instance(anatomy(40, 60)))
    structure = opened_instance(source, meta).structure
    assert structure is not None
    claims = replace(structure, transfer_syntax_uid="1.2.840.10008.1.2.4.70")
    frame = b"\xff\xc3\x00\x0b\x08" + b"\x7f\xff" * 2 + b"\x01\x01\x11\x00"
    for stream in (b"", b"\xff\xd8", b"\xff\xd8" + frame + bytes(40), b"\xff\xd8\xff" * 9):
        with pytest.raises(NotDecoded, match="contradict"):
            Frames().decode_stream(stream, claims)
