"""The torture corpus: reproducible, readable, and its key says what is true of the files."""

import csv
import hashlib
import json
import re
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

import numpy as np
import pydicom
import pytest
import typer
from pydicom.dataset import Dataset
from stdnum.es import dni
from stdnum.gb import nhs
from stdnum.gr import amka
from stdnum.se import personnummer
from typer.testing import CliRunner

from tessera.cli.phantom import register
from tessera.domain.errors import InvalidInput
from tessera.phantom.hiding import encoding, generate_hiding_places
from tessera.phantom.hiding.burn import burn
from tessera.phantom.hiding.corpus import draw_study
from tessera.phantom.hiding.draft import Study
from tessera.phantom.hiding.people import LANGUAGES, luhn_from_left, make_patient, my_number
from tessera.phantom.hiding.spellings import day_in_words
from tessera.phantom.streams import stream
from tests.hiding_oracle import read_key

N_PATIENTS = 6
pytestmark = pytest.mark.filterwarnings("ignore:The value length:UserWarning")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hiding")
    generate_hiding_places(folder, n_patients=N_PATIENTS, seed=11)
    return folder


@pytest.fixture(scope="module")
def key(corpus: Path) -> list[dict]:
    return read_key(corpus / "key.jsonl")


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        generate_hiding_places(tmp_path / name, n_patients=1, seed=seed)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys().isdisjoint(other.keys() - {"key.jsonl"})


def test_a_patient_does_not_depend_on_how_many_there_are(corpus: Path, tmp_path: Path) -> None:
    generate_hiding_places(tmp_path, n_patients=1, seed=11)
    few, many = digests(tmp_path / "images"), digests(corpus / "images")
    assert few.items() <= many.items()


def test_every_file_is_small_and_in_the_key_once(corpus: Path, key: list[dict]) -> None:
    paths = sorted(path for path in (corpus / "images").rglob("*") if path.is_file())
    assert sorted(row["path"] for row in key) == [p.relative_to(corpus).as_posix() for p in paths]
    assert sum(path.stat().st_size for path in paths) / len(paths) < 200_000
    assert sum(len(row["checks"]) for row in key) / len(key) > 60


def test_the_key_tells_the_truth_about_each_file(corpus: Path, key: list[dict]) -> None:
    for row in key:
        ds = pydicom.dcmread(corpus / row["path"])
        assert ds.SOPInstanceUID == row["sop_instance_uid"]
        assert ds.SeriesInstanceUID == row["series_instance_uid"]
        assert ds.StudyInstanceUID == row["study_instance_uid"]
        assert ds.PatientID == row["patient_id"]
        if "PixelData" in ds and ds.file_meta.TransferSyntaxUID != encoding.JPEG_LOSSLESS:
            assert ds.pixel_array.size
        raw = (corpus / row["path"]).read_bytes()
        assert raw[128:132] == b"DICM"


def test_what_must_go_and_what_must_stay_stands_in_the_source(
    corpus: Path, key: list[dict]
) -> None:
    for row in key:
        ds = pydicom.dcmread(corpus / row["path"])
        for check in row["checks"]:
            if check["action"] in ("text_removed", "text_retained", "date_shifted"):
                tag = check["tag"]
                if tag.startswith("<(0002") or tag in ("preamble", "<(0042,0011)>"):
                    continue
                if "ARCHIVE" in tag:
                    continue  # a private sequence in implicit VR is bytes to a reader
                assert check["value"] in _text(ds, tag), (row["path"], check)


def _text(ds: Dataset, path: str) -> str:
    *above, last = path.split("[<")
    for number, step in enumerate(above):
        group, element = step.rsplit("<(", 1)[1].rstrip(")>").split(",", 1)
        item = (above[number + 1] if number + 1 < len(above) else last).split(">]")[0]
        ds = _element(ds, group, element).value[int(item)]
    group, element = last.rsplit("<(", 1)[1].rstrip(")>").split(",", 1)
    value = _element(ds, group, element).value
    many = value if isinstance(value, pydicom.multival.MultiValue) else [value]
    return "\\".join(
        text if isinstance(text := getattr(v, "original_string", v), str) else str(v) for v in many
    )


def _element(ds: Dataset, group: str, element: str) -> pydicom.DataElement:
    if '"' not in element:
        return ds[int(group, 16), int(element, 16)]
    creator, low = element.rsplit(",", 1)
    for block in range(0x10, 0x100):
        name = ds.get((int(group, 16), block))
        if name is not None and str(name.value).upper() == creator.strip('"'):
            return ds[int(group, 16), (block << 8) | int(low, 16)]
    raise KeyError(element)


def test_nothing_is_asked_to_stay_in_what_the_profile_removes(key: list[dict]) -> None:
    table = files("tessera.domain.deid") / "data" / "e1_1.csv"
    lines = table.read_text(encoding="utf-8").splitlines()[1:]
    options = (
        "clean_descriptors clean_structured_content retain_modified_dates retain_safe_private "
        "retain_patient_characteristics"
    ).split()
    removed = {
        row["tag"]
        for row in csv.DictReader(lines)
        if row["basic"].startswith("X") and not any(row[option] for option in options)
    }
    for row in key:
        for check in row["checks"]:
            if check["action"] in ("text_retained", "tag_retained", "interval_kept", "uid_kept"):
                steps = re.findall(r"<\((\w{4}),(\w{4})\)>", check["tag"])
                assert removed.isdisjoint("".join(step) for step in steps), check["tag"]


def test_all_hiding_places_languages_and_encodings_are_there(corpus: Path, key: list[dict]) -> None:
    places = {check["place"] for row in key for check in row["checks"]}
    wanted = (
        "nested nested-2 nested-3 unlisted segment-label roi-name document-title preamble "
        "trailing-padding overlay overlay-comment curve icon pdf sr-text waveform-annotation "
        "annotation file-meta "
        "frame-comment local-code-meaning private-safe private-foreign-creator private-sequence "
        "private-binary private-without-creator private-un private-creator-value specimen "
        "private-beside-safe burned-in-US burned-in-CR burned-in-OT hard-negative uid-in-text "
        "injection study-earlier-study rt-review sr-date original-attributes"
    )
    assert set(wanted.split()) <= places
    assert {check["language"] for row in key for check in row["checks"]} == set(LANGUAGES)
    seen = defaultdict(set)
    for row in key:
        ds = pydicom.dcmread(corpus / row["path"], stop_before_pixels=True)
        seen["syntax"].add(str(ds.file_meta.TransferSyntaxUID))
        seen["charset"].add(str(ds.get("SpecificCharacterSet", "")))
        seen["ending"].add(Path(row["path"]).suffix)
        seen["photometric"].add(ds.get("PhotometricInterpretation", ""))
    assert {encoding.BIG_ENDIAN, encoding.DEFLATED, encoding.IMPLICIT} <= seen["syntax"]
    assert {encoding.RLE, encoding.JPEG_BASELINE, encoding.JPEG_2000} <= seen["syntax"]
    assert {"ISO_IR 126", "ISO_IR 100", ""} <= seen["charset"]
    assert any("IR 87" in charset for charset in seen["charset"])
    assert "" in seen["ending"]
    assert {"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL_422"} <= seen["photometric"]


def test_national_numbers_have_their_check_digits() -> None:
    for number in range(24):
        patient = make_patient(1, number)
        if patient.language == "sv":
            assert personnummer.is_valid(patient.national[0])
        if patient.language == "el":
            assert amka.is_valid(patient.national[0])
        if patient.language == "es":
            assert dni.is_valid(patient.national[0])
        if patient.language == "en":
            assert nhs.is_valid(patient.national[0])
        if patient.language == "de":
            letter, rest = patient.national[0][0], patient.national[0][1:]
            assert luhn_from_left(f"{ord(letter) - 64:02d}{rest[:-1]}") == rest[-1]
    assert luhn_from_left("2411041167") == "5", "a published test number, X110411675"


def test_a_japanese_number_ends_in_its_check_digit() -> None:
    number = my_number(stream(3))
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(c) * w for c, w in zip(number, weights, strict=False)) % 11
    assert int(number[-1]) == (0 if rest <= 1 else 11 - rest)


def test_days_are_written_as_each_country_writes_them() -> None:
    day = make_patient(1, 0).shown_day.replace(year=2019, month=3, day=4)
    forms = {lang: [day_in_words(day, lang, n) for n in range(3)] for lang in LANGUAGES}
    assert forms["sv"][1] == "4 mars 2019"
    assert forms["de"] == ["04.03.2019", "4. März 2019", "04.03.19"]
    assert forms["es"][1] == "4 de marzo de 2019"
    assert forms["ja"][:2] == ["2019年3月4日", "令和1年3月4日"]


def test_a_burned_in_box_holds_all_the_ink() -> None:
    for bitmap in (False, True):
        before = np.zeros((60, 200), np.uint8)
        after = before.copy()
        box = burn(after, "QVARNFELDT", at=(150, 20), size=16, level=255.0, bitmap=bitmap)
        ink = after > 60
        ink[box.y : box.y + box.height, box.x : box.x + box.width] = False
        assert not ink.any()
        assert box.x + box.width <= 200


def test_the_lossless_jpeg_of_the_corpus_decodes_to_what_was_drawn() -> None:
    pytest.importorskip("gdcm")
    study = Study(make_patient(2, 0), 0, make_patient(2, 0).shown_day, 2)
    draft = next(d for d in draw_study(study) if d.ds.Modality == "CT")
    frame = stream("pixels").integers(0, 4096, (1, 24, 40)).astype(np.uint16)
    encoding.set_pixels(
        draft,
        frame,
        bits_stored=12,
        photometric="MONOCHROME2",
        syntax=encoding.JPEG_LOSSLESS,
    )
    assert (encoding.pixels_of(encoding.encoded(draft)) == frame[0]).all()


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidInput):
        generate_hiding_places(tmp_path, n_patients=1, seed=1)
    with pytest.raises(InvalidInput):
        generate_hiding_places(tmp_path / "new", n_patients=0, seed=1)


def test_the_command_writes_the_corpus_and_tells_how_much(tmp_path: Path) -> None:
    arguments = ["phantom", str(tmp_path / "out"), "--patients", "1", "--seed", "4"]
    app = typer.Typer()
    register(app)
    app.callback()(lambda: None)
    done = CliRunner().invoke(app, [*arguments, "--hiding-places", "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.output)
    assert summary["n_instances"] == len(read_key(tmp_path / "out" / "key.jsonl"))
    assert sum(summary["actions"].values()) == summary["n_checks"]
