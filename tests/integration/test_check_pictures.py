"""`tessera check` with pictures, and choosing among the checks, on real files."""

import base64
import json
import re
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tessera.adapters.files.check_pictures import Pictured, png_of, read_pictures
from tessera.adapters.sqlite_node import SqliteInstanceIndex
from tessera.bootstrap.check import Checked, CheckRequest, Pixels, checked, render_html
from tessera.bootstrap.check_pictures import chosen
from tessera.cli import app, exit_codes
from tessera.cli.register import register_all
from tessera.domain.errors import InvalidInput
from tessera.domain.quality.selection import chosen_checks
from tessera.node.check_arrived import check_arrived
from tessera.testing.node_stores import sealed
from tests.integration.dicom_files import write_series, write_slice
from tests.unit.domain.quality_rows import stack
from tests.unit.domain.test_quality_pictures import body


@pytest.fixture(scope="module", autouse=True)
def _commands() -> None:
    register_all(app)


def run(target: Path, *only: str, pixels: Pixels = Pixels.FEW, **values: object) -> Checked:
    request = CheckRequest(
        target=target,
        pixels=pixels,
        checks=chosen_checks(only),
        **values,  # type: ignore[arg-type]
    )
    return checked(request, on_total=lambda _: None, on_outcome=lambda _: None)


def stored(plane: np.ndarray) -> dict[str, object]:
    pixels = np.clip(plane, 0, 4000).astype("<u2")
    return {"PixelData": pixels.tobytes(), "Rows": plane.shape[0], "Columns": plane.shape[1]}


def test_one_picture_of_two_subjects_is_found_and_both_are_shown(tmp_path: Path) -> None:
    own = {"Modality": "MR", "PatientID": "P1", "StudyInstanceUID": "2.25.1"}
    other = {"Modality": "MR", "PatientID": "P2", "StudyInstanceUID": "2.25.2"}
    write_slice(tmp_path / "a", 1, series="2.25.10", **own, **stored(body(1)))
    write_slice(tmp_path / "b", 1, series="2.25.20", **other, **stored(2 * body(1)[4:]))
    write_slice(tmp_path / "c", 1, series="2.25.30", **other, **stored(body(2)))
    done = run(tmp_path, "Q-UNI")
    (told,) = done.report.findings
    assert (told.kind, told.evidence["subjects"]) == ("near-subjects", "P1, P2")
    assert set(done.pictures) == {"2.25.10.1", "2.25.20.1"}
    page = render_html(done.report, title="x", language="sv", pictures=done.pictures)
    shown = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(shown) == 2
    assert Image.open(BytesIO(base64.b64decode(shown[0]))).size == (128, 128)
    assert "Två personer har samma bild" in page
    assert json.loads(done.report.to_json())["findings"][0]["pictures"]


def test_few_pictures_of_a_series_are_spread_over_it_and_all_are_all() -> None:
    rows = [*stack([float(n) for n in range(40)]), *stack([0.0, 1.0], uid="2.25.11")]
    numbers = [row.instance_number for row in chosen(rows, Pixels.FEW)]
    assert numbers == [11, 21, 31, 1, 2]
    assert len(chosen(rows, Pixels.ALL)) == 42


def test_a_picture_that_cannot_be_decoded_stops_nothing(tmp_path: Path) -> None:
    good = write_slice(tmp_path / "a", 1, **stored(body(1)))
    cut = write_slice(tmp_path / "b", 2)
    cut.write_bytes(cut.read_bytes()[:-100])
    batch = [Pictured(str(path), "u", "CT") for path in (cut, good, tmp_path / "nowhere")]
    figures = read_pictures(batch)
    assert [one is not None for one in figures] == [False, True, False]
    assert png_of(batch[0]) == b""


def test_headers_are_read_for_the_checks_that_need_them(tmp_path: Path) -> None:
    for n in range(1, 5):
        write_slice(tmp_path / str(n), n, SeriesDescription="CT HEAD", KVP="1.2")
    done = run(tmp_path, "Q-HDR", pixels=Pixels.NONE, checked_on=date(2019, 1, 1))
    assert {item.kind for item in done.report.findings} == {
        "value-unlikely",
        "date-future",
        "body-part-disagrees",
    }
    assert list(done.pictures) == ["2.25.10.3"]


def test_checks_are_chosen_by_id_beginning_and_dimension() -> None:
    assert [check.id for check in chosen_checks(["Q-INT-01"])] == ["Q-INT-01"]
    geometry = [check.id for check in chosen_checks(["GEO"], ["Q-GEO-02"])]
    assert geometry == ["Q-GEO-01", "Q-GEO-03", "Q-GEO-04", "Q-GEO-05", "Q-GEO-06"]
    assert {check.dimension.value for check in chosen_checks(["accuracy"])} == {"accuracy"}
    with pytest.raises(InvalidInput, match="--list"):
        chosen_checks(["Q-XYZ"])


def test_the_command_lists_chooses_and_filters(tmp_path: Path) -> None:
    for n, path in enumerate(write_series(tmp_path / "in", 6), 1):
        if n == 3:
            path.unlink()
    write_slice(tmp_path / "in" / "copy", 1)
    runner = CliRunner()
    listed = runner.invoke(app, ["check", "--list", "--only", "Q-IMG", "--json", "-"])
    assert [one["id"] for one in json.loads(listed.stdout)] == [f"Q-IMG-0{n}" for n in range(1, 7)]
    assert all(one["needs_pixels"] for one in json.loads(listed.stdout))
    options = ["--skip", "Q-T1", "--severity", "error", "--json", "-"]
    done = runner.invoke(app, ["check", str(tmp_path / "in"), *options])
    body_ = json.loads(done.stdout)
    assert done.exit_code == exit_codes.FINDINGS
    assert {item["severity"] for item in body_["findings"]} == {"error"}
    assert not any(item["id"].startswith("Q-T1") for item in body_["checks"])
    wrong = runner.invoke(app, ["check", str(tmp_path), "--only", "Q-NONE"])
    assert wrong.exit_code == exit_codes.FAILED
    assert runner.invoke(app, ["check", "x", "--pixels", "some"]).exit_code == exit_codes.USAGE


def test_a_check_of_an_ingest_looks_at_the_studies_that_came(tmp_path: Path) -> None:
    index = SqliteInstanceIndex(tmp_path / "index.sqlite")
    rows = stack([0.0, 3.0, 6.0, 12.0, 15.0, 18.0])
    index.put(sealed(*rows, *stack([0.0, 1.0, 5.0], uid="2.25.44", study_uid="2.25.99")))
    report = check_arrived(index, [rows[0].instance_uid], ())
    assert [item.kind for item in report.findings] == ["slices-missing"]
    assert "Q-LNK-02" not in {item.check.id for item in report.coverage}
