"""The judges see what is wrong, and nothing but the kind of it."""

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from tessera.testing.judges import (
    dciodvfy_errors,
    dcmdump_errors,
    missing_judges,
    new_errors,
)

pytestmark = pytest.mark.skipif(
    bool(missing_judges()), reason=f"not installed: {', '.join(missing_judges())}"
)


@pytest.fixture
def ct() -> Path:
    return Path(str(get_testdata_file("CT_small.dcm")))


def test_a_whole_file_has_no_dcmdump_error(ct: Path) -> None:
    assert dcmdump_errors(ct) == frozenset()


def test_a_truncated_file_has_a_dcmdump_error(ct: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(ct.read_bytes()[:1500])
    assert dcmdump_errors(cut)


def test_a_missing_mandatory_attribute_is_a_new_error(ct: Path, tmp_path: Path) -> None:
    ds = dcmread(ct)
    del ds.SeriesInstanceUID, ds.Rows
    ds.save_as(tmp_path / "broken.dcm")
    errors = new_errors(ct, tmp_path / "broken.dcm")
    assert any("Series" in error and "UID" in error for error in errors["dciodvfy"])
    assert new_errors(ct, ct) == {}


def test_errors_do_not_name_values_or_the_file(ct: Path, tmp_path: Path) -> None:
    ds = dcmread(ct)
    ds.PatientSex = "SECRET"
    for number in (1, 2):
        ds.InstanceNumber = number
        ds.save_as(tmp_path / f"copy{number}.dcm")
    first, second = (dciodvfy_errors(tmp_path / f"copy{n}.dcm") for n in (1, 2))
    assert first == second
    assert first
    assert "SECRET" not in " ".join(first)
