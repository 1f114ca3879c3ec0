"""`tessera deid --deface`: heads come out without a face, with pictures for the hospital."""

import json
import stat
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from typer import Typer
from typer.testing import CliRunner

from tessera.cli.register import register_all
from tests.dicom_files import write_series
from tests.integration.test_face_stage import slice_files
from tests.unit.domain.deid.pixels.test_faces import head

app = Typer()
register_all(app)


def run(folder: Path, *words: object) -> tuple[int, str]:
    arguments = [folder / "in", folder / "out", "--workers", 1, "--no-pixels", *words]
    done = CliRunner().invoke(app, ["deid", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One head and one chest."""
    (tmp_path / "in").mkdir()
    for number, content in enumerate(slice_files(head(), part="HEAD")):
        (tmp_path / "in" / f"H{number:03d}").write_bytes(content)
    write_series(tmp_path / "in" / "chest", 2)
    return tmp_path


def pixels(folder: Path, uid: str) -> list[np.ndarray]:
    found = [dcmread(path) for path in sorted(folder.rglob("*")) if path.is_file()]
    some = [ds for ds in found if ds.get("BodyPartExamined") == uid]
    return [ds.pixel_array for ds in sorted(some, key=lambda ds: ds.ImagePositionPatient[2])]


def test_the_face_goes_and_the_page_shows_it(folder: Path) -> None:
    code, said = run(folder, "--deface", "--html", folder / "r.html", "--report", folder / "r.json")
    assert code == 0, said
    report = json.loads((folder / "r.json").read_text("utf-8"))
    assert report["faces"] == 1
    assert "clean-recognizable-visual-features" in report["options"]
    before, after = pixels(folder / "in", "HEAD"), pixels(folder / "out", "HEAD")
    assert len(before) == len(after) == len(slice_files(head()))
    changed = sum(int((a != b).sum()) for a, b in zip(before, after, strict=True))
    assert changed > 1000
    for path in (folder / "out").rglob("*.dcm"):
        ds = dcmread(path)
        codes = {item.CodeValue for item in ds.DeidentificationMethodCodeSequence}
        is_head = ds.BodyPartExamined == "HEAD"
        assert ("113102" in codes) == is_head
        assert (ds.get("RecognizableVisualFeatures") == "NO") == is_head
    page = (folder / "r.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert "keep it in the hospital" in page
    assert not stat.S_IMODE((folder / "r.html").stat().st_mode) & 0o077


def test_without_the_option_heads_stay_as_they_are(folder: Path) -> None:
    code, _ = run(folder, "--html", folder / "r.html")
    assert code == 0
    before, after = pixels(folder / "in", "HEAD"), pixels(folder / "out", "HEAD")
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert "data:image/png" not in (folder / "r.html").read_text("utf-8")


def test_a_series_without_a_face_is_held_whole(folder: Path) -> None:
    for path in (folder / "in").glob("H*"):
        if path.name > "H004":
            path.unlink()
    code, _ = run(folder, "--deface", "--report", folder / "r.json")
    assert code == 3
    report = json.loads((folder / "r.json").read_text("utf-8"))
    assert report["faces"] == 0
    held = [one for one in report["outcomes"] if one["state"] == "held"]
    assert len(held) == 5
    assert {one["reason"] for one in held} == {"face-not-found"}
    assert not pixels(folder / "out", "HEAD")


def test_a_head_with_text_in_its_pixels_is_for_a_person(folder: Path) -> None:
    for path in (folder / "in").glob("H*"):
        ds = dcmread(path)
        ds.BurnedInAnnotation = "YES"
        ds.save_as(path)
    code, _ = run(folder, "--deface")
    assert code == 3
    assert not pixels(folder / "out", "HEAD")
