"""Write the corpus: 24 invented patients as their hospitals would send them, and the key."""

import json
import warnings
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, validate_file_meta
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from tessera.domain.evaluation.pixel_digest import digest_box, digest_outside
from tests.second_corpus import documents, images
from tests.second_corpus.instance import Instance, Study
from tests.second_corpus.people import Person, people
from tests.second_corpus.places import DESCRIPTORS, ONLY_GONE, PLACES, TEXTS
from tests.second_corpus.wording import Wording

_EXPLICIT, _IMPLICIT, _BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
_DEFLATED, _RLE = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
_J2K, _JLS, _JPEG = (f"1.2.840.10008.1.2.4.{end}" for end in (90, 80, 50))
_SYNTAX = {
    "CT": (_EXPLICIT, _IMPLICIT, _BIG, _DEFLATED, _JLS, _J2K, _RLE),
    "MR": (_EXPLICIT, _IMPLICIT, _J2K), "PT": (_EXPLICIT, _IMPLICIT), "EMR": (_EXPLICIT, _RLE),
    "US": (_JPEG, _RLE), "CINE": (_JPEG,), "MG": (_J2K, _JLS), "CR": (_EXPLICIT, _JLS),
    "DX": (_J2K, _EXPLICIT), "SC": (_RLE, _JPEG),
}  # fmt: skip
_BAD = {
    "report": "SR", "key_objects": "KO", "presentation": "PR", "document": "PDF",
    "outlines": "RTSTRUCT", "segmentation": "SEG", "enhanced": "EMR",
}  # fmt: skip


def generate(out: Path, seed: int = 1, patients: int = 24) -> int:
    """Write the files and `key.jsonl` to `out`; return the number of instances."""
    rng = Random(seed)
    wording = Wording(rng)
    rows = [{"tessera_answer_key": 1, "corpus": "second", "seed": seed}]
    turn = 0
    for number, person in enumerate(people(rng)[:patients]):
        for instance in _patient(person, number, rng, wording, turn):
            turn += 1
            rows.append(_written(instance, out, turn))
    (out / "key.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return len(rows) - 1


def _patient(
    person: Person, number: int, rng: Random, wording: Wording, turn: int
) -> list[Instance]:
    digits = "".join(c for c in person.mrn if c.isdigit())
    root = f"1.2.826.0.1.3680043.9.7133.{number + 1}.{digits}"
    day = date(2019, 2, 1) + timedelta(days=rng.randrange(1400))
    prior = day - timedelta(days=rng.randrange(40, 700))
    studies = [
        Study(f"{root}.{n}", when, prior, f"{rng.randrange(8, 18):02d}{rng.randrange(10, 59)}07",
              f"{'HKLW'[number % 4]}{when:%y}{rng.randrange(10**7, 10**8)}", f"{root}.{n}.9")
        for n, when in ((1, day), (2, prior))
    ]  # fmt: skip
    made: list[Instance] = []

    def add(kind: str, series: int, n: int, study: int = 0) -> Instance:
        s = studies[study]
        one = Instance(person, s, f"{s.uid}.{series}", f"{s.uid}.{series}.{n}", rng, wording)
        kinds = _SYNTAX.get(kind, (_EXPLICIT, _IMPLICIT))
        one.syntax = kinds[(number + n // 4) % len(kinds)]
        images.header(one, kind, n, series)
        one.file_name = f"{one.ds.PatientID}/study{study}/{kind}{series}_{n:04d}" + ".dcm" * (n % 2)
        made.append(one)
        return one

    for n in (1, 2, 3):
        images.cross_section(add("CT", 1, n), "CT", n, text=n == 2 and number % 3 == 0)
    older = add("CT", 1, 1, study=1)
    images.cross_section(older, "CT", 1, text=False)
    gap = (day - prior).days * 86400
    value = f"<(0008,0020)>|{made[0].uid}|{gap}"
    older.check("interval_kept", "<(0008,0020)>", value, "interval", "date")
    other = "MR" if number % 2 else "PT"
    for n in (1, 2)[: 1 + number % 2]:
        images.cross_section(add(other, 2, n), other, n, text=False)
    kind = "CINE" if number % 4 == 1 else "US"
    images.ultrasound(add(kind, 3, 1), kind, text=number % 5 != 4)
    kind = ("MG", "CR", "DX")[number % 3]
    images.projection(add(kind, 4, 1), kind, 1, text=True)
    if kind == "MG":
        images.projection(add(kind, 4, 2), kind, 2, text=number % 2 == 0)
    if number % 2 == 0:
        images.capture(add("SC", 5, 1), text=number % 8 != 6)
    builders = (documents.report, documents.segmentation if number % 2 else documents.outlines,
                (documents.key_objects, documents.presentation)[number % 2],
                documents.enhanced if number % 3 == 0 else documents.document)  # fmt: skip
    for series, build in enumerate(builders, start=6):
        build(add(_BAD[build.__name__], series, 1), made[1])
    for n, one in enumerate(made):
        _decorate(one, turn + n)
    return made


def _decorate(one: Instance, turn: int) -> None:
    """Add places and texts in turn."""
    eponym = turn % 7 == 0
    for offset in (0, 5, 9, 14):
        PLACES[(turn + offset) % len(PLACES)](one)
    for offset in (0, 3, 7):
        keyword = TEXTS[(turn + offset) % len(TEXTS)]
        if keyword not in one.ds:
            one.text(one.ds, keyword, n=1 + turn % 2, eponym=eponym)
    one.descriptor(one.ds, DESCRIPTORS[turn % len(DESCRIPTORS)])
    if turn % 4 == 0:
        one.text(one.ds, ONLY_GONE[turn % len(ONLY_GONE)], only_gone=True)
    plain = str(one.ds.SOPClassUID) in (images.CLASSES["CT"], images.CLASSES["CR"])
    if plain and turn % 5 == 0:
        images.overlay(one)
    if plain and turn % 5 == 1:
        images.icon(one)


def _jpeg(ds: Dataset) -> None:
    frames = np.frombuffer(ds.PixelData, np.uint8).reshape(-1, ds.Rows, ds.Columns, 3)
    packed = []
    for frame in frames:
        stream = BytesIO()
        Image.fromarray(frame).save(stream, "JPEG", quality=88, subsampling=1)
        packed.append(stream.getvalue())
    ds.PixelData = encapsulate(packed)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.PhotometricInterpretation = "YBR_FULL_422"
    ds.LossyImageCompression, ds.LossyImageCompressionMethod = "01", "ISO_10918_1"
    ds.LossyImageCompressionRatio = "12"


def _written(one: Instance, out: Path, turn: int) -> dict[str, object]:
    target = out / one.file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    syntax = one.syntax
    ds = one.ds
    if syntax == _JPEG:
        _jpeg(ds)
    elif UID(syntax).is_compressed and syntax != _DEFLATED:
        one.syntax = _EXPLICIT
        whole = one.file()
        whole.compress(UID(syntax), generate_instance_uid=False)
        one.ds, one.syntax = whole, syntax
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = one.file()
        if not file.get("AccessionNumber"):
            raise AssertionError("no accession number")
        if syntax == _BIG:
            one.meta.FileMetaInformationGroupLength = 0
            validate_file_meta(one.meta)
            dcmwrite(target, file, implicit_vr=False, little_endian=False, force_encoding=True)
        else:
            file.save_as(target, enforce_file_format=True)
        read = dcmread(target)
        if "PixelData" in read:
            _digests(one, read)
    del turn
    return one.entry(one.file_name)


class _Box:
    def __init__(self, row: dict[str, object]) -> None:
        self.__dict__.update(row)


def _digests(one: Instance, read: Dataset) -> None:
    pixels, bits = read.pixel_array, int(read.BitsStored)
    samples = int(read.SamplesPerPixel)
    boxes = [_Box(row) for row in one.boxes]
    for row, box in zip(one.boxes, boxes, strict=True):
        row["sha256"] = digest_box(pixels, box, bits, samples)  # type: ignore[arg-type]
        if not row["harmless"]:
            one.check("pixels_hidden", "<(7FE0,0010)>", row["text"], str(row["kind"]), "pixels")
    value = digest_outside(pixels, boxes, bits, samples)  # type: ignore[arg-type]
    one.check("pixels_retained", "<(7FE0,0010)>", value, "pixels", "pixels")
