"""The rule tables are complete, consistent with each other and with the data dictionary."""

import csv
import importlib.util
import json
import os
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest
from pydicom.datadict import DicomDictionary
from pydicom.uid import UID_dictionary

ROOT = Path(__file__).parents[4]
DATA = files("tessera.domain.deid") / "data"
TABLES = (
    "e1_1",
    "safe_private",
    "unlisted_text",
    "unlisted_binary",
    "coding_schemes",
    "storage_classes",
)


def rows(name: str) -> list[dict[str, str]]:
    lines = (DATA / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def dictionary(*vrs: str) -> set[str]:
    """Tags of the standard dictionary with one of `vrs`, outside Table E.1-1."""
    listed = {row["tag"] for row in rows("e1_1")}
    return {
        f"{tag:08X}"
        for tag, (vr, *_) in DicomDictionary.items()
        if set(vr.split(" or ")) & set(vrs) and f"{tag:08X}" not in listed
    }


@pytest.mark.parametrize("name", TABLES)
def test_a_table_opens_with_its_source_and_licence(name: str) -> None:
    first = (DATA / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert "DICOM PS3." in first
    assert re.search(r"licence|Apache-2.0|facts of the DICOM standard", first)


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_whole_and_unique(name: str) -> None:
    keys = [tuple(row.values())[: 3 if name == "safe_private" else 1] for row in rows(name)]
    assert len(set(keys)) == len(keys)
    for row in rows(name):
        assert None not in row
        assert all(value is not None and value == value.strip() for value in row.values())


def test_table_e1_1_has_all_621_rows_sorted_by_tag() -> None:
    tags = [row["tag"] for row in rows("e1_1")]
    assert len(tags) == 621
    assert tags == sorted(tags)


def test_table_e1_1_has_the_histogram_of_the_standard() -> None:
    assert Counter(row["basic"] for row in rows("e1_1")) == {
        "X": 384,
        "D": 92,
        "U": 54,
        "Z": 42,
        "X/D": 22,
        "X/Z": 11,
        "X/Z/D": 8,
        "Z/D": 6,
        "X/Z/U*": 2,
    }
    options = {
        column: Counter(row[column] for row in rows("e1_1") if row[column])
        for column in rows("e1_1")[0]
        if column not in ("tag", "name", "keyword", "basic")
    }
    assert options == {
        "retain_uids": {"K": 59},
        "retain_device": {"K": 46, "C": 11},
        "retain_institution": {"K": 10},
        "retain_patient_characteristics": {"K": 9, "C": 4},
        "retain_full_dates": {"K": 165},
        "retain_modified_dates": {"C": 165},
        "clean_descriptors": {"C": 125},
        "clean_structured_content": {"C": 3},
        "clean_graphics": {"C": 4},
        "retain_safe_private": {"C": 1},
    }


def test_table_e1_1_has_the_four_rows_that_are_patterns_and_no_other() -> None:
    patterns = {row["tag"] for row in rows("e1_1") if not re.fullmatch("[0-9A-F]{8}", row["tag"])}
    assert patterns == {"50XXXXXX", "60XX3000", "60XX4000", "PRIVATE"}
    assert {row["tag"] for row in rows("e1_1") if not row["keyword"]} == patterns


def test_names_of_table_e1_1_carry_no_notes() -> None:
    for row in rows("e1_1"):
        assert "see Note" not in row["name"]
        assert row["name"] == " ".join(row["name"].split())


@pytest.mark.parametrize(
    ("keyword", "basic"),
    [
        ("PatientName", "Z"),
        ("PatientID", "Z/D"),
        ("StudyDate", "Z"),
        ("StudyInstanceUID", "U"),
        ("InstitutionName", "X/Z/D"),
        ("SeriesDescription", "X"),
        ("ReferencedImageSequence", "X/Z/U*"),
        ("IconImageSequence", "X"),
    ],
)
def test_well_known_rows_of_table_e1_1_are_right(keyword: str, basic: str) -> None:
    (row,) = (row for row in rows("e1_1") if row["keyword"] == keyword)
    assert row["basic"] == basic


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", ROOT / "tools/build_deid_table.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_builder_reads_tags_patterns_and_notes() -> None:
    build = _builder()
    source = [
        {"tag": "(GGGG,EEEE) WHERE GGGG IS ODD", "name": "Private Attributes", "basicProfile": "X"},
        {"tag": "(60XX,3000)", "name": "Overlay Data", "basicProfile": "X"},
        {
            "tag": "(0088,0200)",
            "name": "Icon Image Sequence\n\n(see Note 11)",
            "basicProfile": "X",
            "cleanDescOpt": "C",
        },
    ]
    text = build.render(source).splitlines()
    assert text[0].startswith("# ")
    assert text[2] == "00880200,Icon Image Sequence,IconImageSequence,X,,,,,,,C,,,"
    assert text[3] == "60XX3000,Overlay Data,,X,,,,,,,,,,"
    assert text[4] == "PRIVATE,Private Attributes,,X,,,,,,,,,,"
    with pytest.raises(ValueError, match="not a tag"):
        build.render([{"tag": "(70XX,0001)", "name": "?", "basicProfile": "X"}])


@pytest.mark.reference
def test_the_committed_table_is_what_the_builder_makes() -> None:
    place = os.environ.get("TESSERA_REFERENCE_DATA", ROOT.parent / "shared" / "data")
    source = Path(place) / "standard" / "confidentiality_profile_attributes.json"
    if not source.exists():
        pytest.skip("public reference data not found; set TESSERA_REFERENCE_DATA")
    text = _builder().render(json.loads(source.read_text(encoding="utf-8")))
    assert text == (DATA / "e1_1.csv").read_text(encoding="utf-8")


def test_the_safe_private_table_has_479_rows_of_20_creators() -> None:
    assert len(rows("safe_private")) == 479
    assert len({row["creator"] for row in rows("safe_private")}) == 20
    for row in rows("safe_private"):
        assert int(row["group"], 16) % 2 == 1
        assert re.fullmatch("[0-9A-F]{4}", row["group"])
        assert re.fullmatch("[0-9A-F]{2}", row["element"])
        assert re.fullmatch("[A-Z]{2}", row["vr"])


@pytest.mark.parametrize(
    ("creator", "group", "element", "vr"),
    [
        ("Philips PET Private Group", "7053", "00", "DS"),
        ("Philips Imaging DD 001", "2001", "03", "FL"),
        ("SIEMENS MR HEADER", "0019", "0C", "IS"),
        ("GEMS_PARM_01", "0043", "39", "IS"),
    ],
)
def test_safe_private_elements_that_research_needs_are_there(
    creator: str, group: str, element: str, vr: str
) -> None:
    wanted = (creator, group, element, vr)
    assert wanted in {
        (r["creator"], r["group"], r["element"], r["vr"]) for r in rows("safe_private")
    }


def test_every_unlisted_text_attribute_has_a_decision_with_a_reason() -> None:
    decided = {row["tag"]: row for row in rows("unlisted_text")}
    assert set(decided) == dictionary("LO", "SH", "ST", "LT", "UT", "UC", "PN")
    assert {row["decision"] for row in decided.values()} == {"keep", "clean", "dummy"}
    assert not {r["vr"] for r in decided.values() if r["decision"] == "clean"} & {"PN"}
    assert all(row["reason"] for row in decided.values())


def test_no_text_that_a_person_types_is_kept() -> None:
    typed = re.compile(r"Comment|Title|Label|Notes|Person|Patient|Physician|Reason|Summary")
    kept = [row["keyword"] for row in rows("unlisted_text") if row["decision"] == "keep"]
    assert [keyword for keyword in kept if typed.search(keyword)] == []
    assert {k for k in kept if k.endswith("Description")} == {
        "ApplicableSafetyStandardDescription",
        "PaddleDescription",
    }
    assert not {row["keyword"] for row in rows("unlisted_text") if row["vr"] == "PN"} & set(kept)


@pytest.mark.parametrize(
    "keyword", ["SegmentLabel", "DocumentTitle", "TextValue", "BeamName", "AcquisitionProtocolName"]
)
def test_text_known_to_carry_names_is_cleaned_or_a_dummy(keyword: str) -> None:
    (row,) = (row for row in rows("unlisted_text") if row["keyword"] == keyword)
    assert row["decision"] == "clean"


def test_what_a_hospital_numbers_is_never_cleaned() -> None:
    for row in rows("unlisted_text"):
        if row["reason"].startswith(("identifier", "name of a person", "names the issuer")):
            assert row["decision"] == "dummy", row["keyword"]


@pytest.mark.parametrize(
    "keyword", ["Manufacturer", "ConvolutionKernel", "SequenceName", "CodeValue", "RescaleType"]
)
def test_technical_text_is_kept(keyword: str) -> None:
    (row,) = (row for row in rows("unlisted_text") if row["keyword"] == keyword)
    assert row["decision"] == "keep"


def test_binary_that_is_kept_is_binary_and_outside_table_e1_1() -> None:
    kept = {row["tag"]: row for row in rows("unlisted_binary")}
    assert set(kept) <= dictionary("OB", "OW", "OF", "OD", "OL", "OV", "UN")
    assert {"PixelData", "LUTData", "FloatPixelData"} <= {r["keyword"] for r in kept.values()}
    assert not {"PrivateInformation", "EncapsulatedDocument", "Signature", "MAC"} & {
        row["keyword"] for row in kept.values()
    }


def test_public_coding_schemes_are_known_and_local_ones_are_not() -> None:
    schemes = {row["designator"] for row in rows("coding_schemes")}
    assert {"SCT", "DCM", "LN", "UCUM", "SRT", "RADLEX", "FMA"} <= schemes
    assert not {s for s in schemes if s.startswith("99") and s != "99SDM"}
    assert not {"L", "NPI", "UPC", "POS"} & schemes


def test_every_storage_class_of_the_dictionary_passes_or_is_held_with_a_reason() -> None:
    known = {
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and "Storage" in name and "Storage Commitment" not in name
    }
    listed = {row["uid"]: row for row in rows("storage_classes")}
    newer = {f"1.2.840.10008.5.1.4.1.1.66.{n}" for n in (7, 8)}
    assert set(listed) == known | newer
    assert {row["disposition"] for row in listed.values()} == {"pass", "pixels", "hold"}
    assert all(row["reason"] for row in listed.values())


@pytest.mark.parametrize(
    "word", ["Ultrasound", "Secondary Capture", "X-Ray", "Encapsulated", "Photograph", "Video"]
)
def test_classes_with_burned_in_text_or_faces_do_not_pass_by_themselves(word: str) -> None:
    passed = [
        row["name"]
        for row in rows("storage_classes")
        if row["disposition"] == "pass" and word in row["name"]
    ]
    assert [name for name in passed if "Radiation Dose SR" not in name] == []


@pytest.mark.parametrize("word", ["Photograph", "Ophthalmic", "Encapsulated CDA", "Voice Audio"])
def test_what_reading_text_does_not_make_safe_is_held_whatever_was_read(word: str) -> None:
    found = {row["disposition"] for row in rows("storage_classes") if word in row["name"]}
    assert found == {"hold"}
