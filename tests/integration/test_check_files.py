"""`tessera check` on real files: what is read, what is refused, what comes out."""

import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook
from pydicom.data import get_testdata_files

from tessera.bootstrap.check import CheckRequest, check
from tessera.cli import exit_codes
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.quality.report import QualityReport
from tests.integration.dicom_files import write_series, write_slice

PROGRAM = (
    "import typer\n"
    "from tessera.cli.check import register\n"
    "app = typer.Typer()\n"
    "app.callback()(lambda: None)\n"
    "register(app)\n"
    "app()\n"
)


def checked(target: Path, **values: object) -> QualityReport:
    request = CheckRequest(target=target, **values)  # type: ignore[arg-type]
    return check(request, on_total=lambda _: None, on_outcome=lambda _: None)


def kinds(report: QualityReport) -> list[str]:
    return [found.kind for found in report.findings]


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-c", PROGRAM, "check", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_a_sound_series_has_no_finding(tmp_path: Path) -> None:
    write_series(tmp_path / "a", 8)
    report = checked(tmp_path)
    assert report.findings == ()
    assert report.totals.n_instances == 8


def test_a_zip_a_folder_and_a_single_file_are_read_by_content(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "plain", 4)
    with zipfile.ZipFile(tmp_path / "export.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in write_series(tmp_path / "other", 4, series="2.25.20"):
            archive.write(path, f"deep/er/{path.name}.txt")
            path.unlink()
        archive.writestr("readme.txt", "hello")
    report = checked(tmp_path)
    assert (report.totals.n_instances, report.totals.n_series) == (8, 2)
    assert report.totals.n_not_dicom == 1
    assert report.findings == ()
    assert checked(paths[0]).totals.n_instances == 1
    assert checked(tmp_path / "export.bin").totals.n_instances == 4


def test_a_bad_member_of_a_zip_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", 3)
    archive_path = tmp_path / "export.zip"
    with zipfile.ZipFile(archive_path, "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    raw = bytearray(archive_path.read_bytes())
    at = raw.find(b"IM00002") + 600
    raw[at] ^= 0xFF
    archive_path.write_bytes(raw)
    report = checked(archive_path)
    (found,) = [f for f in report.findings if f.check == "Q-INT-01"]
    assert found.evidence["path"] == f"{archive_path}!/IM00002"
    assert report.totals.n_instances == 2


def test_damaged_files_are_findings_and_foreign_files_are_counted(tmp_path: Path) -> None:
    sound = write_series(tmp_path, 3)[0].read_bytes()
    (tmp_path / "cut").write_bytes(sound[:-100])
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "noise.dcm").write_bytes(os.urandom(2000))
    (tmp_path / "head").write_bytes(sound[:140])
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".DS_Store").write_bytes(b"")
    Workbook().save(tmp_path / "patients.xlsx")
    report = checked(tmp_path)
    bad = {Path(str(f.evidence["path"])).name for f in report.findings if f.check == "Q-INT-01"}
    assert bad == {"cut", "empty.dcm", "noise.dcm", "head"}
    assert report.totals.n_not_dicom == 3
    assert report.totals.n_instances == 3


def test_missing_slices_copies_and_short_pixels_are_found_in_files(tmp_path: Path) -> None:
    paths = write_series(tmp_path, 12)
    paths[4].unlink()
    (tmp_path / "copy").write_bytes(paths[6].read_bytes())
    write_slice(paths[8], 9, PixelData=bytes(400))
    assert sorted(kinds(checked(tmp_path))) == ["pixels-short", "slices-missing", "uid-copies"]


def test_compressed_pixels_that_are_cut_off_are_noticed(tmp_path: Path) -> None:
    raw = Path(get_testdata_files("MR_small_RLE.dcm")[0]).read_bytes()
    (tmp_path / "whole").write_bytes(raw)
    assert "unreadable" not in kinds(checked(tmp_path))
    (tmp_path / "whole").write_bytes(raw[:-500])
    (found,) = [f for f in checked(tmp_path).findings if f.kind == "unreadable"]
    assert found.message == "The compressed pixel data is cut off at (7FE0,0010)"


def test_a_file_that_claims_two_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    raw = write_series(tmp_path / "x", 1)[0].read_bytes()
    at = raw.rfind(b"\xe0\x7f\x10\x00OW\x00\x00") + 8
    claimed = raw[:at] + struct.pack("<I", 0x7FFFFFFE) + raw[at + 4 :]
    (tmp_path / "claims").write_bytes(claimed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = checked(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert kinds(report) == ["unreadable"]


def test_worker_processes_find_what_one_process_finds(tmp_path: Path) -> None:
    for n in range(10):
        write_series(tmp_path / str(n), 25, series=f"2.25.{n + 10}")
    (tmp_path / "3" / "IM00007").unlink()
    (tmp_path / "5" / "IM00009").write_bytes(b"")
    one = checked(tmp_path, workers=1)
    assert checked(tmp_path, workers=2).to_json() == one.to_json()
    assert {"slices-missing", "unreadable"} <= set(kinds(one))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_images_are_linked_to_the_clinical_table(tmp_path: Path, ending: str) -> None:
    write_series(tmp_path / "in", 3)
    table = tmp_path / f"kliniskt.{ending}"
    if ending == "csv":
        table.write_bytes("Pnr;Kön\nP1;K\n P2 ;M\n;\n".encode("cp1252"))
    else:
        book = Workbook()
        for line in (["Pnr", "Kön"], ["P1", "K"], ["P2", "M"], [None, "K"]):
            book.worksheets[0].append(line)
        book.save(table)
    report = checked(tmp_path / "in", clinical=table, id_column="Pnr")
    assert [(f.kind, f.where.uid) for f in report.findings] == [("row-without-image", "P2")]
    with pytest.raises(InvalidInput, match="no column 'pnr'; the first line has: Pnr, Kön"):
        checked(tmp_path / "in", clinical=table, id_column="pnr")


def test_every_file_that_pydicom_installs_is_read_or_named(tmp_path: Path) -> None:
    folder = Path(get_testdata_files("CT_small.dcm")[0]).parent
    n_files = sum(len(files) for _, _, files in os.walk(folder))
    report = checked(folder)
    totals = report.totals
    (readable,) = [c for c in report.coverage if c.check.id == "Q-INT-01"]
    n_zips = sum(zipfile.is_zipfile(p) for p in folder.rglob("*") if p.is_file())
    assert readable.n_looked + totals.n_not_dicom >= n_files - n_zips
    assert totals.n_instances > 60


def test_nothing_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file or folder"):
        checked(tmp_path / "nowhere")
    done = command(tmp_path)
    assert done.returncode == exit_codes.FAILED
    assert "no DICOM instance" in done.stderr


def test_exit_codes_tell_errors_from_none(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", 6)
    done = command(tmp_path / "in")
    assert (done.returncode, done.stderr) == (exit_codes.OK, "")
    assert "Q-GEO-01" in done.stdout
    paths[2].unlink()
    done = command(tmp_path / "in", "--html", tmp_path / "q.html", "--json", tmp_path / "q.json")
    assert done.returncode == exit_codes.FINDINGS
    assert "Slices missing: 1 (#2–#4: 6.00 mm)" in done.stdout
    assert "<svg" in (tmp_path / "q.html").read_text()
    assert json.loads((tmp_path / "q.json").read_text())["summary"]["error"] == 1


def test_json_on_stdout_is_json_alone(tmp_path: Path) -> None:
    write_series(tmp_path, 3)
    done = command(tmp_path, "--json", "-")
    assert done.returncode == exit_codes.OK
    assert json.loads(done.stdout)["totals"]["n_instances"] == 3


def test_ctrl_c_stops_the_workers_and_says_so(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", 30)
    for n in range(500):  # so many that it is at work for seconds
        (tmp_path / "in" / str(n)).mkdir()
        for path in paths:
            os.link(path, tmp_path / "in" / str(n) / path.name)
    line = [sys.executable, "-c", PROGRAM, "check", str(tmp_path / "in"), "--workers", "2"]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        until = time.monotonic() + 30
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
        while len(children.read_text().split()) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        workers = children.read_text().split()
        os.killpg(program.pid, signal.SIGINT)
        output, complaint = program.communicate(timeout=30)
    assert program.returncode == exit_codes.INTERRUPTED, complaint
    assert (output, "Traceback" in complaint) == ("", False), complaint
    assert "stopped; nothing was written" in complaint
    until = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < until, "a worker is left"
        time.sleep(0.02)


def test_a_wrong_command_line_is_a_usage_error(tmp_path: Path) -> None:
    assert command(tmp_path, "--clinical", "x.csv").returncode == exit_codes.USAGE
    assert command(tmp_path, "--language", "fi").returncode == exit_codes.USAGE
    assert command(tmp_path / "nowhere").returncode == exit_codes.FAILED
