"""Seconds per picture in the pixel stage, for typical pictures; prints a table.

Usage: python bench/pixels.py [--repeat N]

The pictures are made here: grainy soft-edged anatomy with the lines that such devices write, some
of which name the patient. One process, one core, the reader warm. "free": no text at all.
"""

import argparse
import io
import statistics
import time
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from tessera.adapters.files.dicom_source import dataset_source
from tessera.adapters.files.rule_files import vocabulary
from tessera.adapters.pixels.stage import Checked, PixelStage
from tessera.adapters.rapidocr.reader import RapidTextReader
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.text.cleaner import TextCleaner
from tessera.domain.imaging.encoding import BytesSource
from tessera.domain.zones import Identified

PEOPLE = Identities(names=frozenset({"Lindqvist^Karin"}), identifiers=frozenset({"19640823-3234"}))
JPEG = "1.2.840.10008.1.2.4.50"


@dataclass(frozen=True)
class Kind:
    name: str
    modality: str
    rows: int
    columns: int
    bits: int = 12
    colour: bool = False
    lines: int = 0
    frames: int = 1
    syntax: str = "1.2.840.10008.1.2.1"
    size: int = 14


KINDS = (
    Kind("US, RGB, 20 lines", "US", 480, 640, 8, colour=True, lines=20),
    Kind("US, RGB JPEG, 20 lines", "US", 480, 640, 8, colour=True, lines=20, syntax=JPEG),
    Kind("US cine, 30 frames JPEG", "US", 480, 640, 8, True, 20, 30, JPEG),
    Kind("CR, 4 lines", "CR", 2500, 2000, 12, lines=4, size=40),
    Kind("CR, free", "CR", 2500, 2000, 12),
    Kind("MG, 3 lines", "MG", 4096, 3328, 12, lines=3, size=60),
    Kind("MG, free", "MG", 4096, 3328, 12),
    Kind("SC, dose report, 30 lines", "SC", 768, 1024, 8, lines=30),
    Kind("CT slice, free", "CT", 512, 512, 12),
)
WORDS = (
    *("Lindqvist, Karin", "19640823-3234", "MI 1.2 TI 0.4", "FR 45 Hz", "2021-03-04 12:30:45"),
    *("15.2 cm", "Gain 50%", "C 50", "P Low", "LIVER", "100 mm", "DLP 345 mGycm", "R CC", "120 kV"),
)


def anatomy(kind: Kind, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: kind.rows, : kind.columns].astype(np.float32)
    shape = ((y / kind.rows - 0.55) / 0.3) ** 2 + ((x / kind.columns - 0.5) / 0.3) ** 2
    level = 18 + 110 / (1 + np.exp(6 * (shape - 1)))
    grain = random.normal(0, 1, level.shape).astype(np.float32) * (2 + level / 20)
    return np.clip(level + grain, 0, 235).astype(np.uint8)


def drawn(picture: np.ndarray, kind: Kind) -> np.ndarray:
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(kind.size)
    step = int(kind.size * 1.7)
    per_column = max(1, (kind.rows - 20) // step // 2)
    for number in range(kind.lines):
        column, row = divmod(number, per_column)
        x = 8 if column % 2 == 0 else kind.columns - 12 * kind.size
        draw.text((x, 8 + row * step), WORDS[number % len(WORDS)], fill=255, font=font)
    return np.array(image)


def file_of(kind: Kind) -> bytes:
    still = drawn(anatomy(kind, 1), kind)
    frames = []
    for number in range(kind.frames):
        frame = still.copy()
        if number:
            middle = (slice(kind.rows // 3, -kind.rows // 5), slice(200, -200))
            frame[middle] = anatomy(kind, number + 1)[middle]
        frames.append(np.stack([frame] * 3, -1) if kind.colour else frame)
    pixels = np.stack(frames)
    if kind.bits > 8:
        pixels = pixels.astype(np.uint16) << (kind.bits - 8)
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3"
    ds.Modality, ds.Rows, ds.Columns = kind.modality, kind.rows, kind.columns
    ds.SamplesPerPixel = 3 if kind.colour else 1
    ds.PhotometricInterpretation = "RGB" if kind.colour else "MONOCHROME2"
    if kind.colour:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = kind.bits, kind.bits - 1, 0
    ds.NumberOfFrames = kind.frames
    ds.PixelData = pixels.tobytes()
    if kind.syntax == JPEG:
        streams = []
        for frame in frames:
            out = io.BytesIO()
            Image.fromarray(frame).save(out, "JPEG", quality=90, subsampling=1)
            streams.append(out.getvalue())
        ds.PixelData = encapsulate(streams)
        ds.PhotometricInterpretation = "YBR_FULL_422"
    ds["PixelData"].VR = "OW" if kind.bits > 8 else "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = kind.syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    began = time.perf_counter()
    reader = RapidTextReader()
    words = vocabulary()
    stage = PixelStage(reader, lambda source, meta: TextCleaner(words, PEOPLE, days=100))
    reader.read(np.zeros((64, 320), np.uint8))
    print(f"one reader, from start to warm: {time.perf_counter() - began:.1f} s\n")
    print("| picture | size | s per instance | s per frame | blanked | kept |")
    print("|---|---|---|---|---|---|")
    for kind in KINDS:
        source, meta = dataset_source(BytesSource(file_of(kind)))
        times, got = [], None
        for _ in range(repeat):
            began = time.perf_counter()
            got = stage.clean(Identified(source), meta)
            times.append(time.perf_counter() - began)
        middle = statistics.median(times)
        done = [f.action for f in got.findings] if got else []
        note = "" if isinstance(got, Checked) else " (to a person)"
        print(
            f"| {kind.name} | {kind.columns} x {kind.rows} | {middle:.2f} |"
            f" {middle / kind.frames:.2f} | {done.count('blank')}{note} | {done.count('keep')} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
