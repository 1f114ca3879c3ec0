"""The viewer in a real browser: from the click to the first picture, and to a segmentation.

Usage: python bench/viewer.py PACKAGE [--slices 200] [--segments 100] [--repeat 5] [--work FOLDER]
PACKAGE is the viewer's package, as `tessera node viewer install --from` takes it. Prints one JSON
object. The browser draws in software. `first` is one click with an empty cache, `at once` a click
as soon as the list is there, `after 8 s` one by a person who has read the list so long (meanwhile
the viewer has started behind it); each is timed inside the page, frame by frame.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from playwright.sync_api import Browser, BrowserContext, sync_playwright
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


WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  addEventListener('click', () => {
    ['picture', 'segments'].forEach((one) => sessionStorage.removeItem(one));
    sessionStorage.setItem('clicked', now());
  }, true);
  if (!['/viewer', '/segmentation'].includes(location.pathname)) return;
  const small = new OffscreenCanvas(96, 96).getContext('2d', { willReadFrequently: true });
  const note = (what) => {
    if (!sessionStorage.getItem(what))
      sessionStorage.setItem(what, (now() - Number(sessionStorage.getItem('clicked'))) / 1000);
  };
  const look = () => {
    const canvas = document.querySelector('.cornerstone-canvas');
    if (sessionStorage.getItem('clicked') && canvas && canvas.width > 200 && canvas.height > 200) {
      small.drawImage(canvas, 80, 80, canvas.width - 160, canvas.height - 160, 0, 0, 96, 96);
      const { data } = small.getImageData(0, 0, 96, 96);
      let sum = 0, squares = 0, coloured = 0;
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
        const grey = (r + g + b) / 3;
        sum += grey;
        squares += grey * grey;
        if (Math.max(r, g, b) - Math.min(r, g, b) > 40) coloured += 1;
      }
      const n = data.length / 4;
      if (squares / n - (sum / n) ** 2 > 100) note('picture');
      if (coloured > 3) note('segments');
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Notes, in the page and frame by frame, when the canvas first holds a picture and colour."""
LINKS = {
    "CT": "li.study:not(:has(.kind-marks)) .study-open a",
    "SEG": "li.study:has(.kind-marks) .study-open a",
}


def opened_s(
    context: BrowserContext, base: str, kind: str, *, read_s: float, rest_s: float
) -> dict[str, float]:
    """Return seconds from the click until there is a picture, and until there is colour on it.

    The list is looked at for `read_s`; the pointer rests on the link for `rest_s`.
    """
    page = context.new_page()
    page.goto(base)
    page.wait_for_timeout(read_s * 1000)
    link = page.locator(LINKS[kind]).first
    if rest_s:
        link.hover()
        page.wait_for_timeout(rest_s * 1000)
    link.click(no_wait_after=True)
    wanted = ("picture", "segments") if kind == "SEG" else ("picture",)
    for what in wanted:
        page.wait_for_function(f"sessionStorage.getItem('{what}')", timeout=90_000)
    found = {what: float(page.evaluate(f"sessionStorage.getItem('{what}')")) for what in wanted}
    page.close()
    return found


def clicks(browser: Browser, base: str, kind: str, repeat: int) -> dict[str, float]:
    """Return medians: with nothing in the cache (once), at once, and after reading the list."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(f"{base}/?key={KEY}")
    page.goto("about:blank")
    found: dict[str, float] = {}
    for how, read_s, rest_s, n in (
        ("first", 0, 0, 1),
        ("at once", 0, 0, repeat),
        ("after 8 s", 8, 0, repeat),
        ("after 8 s, rested 0.4 s", 8, 0.4, repeat),
    ):
        each = [opened_s(context, base, kind, read_s=read_s, rest_s=rest_s) for _ in range(n)]
        for what in each[0]:
            figure = statistics.median(one[what] for one in each)
            found[f"{kind} {how} {what}_s"] = round(figure, 2)
    context.close()
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
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = (
            shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("no browser")
        )
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for kind in ("CT", "SEG"):
            results |= clicks(browser, base, kind, args.repeat)
        browser.close()
        server.should_exit = True
        thread.join(10)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
