"""The whole pixel stage on pictures with text burned in, read again by an independent pass."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from tessera.adapters.files.rule_files import vocabulary
from tessera.adapters.pixels.documents import text_of_pdf
from tessera.adapters.pixels.pdf_writer import pdf_of_text
from tessera.adapters.pixels.stage import Checked, NeedsReview, PixelStage
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.pixels.findings import Box, Decision
from tessera.domain.deid.pixels.judge import PixelPolicy
from tessera.domain.deid.pixels.proof import value_sha256
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.imaging.encoding import EXPLICIT_LE, FileMeta, Source
from tessera.domain.imaging.header import scan
from tessera.domain.imaging.structure import STRUCTURE_TAGS, pixel_structure
from tessera.domain.zones import Identified
from tests.burned_in import (
    EXPLICIT,
    J2K,
    JPEG,
    JPEG_LS,
    RLE,
    Picture,
    anatomy,
    instance,
    opened,
    pixels_of,
    read_back,
    with_text,
)

pytest.importorskip("rapidocr")
pytest.importorskip("cv2")

PEOPLE = Identities(
    names=frozenset({"Lindqvist^Karin", "Ångström^Åsa^^Dr"}),
    identifiers=frozenset({"19640823-3234"}),
)
ROWS, COLUMNS = 240, 384
NAMING = [(6, 4, "Lindqvist, Karin", 14), (270, 4, "19640823-3234", 12), (150, 130, "KARIN", 15)]
SMALL = [
    (6, 24, "Karin Lindqvist", 9),
    (140, 165, "LINDQVIST, KARIN", 9),
    (6, 226, "2021-03-04 12:30:45", 10),
]
HARMLESS = [(330, 212, "R CC", 16), (320, 60, "MI 1.2", 12), (6, 200, "100 mm", 12)]
SECRETS = ("lindq", "karin", "19640823", "3234", "2021", "12:30")


@pytest.fixture(scope="module")
def reader() -> Iterator[object]:
    from tessera.adapters.rapidocr.reader import RapidTextReader

    yield RapidTextReader()


def cleaner_for(source: Source, meta: FileMeta) -> TextCleaner:
    return TextCleaner(vocabulary(), PEOPLE, days=100)


@pytest.fixture(scope="module")
def stage(reader: object) -> PixelStage:
    return PixelStage(reader, cleaner_for)  # type: ignore[arg-type]


def picture(ink: int | tuple[int, int, int] = 255) -> np.ndarray:
    return with_text(anatomy(ROWS, COLUMNS), NAMING + SMALL + HARMLESS, ink)


def outcome(stage: PixelStage, data: bytes) -> Checked | NeedsReview:
    source, meta = opened(data)
    return stage.clean(Identified(source), meta)


def words(reader: object, pixels: Picture) -> str:
    """Read a picture as a whole at double size, by another way than the stage does."""
    values = pixels.astype(np.float64)
    values = (values - values.min()) / max(1.0, np.ptp(values)) * 255
    image = Image.fromarray(values.astype(np.uint8)).resize((2 * COLUMNS, 2 * ROWS))
    lines = reader.read(np.array(image))  # type: ignore[attr-defined]
    return " | ".join(line.text.lower() for line in lines)


def value_of(source: Source, meta: FileMeta) -> tuple[int, int]:
    structure = pixel_structure(source, meta, scan(source, meta, STRUCTURE_TAGS))
    assert structure is not None
    return structure.value


def near_text(shape: tuple[int, int], margin: int) -> np.ndarray:
    """Return where text was written, with a margin: nothing may change elsewhere."""
    out = np.zeros(shape, bool)
    for x, y, text, size in NAMING + SMALL:
        out[max(0, y - margin) : y + size + margin, max(0, x - margin) :][
            :, : size * len(text) * 7 // 10 + 2 * margin
        ] = True
    return out


CASES = {
    "eight bits": (lambda: picture(), {}),
    "turned round": (lambda: 255 - picture(), {"photometric": "MONOCHROME1"}),
    "twelve bits, JPEG 2000": (
        lambda: picture().astype(np.uint16) * 16,
        {"stored": 12, "syntax": J2K},
    ),
    "sixteen bits with a sign": (lambda: picture().astype(np.int16) * 90 - 4000, {}),
    "RLE": (lambda: picture(), {"syntax": RLE}),
    "JPEG-LS": (lambda: picture(), {"syntax": JPEG_LS}),
    "colour": (lambda: picture((255, 220, 0)), {"photometric": "RGB"}),
}


@pytest.mark.parametrize("name", CASES)
def test_who_is_gone_and_the_rest_is_as_it_was(
    name: str, stage: PixelStage, reader: object
) -> None:
    make, how = CASES[name]
    pixels = make()
    data = instance(pixels, **how)
    got = outcome(stage, data)
    assert isinstance(got, Checked), got.reason
    ds = read_back(got.source.value, got.meta)
    assert got.meta.transfer_syntax_uid == how.get("syntax", EXPLICIT)
    assert got.proof.blanked >= 5
    text = words(reader, ds.pixel_array)
    assert not [secret for secret in SECRETS if secret in text], text
    assert "mi 1.2" in text and "100" in text
    changed = ds.pixel_array != pixels_of(data)
    changed = changed.any(axis=2) if changed.ndim == 3 else changed
    assert not (changed & ~near_text((ROWS, COLUMNS), 10)).any()
    assert got.proof.sha256 == value_sha256(got.source.value, *value_of(got.source.value, got.meta))
    assert "Lindqvist" not in repr(got)


def test_jpeg_keeps_all_blocks_without_text(stage: PixelStage, reader: object) -> None:
    data = instance(picture((255, 255, 0)), syntax=JPEG)
    got = outcome(stage, data)
    assert isinstance(got, Checked)
    assert got.meta.transfer_syntax_uid == JPEG
    ds = read_back(got.source.value, got.meta)
    now = np.asarray(ds.pixel_array)
    text = words(reader, now)
    assert not [secret for secret in SECRETS if secret in text], text
    changed = (now != pixels_of(data)).any(axis=2)
    assert not (changed & ~near_text((ROWS, COLUMNS), 26)).any()
    assert changed.any()


def test_text_on_one_frame_of_many_is_found_and_text_on_all_is_read_once(
    stage: PixelStage, reader: object
) -> None:
    still = with_text(anatomy(160, 256), [(6, 4, "Karin Lindqvist", 13)])
    frames = []
    for number in range(12):
        moving = still.copy()
        moving[60:130, 60:190] = anatomy(70, 130, seed=10 + number)
        frames.append(moving)
    frames[7] = with_text(frames[7], [(150, 140, "19640823-3234", 12)])
    data = instance(np.stack(frames), frames=12, syntax=RLE)
    got = outcome(stage, data)
    assert isinstance(got, Checked)
    spans = {(f.first, f.last) for f in got.findings if f.action == "blank"}
    assert spans == {(0, 11), (7, 7)}
    now = read_back(got.source.value, got.meta).pixel_array
    assert (now[:, 2:20, 4:110].max(axis=(1, 2)) < 120).all()
    assert now[7, 138:156, 150:240].max() < 120
    assert (now[6, 25:] == frames[6][25:]).all()


def test_a_picture_without_text_stays_the_very_same_bytes(stage: PixelStage) -> None:
    for syntax in (EXPLICIT, JPEG_LS):
        source, meta = opened(instance(anatomy(ROWS, COLUMNS), syntax=syntax))
        got = stage.clean(Identified(source), meta)
        assert isinstance(got, Checked)
        assert got.source.value is source
        assert (got.proof.blanked, got.findings) == (0, ())


def test_harmless_marks_alone_change_nothing(stage: PixelStage) -> None:
    source, meta = opened(instance(with_text(anatomy(ROWS, COLUMNS), HARMLESS)))
    got = stage.clean(Identified(source), meta)
    assert isinstance(got, Checked)
    assert got.source.value is source
    assert {f.action for f in got.findings} == {"keep"}


def test_a_palette_is_blanked_by_index(stage: PixelStage, reader: object) -> None:
    more = Dataset()
    for name in ("Red", "Green", "Blue"):
        entries = (np.arange(256, dtype=np.uint16)[::-1] * 257).tobytes()
        setattr(more, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(more, f"{name}PaletteColorLookupTableData", entries)
    data = instance(255 - picture(), photometric="PALETTE COLOR", more=more)
    got = outcome(stage, data)
    assert isinstance(got, Checked)
    text = words(reader, read_back(got.source.value, got.meta).pixel_array)
    assert not [secret for secret in SECRETS if secret in text], text


def test_a_person_decides_where_the_rules_do_not(reader: object) -> None:
    strict = PixelPolicy(unreadable="unsure")
    stage = PixelStage(reader, cleaner_for, strict)  # type: ignore[arg-type]
    blurred = anatomy(ROWS, COLUMNS)
    stroke = with_text(np.zeros_like(blurred), [(20, 20, "ξψζ אבג ξωλ", 18)])
    data = instance(np.maximum(blurred, stroke))
    source, meta = opened(data)
    asked = stage.clean(Identified(source), meta)
    assert isinstance(asked, NeedsReview) and asked.reason == "unsure"
    assert [p.after for p in asked.pictures] == [False, True]
    assert Image.open(BytesIO(asked.pictures[0].png.value)).size == (COLUMNS, ROWS)
    choice = Decision(Box(0, 0, COLUMNS, 60), blank=True)
    done = stage.apply(Identified(source), meta, [choice])
    assert isinstance(done, Checked)
    now = read_back(done.source.value, done.meta).pixel_array
    assert np.ptp(now[2:58, 2:-2]) == 0
    kept = stage.apply(Identified(source), meta, [Decision(choice.box, blank=False)])
    assert isinstance(kept, Checked) and kept.source.value is source
    again = PixelStage(
        reader,  # type: ignore[arg-type]
        cleaner_for,
        strict,
        remembered={asked.layout.key: (choice,)},
    )
    assert isinstance(again.clean(Identified(source), meta), Checked)


def test_a_remembered_keep_never_keeps_a_name(reader: object, stage: PixelStage) -> None:
    source, meta = opened(instance(picture()))
    everywhere = Decision(Box(0, 0, COLUMNS, ROWS), blank=False)
    key = stage.layout(Identified(source), meta).key
    lenient = PixelStage(reader, cleaner_for, remembered={key: (everywhere,)})  # type: ignore[arg-type]
    got = lenient.clean(Identified(source), meta)
    assert isinstance(got, Checked)
    text = words(reader, read_back(got.source.value, got.meta).pixel_array)
    assert "karin" not in text and "19640823" not in text


def test_overlays_stay_only_when_they_were_read_and_hold_no_text(reader: object) -> None:
    graphics = PixelStage(reader, cleaner_for, PixelPolicy(clean_graphics=True))  # type: ignore[arg-type]
    circle = np.zeros((ROWS, COLUMNS), np.uint8)
    circle[60:160, 90] = circle[60, 90:200] = 1
    for plane, stays in ((circle, True), (with_text(circle, NAMING, 1), False)):
        more = Dataset()
        more.add_new(0x60000010, "US", ROWS)
        more.add_new(0x60000011, "US", COLUMNS)
        more.add_new(0x60000100, "US", 1)
        more.add_new(0x60000102, "US", 0)
        bits = np.packbits(plane.ravel() > 0, bitorder="little").tobytes()
        more.add_new(0x60003000, "OW", bits)
        got = outcome(graphics, instance(anatomy(ROWS, COLUMNS), more=more))
        assert isinstance(got, Checked)
        assert got.proof.graphics is stays
        assert (0x60003000 in read_back(got.source.value, got.meta)) is stays


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"modality": "SM", "more": ("ImageType", ["ORIGINAL", "PRIMARY", "LABEL"])},
            "slide-label",
        ),
        ({"video": True}, "video"),
    ],
)
def test_labels_and_videos_wait_for_a_person(
    change: dict[str, object], reason: str, stage: PixelStage
) -> None:
    more = Dataset()
    if "more" in change:
        name, value = change["more"]  # type: ignore[misc]
        setattr(more, name, value)
    data = instance(picture(), modality=str(change.get("modality", "US")), more=more, syntax=JPEG)
    source, meta = opened(data)
    if change.get("video"):
        meta = FileMeta("1.2.840.10008.1.2.4.102", *_rest(meta))
    got = stage.clean(Identified(source), meta)
    assert isinstance(got, NeedsReview)
    assert got.reason == reason


def _rest(meta: FileMeta) -> tuple[str, str, int]:
    return meta.sop_class_uid, meta.instance_uid, meta.dataset_offset


def document(data: bytes) -> bytes:
    ds = Dataset()
    ds.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    raw = instance(
        np.zeros((2, 2), np.uint8),
        modality="DOC",
        sop_class="1.2.840.10008.5.1.4.1.1.104.1",
        more=ds,
    )
    return raw[: raw.rfind(b"\xe0\x7f\x10\x00")]


def test_a_document_is_made_anew_without_who(stage: PixelStage) -> None:
    pytest.importorskip("pypdf")
    report = ["Patient: Karin Lindqvist 19640823-3234", "Nodule in the left lung, 12 mm"]
    got = outcome(stage, document(pdf_of_text([report, ["No metastases in the liver."]])))
    assert isinstance(got, Checked) and got.proof.document
    ds = read_back(got.source.value, got.meta)
    new = ds.EncapsulatedDocument
    assert ds.EncapsulatedDocumentLength == len(new)
    pages = text_of_pdf(new)
    text = " ".join(line for page in pages for line in page)
    assert "Lindqvist" not in text and "3234" not in text
    assert "left lung" in text and "liver" in text and len(pages) == 2
    assert b"Lindqvist" not in new and b"/Info" not in new


def test_a_scanned_or_broken_document_waits_for_a_person(stage: PixelStage) -> None:
    pytest.importorskip("pypdf")
    scan_like = pdf_of_text([[]])
    for data, reason in ((scan_like, "document-scanned"), (b"%PDF-1.4 no", "document-unreadable")):
        got = outcome(stage, document(data))
        assert isinstance(got, NeedsReview)
        assert got.reason == reason


def test_text_of_any_script_comes_back_out_of_a_new_pdf() -> None:
    pytest.importorskip("pypdf")
    lines = ["Åsa såg en förändring.", "Καρκίνος του πνεύμονα", "右肺に結節を認める。", "x" * 120]
    (page,) = text_of_pdf(pdf_of_text([lines]))
    assert page[:3] == lines[:3]
    assert "".join(page[3:]) == lines[3]
    assert pdf_of_text([lines]) == pdf_of_text([lines])
    assert EXPLICIT_LE == EXPLICIT
