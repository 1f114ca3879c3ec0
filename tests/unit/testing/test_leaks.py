"""The searcher must find what is planted, or a clean result means nothing."""

import base64
import gzip
import json
import sqlite3
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

from tessera.testing.leaks import Leak, find_identities

NAME = "Sjöström-Åkerlind^Gunnel^^Dr"


def found(tmp_path: Path, content: bytes, *identities: str, name: str = "file.bin") -> list[Leak]:
    (tmp_path / name).write_bytes(content)
    return find_identities([tmp_path], identities)


SPELLINGS = (
    "Sjöström-Åkerlind^Gunnel^^Dr",
    "SJÖSTRÖM-ÅKERLIND",
    "sjöström",
    "pat Åkerlinds svar",
    "sjostrom",
    "Akerlind",
    "Sjoestroem",
    "Gunnel Sjöström-Åkerlind",
    "SJOSTROM-AKERLIND, GUNNEL",
    "gunnel",
)


def _can(text: str, encoding: str) -> bool:
    try:
        return bool(text.encode(encoding))
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (text, encoding)
        for text in SPELLINGS
        for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "iso8859-2", "cp1252")
        if _can(text, encoding)
    ],
)
def test_a_name_is_found_in_each_spelling_and_encoding(
    tmp_path: Path, text: str, encoding: str
) -> None:
    assert found(tmp_path, f"abc {text} def".encode(encoding), NAME)


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("Παπαδόπουλος^Γιώργος", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "iso8859-7"),
        ("Παπαδόπουλος^Γιώργος", "Παπαδόπουλος", "utf-8"),
        ("Παπαδόπουλος^Γιώργος", "Papadopoulos", "ascii"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田^太郎", "shift_jis"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田太郎", "iso2022_jp"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "やまだ", "utf-8"),
        ("Иванов^Сергей", "ИВАНОВ", "iso8859-5"),
    ],
)
def test_names_in_other_scripts_are_found(
    tmp_path: Path, name: str, text: str, encoding: str
) -> None:
    assert found(tmp_path, b"\x00\x01" + text.encode(encoding) + b"\x00", name)


@pytest.mark.parametrize(
    "text",
    [
        "19501119",
        "1950-11-19",
        "19/11/1950",
        "19.11.1950",
        "1950.11.19",
        "1950/11/19",
        "11/19/1950",
    ],
)
def test_a_date_is_found_in_each_form(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, f"born {text}.".encode(), "19501119")


def test_a_date_with_single_digits_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, b"f. 3.4.1950", "19500403")


@pytest.mark.parametrize(
    "text", ["19501119-1234", "195011191234", "501119-1234", "5011191234", "19501119 1234"]
)
def test_an_identifier_is_found_with_and_without_its_dashes(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, f"id={text};".encode(), "19501119-1234")


def test_an_identifier_given_bare_is_found_with_letters_in_any_case(tmp_path: Path) -> None:
    assert found(tmp_path, b"pid00042ab", "PID00042AB")


def test_offset_form_and_identity_of_a_leak_are_told(tmp_path: Path) -> None:
    (leak,) = found(tmp_path, b"0123456789 gunnel", "Gunnel")
    assert (leak.offset, leak.identity, leak.form) == (11, "Gunnel", "name, utf-8")


def test_json_escapes_are_found(tmp_path: Path) -> None:
    assert found(tmp_path, json.dumps({"x": "Sjöström"}).encode(), NAME)


def test_what_an_envelope_carries_in_base64_is_found(tmp_path: Path) -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"who": "Gunnel Sj"}).encode()).rstrip(b"=")
    leaks = found(tmp_path, b"eyJhbGciOiJFZERTQSJ9." + payload + b".c2ln", NAME)
    assert [leak.where.split(" at")[0] for leak in leaks] == ["base64"]


@pytest.mark.parametrize("packing", ["gzip", "zlib", "zip", "zip in gzip"])
def test_what_is_packed_is_found(tmp_path: Path, packing: str) -> None:
    text = b"x" * 5000 + "Sjöström".encode()
    with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", text)
    zipped = (tmp_path / "inner.zip").read_bytes()
    (tmp_path / "inner.zip").unlink()
    raw = {
        "gzip": gzip.compress(text),
        "zlib": zlib.compress(text),
        "zip": zipped,
        "zip in gzip": gzip.compress(zipped),
    }[packing]
    assert b"Sj" not in raw
    assert found(tmp_path, raw, NAME)


def test_names_of_files_folders_and_zip_members_are_searched(tmp_path: Path) -> None:
    (tmp_path / "Gunnel").mkdir()
    assert found(tmp_path, b"", NAME, name="Gunnel/a.txt")[0].offset == -1
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("Sjostrom.txt", b"")
    assert find_identities([tmp_path / "b.zip"], [NAME])


def test_parquet_columns_are_read_as_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "note": ["a" * 100, "seen by Gunnel"],
            "when": pa.array(np.array(["1950-11-19", "2001-01-01"], dtype="datetime64[D]")),
            "many": [["x"], ["Åkerlind"]],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
    leaks = find_identities([tmp_path], [NAME, "19501119"])
    assert {leak.where for leak in leaks} >= {
        f"parquet column {name}" for name in ("note", "when", "many")
    }


def test_sqlite_pages_are_searched(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        database.execute("create table t (x)")
        database.execute("insert into t values ('Gunnel')")
    database.close()
    assert find_identities([tmp_path], [NAME])


def _dicom(path: Path, syntax: str, *, pixels: bytes = b"", tail: bytes = b"") -> None:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = generate_uid()
    ds.SpecificCharacterSet = "ISO_IR 100"
    inner = Dataset()
    inner.PatientName = "Sjöström^Gunnel"
    ds.RequestAttributesSequence = [inner]
    if pixels:
        ds.Rows, ds.Columns, ds.BitsAllocated = 100, len(pixels) // 200, 16
        ds.PixelData = pixels
        ds["PixelData"].VR = "OW"
    ds.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(tail)


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        pytest.param(ExplicitVRBigEndian, id="big endian"),
    ],
)
def test_nested_elements_of_a_dicom_file_are_found_whatever_its_syntax(
    tmp_path: Path, syntax: str
) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, 200_000, dtype=np.uint8).tobytes()
    _dicom(tmp_path / "a.dcm", syntax, pixels=pixels)
    assert {leak.identity for leak in find_identities([tmp_path], [NAME, "Gunnel"])} == {
        NAME,
        "Gunnel",
    }


def test_random_pixels_give_no_false_alarm(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    for number in range(4):
        pixels = rng.integers(0, 256, 8_000_000, dtype=np.uint8).tobytes()
        _dicom(tmp_path / f"{number}.dcm", ExplicitVRLittleEndian, pixels=pixels)
    names = ["Berg^Nils", "Ek^Olof", "Roos^Ulla", "123456", "194011"]
    assert find_identities([tmp_path], names) == []


def test_dark_16_bit_pixels_are_not_taken_for_utf_16(tmp_path: Path) -> None:
    dark = np.random.default_rng(4).integers(97, 123, 2_000_000).astype("<u2").tobytes()
    _dicom(tmp_path / "dark.dcm", ExplicitVRLittleEndian, pixels=dark)
    assert find_identities([tmp_path], ["Berg^Nils", "Ek^Olof", "Roos^Ulla"]) == []


def test_long_forms_are_found_in_pixels_and_all_forms_behind_them(tmp_path: Path) -> None:
    pixels = bytes(5000) + b"Sjostrom Gunnel " + bytes(5000)
    _dicom(tmp_path / "in.dcm", ExplicitVRLittleEndian, pixels=pixels)
    _dicom(tmp_path / "behind.dcm", ExplicitVRLittleEndian, pixels=bytes(10_000), tail=b" Nils ")
    leaks = find_identities([tmp_path], ["Sjostrom^Gunnel", "Nils"])
    assert {(leak.path.name, leak.identity) for leak in leaks} >= {
        ("in.dcm", "Sjostrom^Gunnel"),
        ("behind.dcm", "Nils"),
    }
    assert any(leak.path.name == "in.dcm" and leak.offset > 5000 for leak in leaks)


def test_a_form_across_the_border_of_two_chunks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera.testing.leaks._CHUNK", 1000)
    assert found(tmp_path, b"\x00" * 997 + b"gunnel" + b"\x00" * 2000, NAME)[0].offset == 997


@pytest.mark.parametrize("text", ["annan", "TES-ABANNAXYZ2345678", "savannah"])
def test_a_short_name_inside_another_word_is_no_leak(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text.encode(), "Anna") == []


@pytest.mark.parametrize("text", ["Anna", "annas svar", "^Anna", "ANNA1950", "x_anna_y"])
def test_a_short_name_as_a_word_is_a_leak(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text.encode(), "Anna")


@pytest.mark.parametrize(
    ("text", "is_leak"),
    [
        (b'"x":"XvMpFaNpEaCFpGf_anna-6Xu2qudA5hv7yri1oS8evqMVs"', False),
        (b"/people/anna/studies-and-series/images", True),
        (b'"referrer":"anna","key":"XvMpFaNpEaCFpGf6Xu2qudA5hv7yri"', True),
    ],
)
def test_a_short_name_by_chance_in_base64_is_no_leak(
    tmp_path: Path, text: bytes, *, is_leak: bool
) -> None:
    assert bool(found(tmp_path, text, "Anna")) is is_leak


@pytest.mark.parametrize("text", ["2.25.1783785001", "17837850", "7837851"])
def test_a_short_number_inside_a_longer_one_is_no_leak(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text.encode(), "783785") == []


def test_a_date_counts_before_a_time_but_not_inside_a_uid(tmp_path: Path) -> None:
    assert found(tmp_path, b"20161017123000.5", "20161017")
    assert found(tmp_path, b"2.25.98120161017123", "20161017") == []


def test_a_part_that_is_a_common_word_counts_only_with_the_rest(tmp_path: Path) -> None:
    assert found(tmp_path, b"left lung, station 4", "Lund^Maj", "Lung^Berit") == []
    assert found(tmp_path, b"Lund, Maj", "Lund^Maj")


def test_an_identity_too_short_to_be_looked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too short"):
        find_identities([tmp_path], ["Bo"])


def test_ten_thousand_identities_and_a_megabyte_take_seconds(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(np.random.default_rng(3).bytes(1_000_000) + b"p0004242x")
    leaks = find_identities([tmp_path], [f"P{number:07d}X" for number in range(10_000)])
    assert {leak.identity for leak in leaks} == {"P0004242X"}


def test_a_date_in_a_random_uid_is_chance_and_a_date_behind_its_root_is_a_leak(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_text("x 2.25.195011191234567890123456789012345678901 y")
    assert not find_identities([tmp_path], ["19501119"])
    (tmp_path / "b").write_text("x 2.25.19501119.7 y")
    assert [leak.path.name for leak in find_identities([tmp_path], ["19501119"])] == ["b"]
