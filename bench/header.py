"""Header to twenty index values: our scanner beside pydicom and fastdicom, pass by pass in turn.

Usage: python bench/header.py [--corpus DIR] [--files 66] [--repeat 20]

Each figure is the mean over the files of the fastest of the repeats, with opening and reading the
file. The values are compared first. fastdicom (a Rust binding) is measured when it is installed.
"""

import argparse
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from corpus import write
from measure import machine
from pydicom import dcmread
from pydicom.tag import Tag

from tessera.adapters.files.dicom_source import opened
from tessera.domain.imaging.encoding import read_file_meta
from tessera.domain.imaging.header import Header, scan

KEYWORDS = (
    "SOPClassUID SOPInstanceUID StudyDate Modality Manufacturer SeriesDescription PatientName "
    "PatientID PatientBirthDate PatientSex BodyPartExamined SliceThickness StudyInstanceUID "
    "SeriesInstanceUID SeriesNumber InstanceNumber ImagePositionPatient Rows Columns PixelSpacing"
).split()
TAGS = {keyword: int(Tag(keyword)) for keyword in KEYWORDS}
WANTED = frozenset(TAGS.values())


def ours(path: str) -> Header:
    with opened(path) as file:
        return scan(file, read_file_meta(file), WANTED)


def by_pydicom(path: str) -> dict[str, object]:
    ds = dcmread(path, stop_before_pixels=True)
    return {keyword: ds.get(keyword) for keyword in KEYWORDS}


def by_pydicom_some(path: str) -> dict[str, object]:
    ds = dcmread(path, stop_before_pixels=True, specific_tags=KEYWORDS)
    return {keyword: ds.get(keyword) for keyword in KEYWORDS}


def tools() -> dict[str, Callable[[str], object]]:
    found: dict[str, Callable[[str], object]] = {
        "tessera scan": ours,
        "pydicom, header read, 20 values": by_pydicom,
        "pydicom, specific_tags": by_pydicom_some,
    }
    if find_spec("fastdicom"):
        import fastdicom

        def by_fastdicom(path: str) -> list[object]:
            ds = fastdicom.dcmread(path, stop_before_pixels=True)
            return [ds.get(keyword, None) for keyword in KEYWORDS]

        found["fastdicom (dicom-rs)"] = by_fastdicom
    return found


def require_equal(path: str) -> None:
    """Raise AssertionError when the scanner and pydicom do not say the same."""
    header, ds = ours(path), dcmread(path, stop_before_pixels=True)
    for keyword, tag in TAGS.items():
        if keyword in ds and ds[keyword].VR not in ("US", "PN"):
            value = ds[keyword].value
            parts = [str(part) for part in value] if ds[keyword].VM > 1 else [str(value or "")]
            assert header.text(tag).split("\\") == parts, (path, keyword)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="a folder of .dcm; default: a synthetic one")
    parser.add_argument("--files", type=int, default=66)
    parser.add_argument("--repeat", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        corpus = arguments.corpus or Path(work)
        if not arguments.corpus:
            write(corpus, arguments.files, seed=1)
        every = sorted(map(str, corpus.rglob("*.dcm")))
        paths = every[:: max(1, len(every) // arguments.files)][: arguments.files]
        print(report(paths, arguments.repeat))


def report(paths: list[str], repeat: int) -> str:
    for path in paths:
        require_equal(path)
    best: dict[tuple[str, str], float] = {}
    for _ in range(repeat):
        for name, read in tools().items():
            for path in paths:
                began = perf_counter()
                read(path)
                taken = perf_counter() - began
                best[name, path] = min(best.get((name, path), 9.0), taken)
    mean = {name: 1e3 * sum(best[name, path] for path in paths) / len(paths) for name in tools()}
    one = mean["tessera scan"]
    lines = [
        f"{len(paths)} files, fastest of {repeat}; {machine()}.",
        "",
        "| reader | ms a file | files/s/core | beside ours |",
        "|---|---|---|---|",
        *(
            f"| {name} | {ms:.3f} | {1e3 / ms:,.0f} | {ms / one:.1f}x |"
            for name, ms in mean.items()
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
