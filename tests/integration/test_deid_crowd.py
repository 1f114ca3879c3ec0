"""`tessera deid --profile crowd`: nobody stands out in what is written."""

import json
import stat
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from typer import Typer
from typer.testing import CliRunner

from tessera.cli.register import register_all
from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice

_AGES = ("061Y", "062Y", "063Y", "064Y", "060Y", "084Y", "097Y")


app = Typer()
register_all(app)


def write_hospital(folder: Path) -> None:
    """Five women of 60 to 64, one of 84, one of 97; the first has a second study."""
    folder.mkdir()
    for n, age in enumerate(_AGES):
        for study in (2 * n + 1, 2 * n + 2)[: 2 if n == 0 else 1]:
            for number in (1, 2):
                one = ct_slice(number, patient=f"19121212-{1000 + n}", study=study)
                one.PatientAge, one.PatientName = age, f"Ek{n}^Åsa"
                one.PatientWeight, one.PatientComments = "71.3", "Sällsynt tumör"
                one.AcquisitionDate = "20240302"
                (folder / f"{study}-{number}").write_bytes(encoded(one))


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["deid", *map(str, words)])
    return done.exit_code, done.output


@pytest.fixture
def done(tmp_path: Path) -> tuple[Path, dict[str, object], dict[str, object]]:
    write_hospital(tmp_path / "in")
    code, said = run(
        tmp_path / "in", tmp_path / "out", "--profile", "crowd", "--no-pixels",
        "--workers", 1, "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert code == 3, said
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    return tmp_path / "out", report, report["crowd"]


def written(out: Path) -> dict[str, list[Dataset]]:
    by_patient: dict[str, list[Dataset]] = {}
    for path in sorted(out.rglob("*.dcm")):
        by_patient.setdefault(path.relative_to(out).parts[0], []).append(dcmread(path))
    return by_patient


def test_who_stands_out_is_held_back_and_the_rest_look_the_same(
    done: tuple[Path, dict[str, object], dict[str, object]],
) -> None:
    out, report, told = done
    patients = written(out)
    assert len(patients) == 5
    assert sorted(path.name for path in out.iterdir()) == sorted(patients)
    for ds in (ds for some in patients.values() for ds in some):
        assert (ds.PatientAge, float(ds.PatientWeight), ds.PatientSex) == ("060Y", 70, "F")
        assert "PatientComments" not in ds
        assert not ds.PatientBirthDate
        assert ds.DeidentificationMethod[3].startswith("crowd of 5 or more, key thrown away")
        assert ds.LongitudinalTemporalInformationModified == "MODIFIED"
        codes = {item.CodeValue for item in ds.DeidentificationMethodCodeSequence}
        assert {"113100", "113107", "113108"} <= codes
        assert "113104" not in codes  # structured content went
    assert told == {
        "k": 5,
        "patients": 5,
        "smallest_group": 5,
        "levels": told["levels"],
        "patients_held_back": 2,
    }
    held = [one for one in report["outcomes"] if one["state"] == "held"]  # type: ignore[attr-defined]
    assert {one["reason"] for one in held} == {"stands-out"}
    assert {Path(one["source"]).name for one in held} == {"11-1", "11-2", "13-1", "13-2"}


def test_intervals_stay_inside_a_study_and_nowhere_else(
    done: tuple[Path, dict[str, object], dict[str, object]],
) -> None:
    from datetime import datetime

    def day(text: str) -> datetime:
        return datetime.strptime(text, "%Y%m%d")  # noqa: DTZ007

    twice = next(some for some in written(done[0]).values() if len(some) == 4)
    by_study: dict[str, set[str]] = {}
    for ds in twice:
        by_study.setdefault(ds.StudyInstanceUID, set()).add(ds.StudyDate)
        assert (day(ds.AcquisitionDate) - day(ds.StudyDate)).days == 2
        assert ds.StudyDate < "20240229"
    assert [len(days) for days in by_study.values()] == [1, 1]
    assert len(set.union(*by_study.values())) == 2  # in the source: one day


def test_nothing_that_is_written_leads_back(
    done: tuple[Path, dict[str, object], dict[str, object]],
) -> None:
    out, report, _ = done
    assert not any(one["output"] for one in report["outcomes"])  # type: ignore[attr-defined]
    assert {path.name for path in out.parent.iterdir()} == {"in", "out", "r.json"}
    assert not stat.S_IMODE((out.parent / "r.json").stat().st_mode) & 0o077
    subjects = set(written(out))
    code, _ = run(out.parent / "in", out.parent / "again", "--profile", "crowd",
                  "--no-pixels", "--workers", 1)  # fmt: skip
    assert code == 3
    assert not subjects & set(written(out.parent / "again"))


@pytest.mark.parametrize("option", ["--key", "--mapping"])
def test_a_key_or_a_mapping_is_refused(tmp_path: Path, option: str) -> None:
    write_hospital(tmp_path / "in")
    code, said = run(
        tmp_path / "in", tmp_path / "out", "--profile", "crowd", option, tmp_path / "x"
    )
    assert code
    assert "lead back" in " ".join(said.split())
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    write_hospital(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("stays", "utf-8")
    code, said = run(tmp_path / "in", tmp_path / "out", "--profile", "crowd")
    assert code
    assert "not empty" in said
    assert (tmp_path / "out" / "mine").read_text("utf-8") == "stays"


def test_what_the_writing_leaves_out_counts(tmp_path: Path) -> None:
    """The fifth of a group is held for its pixels: the other four stand out then."""
    write_hospital(tmp_path / "in")
    for number in (1, 2):
        held = ct_slice(number, patient="19121212-1004", study=9)
        held.PatientAge, held.PatientWeight, held.BurnedInAnnotation = "060Y", "71.3", "YES"
        (tmp_path / "in" / f"9-{number}").write_bytes(encoded(held))
    code, _ = run(tmp_path / "in", tmp_path / "out", "--profile", "crowd", "--no-pixels",
                  "--workers", 1)  # fmt: skip
    assert code == 3
    assert list((tmp_path / "out").iterdir()) == []


def test_a_node_refuses_the_profile(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app,
        [
            "node",
            "init",
            str(tmp_path / "home"),
            "--profile",
            "crowd",
            "--name",
            "a",
            "--country",
            "SE",
        ],
    )
    assert done.exit_code
    assert "a node" in " ".join(done.output.split())
