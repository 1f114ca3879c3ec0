"""What leaves, side by side: a second program reads both files."""

import json
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from tessera.adapters.files.header_compare import compare_headers
from tessera.domain.errors import InvalidDicom

TESSERA = Path(sys.executable).with_name("tessera")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("compare")
    before = folder / "in" / "a.dcm"
    before.parent.mkdir()
    ds = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    ds.PatientName = "Ångström^Åsa"
    item = pydicom.Dataset()
    item.ScheduledProcedureStepDescription = "CT thorax"
    item.RequestedProcedureID = "REQ-778812"
    ds.RequestAttributesSequence = [item]
    ds.save_as(before)
    command = [TESSERA, "deid", str(before.parent), str(folder / "out"), "--no-pixels"]
    subprocess.run(command, check=True, capture_output=True)
    (after,) = (folder / "out").rglob("*.dcm")
    return before, after


def test_each_element_is_told_before_and_after(pair: tuple[Path, Path]) -> None:
    lines = {line.path: line for line in compare_headers(*pair)}
    name = lines["(0010,0010)"]
    assert (name.before.value, name.change, name.keyword) == (
        "Ångström^Åsa",
        "changed",
        "PatientName",
    )
    assert name.after.startswith("TES-")
    assert lines["(0012,0062)"].change == "added"
    assert lines["(0010,0040)"].change == "kept"
    assert "Ångström" not in repr(name)
    paths = list(lines)
    assert paths == sorted(paths)
    nested = [line for path, line in lines.items() if path.startswith("(0040,0275)")]
    assert nested
    assert {line.change for line in nested} <= {"kept", "changed", "removed"}


def test_the_command_shows_them_side_by_side(pair: tuple[Path, Path]) -> None:
    command = [str(TESSERA), "deid", "compare", *map(str, pair)]
    done = subprocess.run([*command, "--changes"], check=True, capture_output=True, text=True)
    assert "~ (0010,0010) PatientName" in done.stdout
    assert "+ (0012,0062)" in done.stdout
    assert "PatientSex" not in done.stdout
    told = json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True).stdout)
    assert {"path", "keyword", "vr", "before", "after", "change"} == told[0].keys()


def test_what_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff" * 300)
    with pytest.raises((InvalidDicom, OSError)):
        compare_headers(tmp_path / "x", tmp_path / "gone")
