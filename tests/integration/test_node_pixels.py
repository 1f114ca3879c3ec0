"""At a node: held pictures are read, cleaned and taken in; a person decides the rest."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.burned_in import anatomy, instance, with_text
from tests.integration.test_face_stage import series_uid, slice_files
from tests.unit.domain.deid.pixels.test_faces import head

pytest.importorskip("rapidocr")
pytestmark = pytest.mark.slow
TESSERA = Path(sys.executable).with_name("tessera")
WHO = "Lindqvist Karin 19640823-3234"
SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def tessera(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [TESSERA, *arguments], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def named(number: int, kind: str = "") -> Dataset:
    more = Dataset()
    more.SOPInstanceUID = f"1.2.826.0.1.3680043.10.99.7.{number}"
    if kind:
        more.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    return more


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pixels")
    pacs = folder / "pacs"
    pacs.mkdir()
    scan = anatomy(200, 320)
    lines = [(6, 4, WHO, 14), (6, 180, "MI 0.8  TIS 0.4", 12)]
    (pacs / "named").write_bytes(instance(with_text(scan, lines), more=named(1)))
    (pacs / "plain").write_bytes(instance(scan, more=named(2)))
    label = with_text(scan // 4, [(6, 4, "Lindqvist K", 16), (6, 60, "HE", 16)])
    for number in (3, 4):
        more = named(number, "LABEL")
        (pacs / f"label{number}").write_bytes(
            instance(label, modality="SM", sop_class=SLIDE, more=more)
        )
    home = folder / "home"
    tessera("node", "init", str(home), "--name", "Trial", "--country", "SE")
    assert (
        json.loads(tessera("node", "ingest", str(home), str(pacs), "--json", code=3))["held"] == 4
    )
    return home


@pytest.fixture(scope="module")
def looked(home: Path) -> dict[str, int]:
    told: dict[str, int] = json.loads(tessera("node", "pixels", str(home), "--json", code=3))
    return told


def stored(home: Path) -> dict[str, Dataset]:
    paths = (p for p in (home / "research" / "instances").rglob("*") if p.is_file())
    return {str(p): pydicom.dcmread(p) for p in paths}


def test_what_names_somebody_is_blanked_and_taken_in(home: Path, looked: dict[str, int]) -> None:
    assert looked == {"looked_at": 4, "stored": 2, "for a person": 2}
    taken = stored(home).values()
    assert len(taken) == 2
    bright = sorted(int((ds.pixel_array[:24] > 200).sum()) for ds in taken)
    assert bright == [0, 0]
    assert max(int((ds.pixel_array[176:] > 200).sum()) for ds in taken) > 40
    for ds in taken:
        assert ds.BurnedInAnnotation == "NO"
        codes = {item.CodeValue for item in ds.DeidentificationMethodCodeSequence}
        assert "113101" in codes
    assert sorted(p.name for p in (home / "identified" / "quarantine").iterdir())
    assert len(list((home / "identified" / "quarantine").iterdir())) == 2


def test_a_person_decides_and_the_rest_stays_out(home: Path, looked: dict[str, int]) -> None:
    first, second = (
        one["item"] for one in json.loads(tessera("node", "review", "list", str(home), "--json"))
    )
    listed = tessera("node", "review", "list", str(home))
    assert "Lindqvist" not in listed
    again = json.loads(tessera("node", "pixels", str(home), "--json"))
    assert again == {"looked_at": 0}
    done = tessera(
        *("node", "review", "decide", str(home), first, "--blank", "0,0,320,100"),
        *("--remember", "--json"),
    )
    assert json.loads(done)["state"] == "stored"
    refused = json.loads(tessera("node", "review", "refuse", str(home), second[:6], "--json"))
    assert refused["state"] == "refused"
    assert json.loads(tessera("node", "review", "list", str(home), "--json")) == []
    assert len(json.loads(tessera("node", "review", "remembered", str(home), "--json"))) == 1
    assert list((home / "identified" / "quarantine").iterdir()) == []
    slide = next(ds for ds in stored(home).values() if ds.Modality == "SM")
    assert int(slide.pixel_array[:100].max()) - int(slide.pixel_array[:100].min()) < 40
    log = b"".join(p.read_bytes() for p in (home / "audit").rglob("*") if p.is_file())
    assert b"pixels-reviewed" in log
    assert b"indqvist" not in log
    tessera("node", "review", "decide", str(home), "ffff", code=1)


def test_nothing_of_the_person_is_left_in_the_research_zone(home: Path, looked: object) -> None:
    for path in (home / "research").rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            for secret in (b"lindqvist", b"karin", b"19640823", b"3234\x00"):
                assert secret not in content, path


def test_the_report_tells_what_was_done(home: Path, looked: object, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    report = json.loads(tessera("node", "report", str(home), "--json", "--html", str(page)))
    assert {one["action"] for one in report["pixels"]} >= {"blank", "keep"}
    assert report["risk"]["subjects"] == 1
    assert any(one["keyword"] == "PatientName" for one in report["changes"])
    assert "indqvist" not in page.read_text() + json.dumps(report)


def test_faces_go_by_the_series_and_a_person_says_where_there_is_none(tmp_path: Path) -> None:
    profile = tmp_path / "faces.toml"
    profile.write_text(
        'name = "faces"\nversion = "1"\nextends = "research"\n'
        'options = ["clean-recognizable-visual-features"]\n'
    )
    pacs = tmp_path / "pacs"
    for folder, has_nose in (("a", True), ("b", False)):
        (pacs / folder).mkdir(parents=True)
        for number, content in enumerate(slice_files(head(has_nose=has_nose), series=folder)):
            (pacs / folder / f"{number:03d}").write_bytes(content)
    home = tmp_path / "home"
    init = ("node", "init", str(home), "--name", "Trial", "--country", "SE")
    tessera(*init, "--profile", str(profile))
    told = json.loads(tessera("node", "ingest", str(home), str(pacs), "--json", code=3))
    assert told["held"] == 240
    told = json.loads(tessera("node", "pixels", str(home), "--json", code=3))
    assert told == {"looked_at": 240, "stored": 120, "for a person": 120}
    taken = list(stored(home).values())
    for ds in taken:
        codes = {item.CodeValue for item in ds.DeidentificationMethodCodeSequence}
        assert "113102" in codes
        assert ds.RecognizableVisualFeatures == "NO"
    pictures = list((home / "identified" / "faces").iterdir())
    assert len(pictures) == 2
    assert all(p.stat().st_mode & 0o077 == 0 for p in pictures)
    tessera("node", "review", "face", str(home), "9.9.9", code=1)
    told = json.loads(tessera("node", "review", "face", str(home), series_uid("b"), "--json"))
    assert told == {"stored": 120}
    assert json.loads(tessera("node", "report", str(home), "--json"))["faces"] == 1


@pytest.mark.long
def test_text_in_a_head_goes_before_its_face(tmp_path: Path) -> None:
    """The face stage begins with the original, in which the text still is."""
    profile = tmp_path / "faces.toml"
    profile.write_text(
        'name = "faces"\nversion = "1"\nextends = "research"\n'
        'options = ["clean-recognizable-visual-features"]\n'
    )
    pacs, home = tmp_path / "pacs", tmp_path / "home"
    pacs.mkdir()
    for number, content in enumerate(slice_files(head(has_nose=True))):
        ds = pydicom.dcmread(BytesIO(content))
        ds.BurnedInAnnotation = "YES"
        if number == 3:
            blank = np.zeros((ds.Rows, ds.Columns), np.uint8)
            ink = with_text(blank, [(2, 2, "Lindqvist 640823", 14)]).astype("<u2") << 3
            ds.PixelData = np.maximum(ds.pixel_array, ink).astype("<u2").tobytes()
        ds.save_as(pacs / f"{number:03d}")
    init = ("node", "init", str(home), "--name", "Trial", "--country", "SE")
    tessera(*init, "--profile", str(profile))
    tessera("node", "ingest", str(home), str(pacs), "--json", code=3)
    first = json.loads(tessera("node", "pixels", str(home), "--json", code=3))
    assert first == {"looked_at": 120, "held": 120}
    then = json.loads(tessera("node", "pixels", str(home), "--json"))
    assert then == {"looked_at": 120, "stored": 120}
    for ds in stored(home).values():
        assert ds.RecognizableVisualFeatures == ds.BurnedInAnnotation == "NO"
        assert ds.pixel_array[:20].max() < 200  # air, where the letters stood
