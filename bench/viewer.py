"""The viewer in a real browser: from the click to the first picture, and to a segmentation.

Usage: python bench/viewer.py PACKAGE [--slices 200] [--segments 100] [--repeat 5] [--work FOLDER]
PACKAGE is the viewer's package, as `tessera node viewer install --from` takes it. Prints one JSON
object. The browser draws in software; the first click of each browser also reads the viewer's
own files, later ones have them.
"""

import argparse
import io
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tessera.bootstrap.dicomweb import NodeDicomWeb, server_for
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import NodeSettings, init_node
from tessera.bootstrap.viewer import install_viewer, viewer_of

KEY = "bench"
SIDE = 512


def slices(folder: Path, n_slices: int, name: str) -> list[Dataset]:
    """Write a CT of noise with a bright disc in it."""
    rng = np.random.default_rng(1)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    y, x = np.mgrid[:SIDE, :SIDE]
    disc = ((x - 256) ** 2 + (y - 256) ** 2 < 180**2) * 1040
    made = []
    for number in range(n_slices):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.PatientID, ds.PatientName = name, "Bench^Person"
        ds.PatientBirthDate, ds.PatientSex, ds.AccessionNumber, ds.StudyID = "", "O", "", "1"
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20200102"
        ds.StudyTime = ds.ContentTime = "120000"
        ds.ReferringPhysicianName, ds.Manufacturer, ds.Modality = "", "SIEMENS", "CT"
        ds.StudyDescription, ds.SeriesDescription = "CT thorax", "Axial"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.SeriesNumber, ds.InstanceNumber = 1, number + 1
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [-180, -180, float(number)]
        ds.PixelSpacing, ds.SliceThickness = [0.7, 0.7], 1
        ds.Rows = ds.Columns = SIDE
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1000
        ds.WindowCenter, ds.WindowWidth = 40, 400
        ds.PixelData = (disc + rng.integers(0, 60, (SIDE, SIDE))).astype("<i2").tobytes()
        ds.save_as(folder / f"{name}-{number:04}.dcm", enforce_file_format=True)
        made.append(ds)
    return made


def segment(images: list[Dataset], n_segments: int, to: Path) -> None:
    """Write a SEG of boxes, each over three slices."""
    masks = np.zeros((len(images), SIDE, SIDE), np.uint8)
    about = []
    for number in range(n_segments):
        row, column = divmod(number, 10)
        first = (number * 7) % (len(images) - 3)
        rows, columns = (
            slice(90 + row * 34, 118 + row * 34),
            slice(90 + column * 34, 118 + column * 34),
        )
        masks[first : first + 3, rows, columns] = number + 1
        about.append(
            hd.seg.SegmentDescription(
                number + 1,
                f"Segment {number + 1}",
                codes.SCT.MorphologicallyAbnormalStructure,
                codes.SCT.Lesion,
                hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
        )
    made = hd.seg.Segmentation(
        images,
        masks,
        hd.seg.SegmentationTypeValues.BINARY,
        about,
        series_instance_uid=hd.UID(),
        series_number=2,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="Bench",
        manufacturer_model_name="Bench",
        software_versions="1",
        device_serial_number="1",
    )
    made.save_as(to)


def opened_s(browser: Browser, base: str, description_has: str, *, warm: bool) -> dict[str, float]:
    """Return seconds from the click until there is a picture, and until there is colour on it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    if warm:  # the viewer's files are in the browser's cache, as after a first study
        page.goto(f"{base}/viewer?StudyInstanceUIDs=1.2.3")
        page.wait_for_timeout(4000)
    page.goto(f"{base}/?key={KEY}")
    page.goto(f"{base}/?modality={description_has}")
    page.get_by_role("link", name="Open").first.wait_for()
    began = time.perf_counter()
    page.get_by_role("link", name="Open").first.click(no_wait_after=True)
    found: dict[str, float] = {}
    wants_colour = description_has == "SEG"
    while time.perf_counter() - began < 90:
        canvas = page.locator(".cornerstone-canvas")
        if canvas.count():
            shot = Image.open(io.BytesIO(canvas.first.screenshot())).convert("RGB")
            seen = np.asarray(shot, int)[80:-80, 80:-80]
            spread = seen.max(2) - seen.min(2)
            if "picture" not in found and seen.mean(2).std() > 10:
                found["picture"] = time.perf_counter() - began
            if (spread > 40).sum() > 200:
                found["segments"] = time.perf_counter() - began
            if "picture" in found and ("segments" in found or not wants_colour):
                break
        time.sleep(0.03)
    page.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", type=Path)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--segments", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--work", type=Path)
    args = parser.parse_args()
    work = args.work or Path(tempfile.mkdtemp(prefix="bench-viewer-"))
    work.mkdir(exist_ok=True)
    source = work / "in"
    if not source.exists():
        source.mkdir()
        slices(source, args.slices, "PLAIN")
        segment(slices(source, args.slices, "MARKED"), args.segments, source / "seg.dcm")
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    (work / "vault.key").unlink(missing_ok=True)
    node = init_node(
        home, NodeSettings(name="Bench", country="SE"), vault_key=str(work / "vault.key")
    )
    states = [str(entry.state) for entry in ingest_sources(node, list_sources([source])) if entry]
    install_viewer(node, file=args.package)
    service = NodeDicomWeb(node)
    for _ in service.describe():
        pass
    results: dict[str, Any] = {"stored": states.count("stored"), "of": len(states)}
    with socket.socket() as listening, sync_playwright() as playwright:
        listening.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = server_for(viewer_of(node, service, KEY))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = (
            shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("no browser")
        )
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for kind in ("CT", "SEG"):
            for warm in (False, True):
                context_of = [opened_s(browser, base, kind, warm=warm) for _ in range(args.repeat)]
                for what in ("picture", "segments"):
                    if seconds := [one[what] for one in context_of if what in one]:
                        name = f"{kind} {'warm' if warm else 'first'} {what}_s"
                        results[name] = round(statistics.median(seconds), 2)
        browser.close()
        server.should_exit = True
        thread.join(10)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
