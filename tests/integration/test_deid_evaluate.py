"""`tessera deid evaluate` on outputs of which it is known what is right and wrong in them."""

import csv
import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import typer
from pydicom.dataset import Dataset, FileMetaDataset
from typer.testing import CliRunner

from tessera.adapters.evaluation.keys import read_mapping
from tessera.bootstrap.deid_evaluate import evaluate
from tessera.cli.deid_evaluate import register
from tessera.domain.evaluation.key import ACTIONS, Box
from tessera.domain.evaluation.pixel_digest import digest_box, digest_outside
from tessera.domain.evaluation.scores import Scores

OLD, NEW = "1.2.3.4", "2.25.9"
NAME = "Söderberg^Anna"
BOX = Box(0, 2, 20, 92, 16, "SODERBERG")
Change = Callable[[Dataset], object]


def pixels(*, hidden: bool) -> np.ndarray:
    picture = np.random.default_rng(1).integers(0, 200, (96, 96), dtype=np.uint8)
    if hidden:
        picture[BOX.y : BOX.y + BOX.height, BOX.x : BOX.x + BOX.width] = 0
    return picture


def instance(root: str, number: int, *, clean: bool) -> Dataset:
    """The source (clean=False), or what an oracle that reads the key makes of it."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    uid = f"{root}.1.1.{number}"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{root}.1", f"{root}.1.1"
    ds.FrameOfReferenceUID = "1.2.840.10008.1.4.1.1"
    ds.SpecificCharacterSet, ds.Modality, ds.StudyID, ds.AccessionNumber = (
        "ISO_IR 192",
        "OT",
        "",
        "",
    )
    ds.PatientName, ds.PatientID = ("P1", "P1") if clean else (NAME, "19801212-5678")
    ds.PatientBirthDate, ds.PatientSex = "" if clean else "19801212", "F"
    ds.StudyDate, ds.StudyTime = "20200101" if clean else "20230405", "101010"
    ds.AcquisitionDate = "20200103" if clean else "20230407"
    ds.ReferringPhysicianName = "" if clean else "Berg^Olof"
    ds.SeriesDescription = "T1 axial liver" + ("" if clean else " Söderberg")
    item = Dataset()
    item.ReferencedSOPClassUID = ds.SOPClassUID
    item.ReferencedSOPInstanceUID = f"{root}.1.1.{3 - number}"
    ds.ReferencedImageSequence = [item]
    block = ds.private_block(0x0019, "ACME 1", create=True)
    if not clean:
        block.add_new(0x10, "LO", "Söderberg")
    if clean:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
        code.CodeMeaning = "Basic Application Confidentiality Profile"
        ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified = "YES", "MODIFIED"
        ds.DeidentificationMethodCodeSequence = [code]
    ds.Rows = ds.Columns = 96
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation, ds.SamplesPerPixel = 7, 0, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = pixels(hidden=clean).tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def checks(number: int) -> list[dict[str, str]]:
    series, image = "<(0008,103E)>", "<(7FE0,0010)>"
    stated = [
        ("text_removed", series, "Söderberg"),
        ("text_removed", "<(0010,0010)>", NAME),
        ("tag_removed", '<(0019,"ACME 1",10)>', "Söderberg"),
        ("date_shifted", "<(0008,0020)>", "20230405"),
        ("uid_changed", "<(0008,0018)>", f"{OLD}.1.1.{number}"),
        ("pixels_hidden", image, BOX.text),
        ("no_identity_anywhere", "", ""),
        ("path_clean", "", ""),
        ("tag_retained", "<(0010,0040)>", "F"),
        ("text_notnull", "<(0020,000D)>", ""),
        ("text_retained", series, "T1 axial liver"),
        ("pixels_retained", image, digest_outside(pixels(hidden=False), [BOX], 8)),
        ("interval_kept", "<(0008,0020)>", "<(0008,0022)>||172800"),
        ("interval_kept", "<(0008,0020)>+<(0008,0030)>", f"<(0008,0022)>|{OLD}.1.1.2|136190"),
        ("uid_kept", "<(0020,0052)>", "1.2.840.10008.1.4.1.1"),
        ("uid_consistent", "<(0008,0018)>", f"{OLD}.1.1.{number}"),
        ("patid_consistent", "<(0010,0020)>", "19801212-5678"),
        ("reference_resolves", "<(0008,1140)>[<0000>]<(0008,1155)>", f"{OLD}.1.1.{3 - number}"),
        ("provenance_true", "<(0012,0062)>", ""),
        ("provenance_true", "<(0012,0064)>", ""),
        ("provenance_true", "<(0028,0303)>", ""),
        ("dicom_valid", "", ""),
    ]  # fmt: skip
    return [
        {"action": a, "tag": t, "value": v, "category": "c", "language": "sv", "place": "p"}
        for a, t, v in stated
    ]


def write_key(folder: Path) -> Path:
    box = {
        **{name: getattr(BOX, name) for name in ("frame", "x", "y", "width", "height", "text")},
        "harmless": False,
        "sha256": digest_box(pixels(hidden=False), BOX, 8),
    }
    lines: list[dict[str, object]] = [{"tessera_answer_key": 1}]
    for number in (1, 2):
        lines.append(
            {
                "path": f"{number}",
                "sop_instance_uid": f"{OLD}.1.1.{number}",
                "series_instance_uid": f"{OLD}.1.1",
                "study_instance_uid": f"{OLD}.1",
                "patient_id": "19801212-5678",
                "checks": checks(number),
                "identities": [
                    {"kind": "name", "value": NAME},
                    {"kind": "id", "value": "19801212-5678"},
                    {"kind": "birth_date", "value": "19801212"},
                    {"kind": "physician", "value": "Berg^Olof"},
                ],
                "boxes": [box],
            }
        )
    key = folder / "key.jsonl"
    key.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return key


def write_mapping(folder: Path, new: str, patient: str) -> Path:
    folder.mkdir()
    ends = (".1", ".1.1", ".1.1.1", ".1.1.2")
    tables = {
        "uids.csv": [(OLD + end, new + end) for end in ends],
        "patients.csv": [("19801212-5678", patient)],
    }
    for name, rows in tables.items():
        with (folder / name).open("w", newline="") as out:
            csv.writer(out).writerows([("id_old", "id_new"), *rows])
    return folder


def write_outputs(
    out: Path, *, clean: bool, change: Change = lambda ds: None, name: str = "x"
) -> Path:
    out.mkdir()
    for number in (1, 2):
        ds = instance(NEW if clean else OLD, number, clean=clean)
        if number == 1:
            change(ds)
        pydicom.dcmwrite(out / f"{name}-{number}.dcm", ds, enforce_file_format=True)
    return out


def scored(tmp_path: Path, *, clean: bool = True, **options: object) -> Scores:
    out = write_outputs(tmp_path / "out", clean=clean, **options)  # type: ignore[arg-type]
    tables = write_mapping(tmp_path / "m", *((NEW, "P1") if clean else (OLD, "19801212-5678")))
    mapping = read_mapping(tables / "uids.csv", tables / "patients.csv")
    return evaluate(out, write_key(tmp_path), mapping, workers=1)[0]


def percents(scores: Scores) -> dict[str, float | None]:
    return {action: tally.percent for action, tally in scores.all.actions.items()}


def test_an_oracle_that_reads_the_key_passes_every_action(tmp_path: Path) -> None:
    scores = scored(tmp_path)
    assert [(f.verdict.check.action, f.verdict.found) for f in scores.failures] == []
    assert percents(scores) == dict.fromkeys(ACTIONS, 100.0) | percents(scores)
    assert set(scores.all.actions) == set(ACTIONS)
    assert scores.all.headline == pytest.approx(100) and scores.all.n_leaky == 0


def test_the_untouched_input_has_no_privacy_and_all_utility(tmp_path: Path) -> None:
    scores = scored(tmp_path, clean=False, name="Söderberg")
    assert scores.all.group("privacy") == 0, percents(scores)
    assert scores.all.group("utility") == 100, percents(scores)
    assert scores.all.n_leaky == scores.all.n_with_identity == 2
    assert scores.all.clinical_percent == 100


def _tail_of_pixels(ds: Dataset) -> None:
    changed = pixels(hidden=True)
    changed[90, 90] ^= 1
    ds.PixelData = changed.tobytes()


BROKEN: dict[str, Change] = {
    "text_removed": lambda ds: setattr(ds, "SeriesDescription", "T1 axial liver SÖDERBERG"),
    "tag_removed": lambda ds: ds.private_block(0x0019, "ACME 1").add_new(0x10, "LO", "x"),
    "date_shifted": lambda ds: setattr(ds, "StudyDate", "20230405"),
    "pixels_hidden": lambda ds: setattr(ds, "PixelData", pixels(hidden=False).tobytes()),
    "no_identity_anywhere": lambda ds: setattr(ds, "PatientComments", "anna söderberg"),
    "tag_retained": lambda ds: delattr(ds, "PatientSex"),
    "text_notnull": lambda ds: setattr(ds, "StudyInstanceUID", ""),
    "text_retained": lambda ds: setattr(ds, "SeriesDescription", "T1"),
    "pixels_retained": _tail_of_pixels,
    "interval_kept": lambda ds: setattr(ds, "AcquisitionDate", "20200104"),
    "uid_kept": lambda ds: setattr(ds, "FrameOfReferenceUID", "2.25.77"),
    "patid_consistent": lambda ds: setattr(ds, "PatientID", "P2"),
    "reference_resolves": lambda ds: setattr(
        ds.ReferencedImageSequence[0], "ReferencedSOPInstanceUID", "2.25.8"
    ),
    "provenance_true": lambda ds: setattr(
        ds, "LongitudinalTemporalInformationModified", "UNMODIFIED"
    ),
    "dicom_valid": lambda ds: delattr(ds, "StudyID"),
}


@pytest.mark.parametrize("action", BROKEN)
def test_a_fault_of_each_kind_is_found_and_only_in_its_instance(
    tmp_path: Path, action: str
) -> None:
    scores = scored(tmp_path, change=BROKEN[action])
    found = [f for f in scores.failures if f.verdict.check.action == action]
    assert found, percents(scores)
    assert {f.sop_instance_uid for f in found} == {f"{OLD}.1.1.1"}


def test_a_path_and_a_uid_that_stay_are_found(tmp_path: Path) -> None:
    assert percents(scored(tmp_path, name="anna"))["path_clean"] == 0


def test_a_uid_that_stays_is_found(tmp_path: Path) -> None:
    out = write_outputs(tmp_path / "out", clean=False)
    tables = write_mapping(tmp_path / "m", OLD, "P1")
    mapping = read_mapping(tables / "uids.csv", tables / "patients.csv")
    assert percents(evaluate(out, write_key(tmp_path), mapping, workers=1)[0])["uid_changed"] == 0


def test_a_uid_that_is_not_what_the_mapping_says_is_found(tmp_path: Path) -> None:
    out = write_outputs(tmp_path / "out", clean=True)
    key = write_key(tmp_path)
    text = key.read_text(encoding="utf-8").replace(
        '"uid_consistent", "tag": "<(0008,0018)>"', '"uid_consistent", "tag": "<(0020,000D)>"'
    )
    key.write_text(text, encoding="utf-8")
    tables = write_mapping(tmp_path / "m", NEW, "P1")
    mapping = read_mapping(tables / "uids.csv", tables / "patients.csv")
    assert percents(evaluate(out, key, mapping, workers=1)[0])["uid_consistent"] == 0


def test_what_was_held_back_is_lost_in_one_figure_and_left_out_of_the_other(tmp_path: Path) -> None:
    out = write_outputs(tmp_path / "out", clean=True)
    (out / "x-2.dcm").write_bytes(b"no DICOM")
    tables = write_mapping(tmp_path / "m", NEW, "P1")
    mapping = read_mapping(tables / "uids.csv", tables / "patients.csv")
    scores, _ = evaluate(out, write_key(tmp_path), mapping, workers=1)
    assert scores.not_written == [f"{OLD}.1.1.2"] and scores.n_unreadable == 1
    assert percents(scores)["tag_retained"] == 50
    assert scores.written.actions["tag_retained"].percent == 100
    assert scores.written.actions["reference_resolves"].percent == 0, "its target was held"


def midi_b_database(path: Path) -> Path:
    """A database of MIDI-B's documented shape, one row per instance, values in brackets."""
    known = [
        c for c in checks(1) if c["action"] in ("text_removed", "text_retained", "uid_consistent")
    ]
    answers = {
        str(i): {
            "tag": c["tag"][:13],
            "tag_ds": c["tag"].lower(),
            "tag_name": "",
            "value": f"<{c['value']}>",
            "action": f"<{c['action']}>",
            "action_text": f"<{c['value']}>" if c["action"].startswith("text") else None,
            "answer_category_v2": ["hipaa"],
        }
        for i, c in enumerate(known)
    }
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE answer_data (scope TEXT, PatientID TEXT, StudyInstanceUID TEXT, "
            "SeriesInstanceUID TEXT, SOPInstanceUID TEXT, AnswerData TEXT)"
        )
        ids = ("19801212-5678", f"{OLD}.1", f"{OLD}.1.1", f"{OLD}.1.1.1")
        database.execute(
            "INSERT INTO answer_data VALUES ('<Instance>', ?, ?, ?, ?, ?)",
            (*ids, json.dumps(answers)),
        )
    database.close()
    return path


def command() -> typer.Typer:
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    return app


def test_midi_bs_own_database_runs_in_one_command(tmp_path: Path) -> None:
    out = write_outputs(tmp_path / "out", clean=True, change=BROKEN["text_removed"])
    tables = write_mapping(tmp_path / "m", NEW, "P1")
    key = midi_b_database(tmp_path / "answers.db")
    arguments = ["evaluate", str(out), "--key", str(key), "--uids", str(tables / "uids.csv")]
    arguments += ["--patients", str(tables / "patients.csv"), "--json", "-", "--workers", "1"]
    done = CliRunner().invoke(command(), arguments)
    assert done.exit_code == 0, done.output
    body = json.loads(done.stdout)
    assert body["key"] == "midi-b" and body["n_foreign"] == 1
    assert body["all"]["actions"]["text_removed"]["percent"] == 50
    assert body["all"]["actions"]["text_retained"]["percent"] == 100
    assert body["all"]["midi_b"] == 75
    assert "derberg" not in done.stdout.lower(), "stdout names nobody"


@pytest.mark.parametrize("language", ["en", "sv"])
def test_the_reports_stay_with_their_owner_and_run_nothing(tmp_path: Path, language: str) -> None:
    out = write_outputs(tmp_path / "out", clean=True, change=BROKEN["no_identity_anywhere"])
    tables = write_mapping(tmp_path / "m", NEW, "P1")
    page, scores = tmp_path / "e.html", tmp_path / "e.json"
    arguments = ["evaluate", str(out), "--key", str(write_key(tmp_path)), "--mapping", str(tables)]
    arguments += ["--html", str(page), "--json", str(scores), "--language", language]
    done = CliRunner().invoke(command(), [*arguments, "--fail-under", "99.9"])
    assert done.exit_code == 4, done.output
    assert "headline" in done.stdout and "derberg" not in done.stdout.lower()
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "http" not in text and "no_identity_anywhere" in text
    assert NAME in text
    for path in (page, scores):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_burned_in_text_is_read_when_no_digest_tells(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    from PIL import Image, ImageDraw, ImageFont

    out = write_outputs(tmp_path / "out", clean=True, change=_burned(Image, ImageDraw, ImageFont))
    tables = write_mapping(tmp_path / "m", NEW, "P1")
    mapping = read_mapping(tables / "uids.csv", tables / "patients.csv")
    scores, _ = evaluate(out, write_key(tmp_path), mapping, only=["pixels_hidden"], workers=1)
    assert [f.verdict.reason for f in scores.failures] == ["still-readable"]
    assert set(scores.all.actions) == {"pixels_hidden"}


def _burned(image: object, draw: object, font: object) -> Change:
    def change(ds: Dataset) -> None:
        picture = image.new("L", (96, 96), 20)  # type: ignore[attr-defined]
        face = font.load_default(size=14)  # type: ignore[attr-defined]
        draw.Draw(picture).text((4, 19), "SODERBERG", fill=250, font=face)  # type: ignore[attr-defined]
        ds.PixelData = picture.tobytes()

    return change
