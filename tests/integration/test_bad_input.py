"""Input that is damaged, hostile or odd does not stop a batch nor take memory."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice, write_series

LIMIT_BYTES = 500 << 20


def tessera(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program; the last line of stderr tells its peak memory in kB."""
    program = (
        "import atexit, sys; from tessera.cli import main; "
        "hwm = lambda: next(l for l in open('/proc/self/status') if l.startswith('VmHWM')); "
        "atexit.register(lambda: print('peak', hwm().split()[1], file=sys.stderr)); main()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


def nested(depth: int) -> Dataset:
    ds = ct_slice(1, series=9)
    inner = Dataset()
    inner.PatientName = "Ek^Åsa"
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = Sequence([inner])
        inner = outer
    ds.ContentSequence = inner.ContentSequence
    return ds


def bad_folder(folder: Path) -> None:
    write_series(folder / "good", 30)
    whole = encoded(ct_slice(40))
    (folder / "truncated").write_bytes(whole[:-200])
    (folder / "zero").write_bytes(b"")
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7 hello")
    (folder / "wrong-vr").write_bytes(
        encoded(ct_slice(41)).replace(b"\x10\0\x10\0PN", b"\x10\0\x10\0QQ")
    )
    (folder / "ten-deep").write_bytes(encoded(nested(10)))
    (folder / "too-deep").write_bytes(encoded(nested(60)))
    at = whole.index(b"\xe0\x7f\x10\0OW") + 8
    claim = whole[:at] + (2_100_000_000).to_bytes(4, "little") + whole[at + 4 :]
    (folder / "claims-2gb").write_bytes(claim)
    at = whole.index(b"\x10\0\x10\0PN") + 6
    (folder / "long-name").write_bytes(whole[:at] + b"\xff\xff" + whole[at + 2 :])
    with zipfile.ZipFile(folder / "batch.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"x/{number}", encoded(ct_slice(number + 1, series=4)))
        archive.writestr("x/readme.txt", "hello")
    sparse = folder / "huge"
    with sparse.open("wb") as file:
        at = whole.index(b"\xe0\x7f\x10\0OW") + 8
        head = encoded(ct_slice(50, series=5))[:at]
        file.write(head + (1_000_000_000).to_bytes(4, "little"))
        file.truncate(len(head) + 4 + 1_000_000_000)


def test_bad_files_are_refused_with_a_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad_folder(tmp_path / "pacs")
    home = str(tmp_path / "home")
    assert tessera("node", "init", home, "--name", "A", "--country", "SE").returncode == 0
    run = tessera("node", "ingest", home, str(tmp_path / "pacs"), "--json", "--workers", "1")
    assert run.returncode == 3, run.stderr
    counts = json.loads(run.stdout)
    # 30 good, 3 from the zip, ten-deep, wrong-vr (pydicom reads it), and the one of 1 GB
    assert counts["stored"] >= 35
    peak_kb = int(run.stderr.split("peak")[1])
    assert peak_kb * 1024 < LIMIT_BYTES
    listed = tessera("node", "quarantine", home, "--json")
    reasons = {Path(e["source"]).name: e for e in json.loads(listed.stdout)}
    assert {"truncated", "too-deep", "claims-2gb", "long-name"} <= set(reasons)
    assert reasons["truncated"]["element"] == "(7FE0,0010)"
    assert all(e["message"] and e["mend"] for e in reasons.values())
    assert counts["sources"] == sum(
        counts.get(k, 0) for k in ("stored", "refused", "held", "ignored", "duplicate")
    )


def test_deid_command_reports_every_file_and_writes_only_what_is_clean(tmp_path: Path) -> None:
    write_series(tmp_path / "in", 4)
    (tmp_path / "in" / "cut").write_bytes(encoded(ct_slice(9))[:-10])
    burned = ct_slice(10)
    burned.BurnedInAnnotation = "YES"
    (tmp_path / "in" / "burned").write_bytes(encoded(burned))
    out, report = tmp_path / "out", tmp_path / "report.json"
    words = ("--report", str(report), "--json", "--no-pixels")
    run = tessera("deid", str(tmp_path / "in"), str(out), *words)
    assert run.returncode == 3, run.stderr
    body = json.loads(report.read_text())
    states = {Path(o["source"]).name: (o["state"], o["reason"]) for o in body["outcomes"]}
    assert states["cut"] == ("refused", "truncated")
    assert states["burned"] == ("held", "burned-in")
    assert len(list(out.rglob("*.dcm"))) == 4 == body["states"]["stored"]
    assert sum(body["states"].values()) == body["files"] == 6
    changed = {c["keyword"]: c["action"] for c in body["changes"]}
    assert changed["StudyDate"] == "shifted by whole days"
    text = b"".join(p.read_bytes() for p in out.rglob("*.dcm"))
    assert b"19121212" not in text
    assert "Åsa".encode() not in text


@pytest.mark.slow
def test_what_is_held_for_its_pixels_is_read_and_a_second_run_settles_it(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    burned = ct_slice(1)
    burned.BurnedInAnnotation = "YES"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "burned").write_bytes(encoded(burned))
    words = (str(tmp_path / "in"), str(tmp_path / "out"), "--key", str(tmp_path / "k"), "--json")
    for state in ("stored", "duplicate"):
        run = tessera("deid", *words, "--mapping", str(tmp_path / "map"))
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout)["states"] == {state: 1}
    (path,) = (tmp_path / "out").rglob("*.dcm")
    assert pydicom.dcmread(path).BurnedInAnnotation == "NO"
    pairs = (tmp_path / "map" / "uids.csv").read_text().splitlines()
    assert pairs[0] == "id_old,id_new"
    assert dict(pair.split(",") for pair in pairs[1:])[burned.SOPInstanceUID] == path.stem
    for name in ("uids.csv", "patients.csv"):
        assert (tmp_path / "map" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "map").stat().st_mode & 0o777 == 0o700


def test_the_same_key_gives_the_same_pseudonyms_and_another_key_others(tmp_path: Path) -> None:
    write_series(tmp_path / "in", 1)
    for key, out in (("k1", "a"), ("k1", "b"), ("k2", "c")):
        run = tessera(
            "deid", str(tmp_path / "in"), str(tmp_path / out), "--key", str(tmp_path / key)
        )
        assert run.returncode == 0, run.stderr
    assert (tmp_path / "k1").stat().st_mode & 0o777 == 0o600
    names = [{p.name for p in (tmp_path / out).iterdir()} for out in "abc"]
    assert names[0] == names[1] != names[2]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "in", 1)
    (tmp_path / "k").write_text("00" * 32)
    (tmp_path / "k").chmod(0o644)
    run = tessera("deid", str(tmp_path / "in"), str(tmp_path / "o"), "--key", str(tmp_path / "k"))
    assert run.returncode == 1
    assert "chmod 600" in run.stderr
