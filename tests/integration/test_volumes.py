"""Whole slides and enhanced multi-frame objects on the whole way into the research zone."""

from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array

from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.deid.pixels.places import PROBED_TILES, probed_tiles
from tessera.domain.imaging.header import Header
from tessera.ports.ledger import State
from tests.labels_trial import ACROSS, DOWN, KINDS, STEP, N, make_node
from tests.slide_files import JPEG, SLIDE, label_picture, slide, tissue


def node_with(home: Path, files: dict[str, bytes]) -> Node:
    node = init_node(home, NodeSettings(name="Linköping", country="SE"))
    pacs = home.parent / "pacs"
    pacs.mkdir()
    for name, content in files.items():
        (pacs / name).write_bytes(content)
    assert all(ingest_sources(node, list_sources([pacs]), workers=1))
    return node


def test_an_enhanced_object_is_indexed_with_what_its_frames_share(tmp_path: Path) -> None:
    node, _ = make_node(tmp_path / "home", ("enhanced",))
    [row] = node.index.all()
    assert (row.frames, row.spacing_mm, row.slice_thickness_mm) == (N, (DOWN, ACROSS), STEP)
    assert row.orientation == pytest.approx((*KINDS["enhanced"].row, *KINDS["enhanced"].column))
    ds = dcmread(node.store.path(row.path))
    assert len(ds.PerFrameFunctionalGroupsSequence) == N
    frames = ds.PerFrameFunctionalGroupsSequence
    assert [f.FrameContentSequence[0].InStackPositionNumber for f in frames] == [*range(1, N + 1)]
    assert ds.DimensionIndexSequence[0].DimensionOrganizationUID.startswith("2.25.")


def test_a_slide_is_held_until_its_pixels_are_read_and_its_label_for_a_person(
    tmp_path: Path,
) -> None:
    pytest.importorskip("rapidocr")
    from tessera.bootstrap.pixels import clean_held_pixels

    tiles = [tissue(seed) for seed in range(6)]
    node = node_with(
        tmp_path / "home",
        {
            "full": slide("VOLUME", tiles, number=1),
            "sparse": slide("VOLUME", tiles, number=2, sparse=True),
            "label": slide("LABEL", [label_picture("Ek, Åsa")], number=3),
            "overview": slide("OVERVIEW", [label_picture("19121212-1212")], number=4),
        },
    )
    assert node.ledger.counts() == {(State.HELD, "pixels"): 4}
    _, looked = clean_held_pixels(node, workers=1)
    states = {Path(entry.source.path).name: (entry.state, entry.reason) for entry in looked}
    assert states["full"][0] == states["sparse"][0] == State.STORED
    assert states["label"][0] == states["overview"][0] == State.HELD
    rows = sorted(node.index.all(), key=lambda row: row.instance_number or 0)
    assert [(r.frames, r.rows, r.transfer_syntax_uid) for r in rows] == [(6, 128, JPEG)] * 2
    assert rows[0].spacing_mm == (0.0005, 0.00025)
    stored = dcmread(node.store.path(rows[1].path))
    places = [
        f.PlanePositionSlideSequence[0].ColumnPositionInTotalImagePixelMatrix
        for f in stored.PerFrameFunctionalGroupsSequence
    ]
    assert places == [1 + 128 * index for index in range(6)]
    before = dcmread(tmp_path / "pacs" / "sparse")
    assert stored.PixelData == before.PixelData
    assert b"19121212" not in node.store.path(rows[1].path).read_bytes()


def test_tiles_of_a_large_slide_are_probed_and_all_read_when_one_has_a_name() -> None:
    volume = header("ORIGINAL\\PRIMARY\\VOLUME\\NONE")
    some = probed_tiles(volume, 10_000)
    assert (len(some), some[0], some[-1]) == (PROBED_TILES, 0, 9_999)
    assert max(b - a for a, b in pairwise(some)) < 170
    assert len(probed_tiles(volume, 60)) == 60
    for other in (
        header("ORIGINAL\\PRIMARY\\LABEL\\NONE"),
        header("ORIGINAL\\PRIMARY\\VOLUME\\NONE", label="YES"),
        header("ORIGINAL\\PRIMARY\\VOLUME\\NONE", sop_class="1.2.840.10008.5.1.4.1.1.7.4"),
        header("VOLUME"),
    ):
        assert len(probed_tiles(other, 10_000)) == 10_000


def header(image_type: str, *, label: str = "NO", sop_class: str = SLIDE) -> Header:
    told = {0x00080008: image_type, 0x00080016: sop_class, 0x00080060: "SM", 0x00480010: label}
    return Header({tag: text.encode() for tag, text in told.items()})


@pytest.mark.slow
def test_a_name_in_one_probed_tile_is_blanked_in_every_tile_that_has_it(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    from tessera.bootstrap.pixels import clean_held_pixels

    tiles = [tissue(seed % 4) for seed in range(70)]
    for index in (0, 33):
        tiles[index] = Image.new("RGB", (128, 128), (250, 250, 250))
        ImageDraw.Draw(tiles[index]).text((6, 40), "Ek Asa", fill=(0, 0, 0), font_size=30)
    assert 0 in probed_tiles(header("A\\B\\VOLUME\\NONE"), 70)
    node = node_with(tmp_path / "home", {"full": slide("VOLUME", tiles)})
    [entry] = clean_held_pixels(node, workers=1)[1]
    assert entry.state is State.STORED
    [row] = node.index.all()
    pixels = pixel_array(node.store.path(row.path))
    assert all(pixels[index].std() < 20 for index in (0, 33))
    assert all(pixels[index].std() > 30 for index in (1, 32, 34, 69))
