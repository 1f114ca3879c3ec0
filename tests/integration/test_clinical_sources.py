"""Tables as hospitals keep them are opened without being told how they are written."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from tessera.adapters.tables.read import read_rows
from tessera.adapters.tables.sources import open_tables
from tessera.bootstrap.clinical_suggest import profile_files, suggest_profiles, write_profile
from tessera.domain.clinical.mapping_file import parse_mapping_file
from tessera.domain.clinical.profile import profile_table
from tessera.domain.clinical.profile_json import profile_json
from tessera.domain.clinical.suggest_file import mapping_text
from tessera.domain.errors import InvalidInput

SWEDISH = "Patientnr;Kön;Diagnos\r\n1;Kvinna;Bröstcancer\r\n2;Man;Ändtarmscancer\r\n"
GREEK = "ΑΜΚΑ;Φύλο;Διάγνωση\r\n1;Γυναίκα;Όγκος\r\n2;Άνδρας;Καρκίνος ορθού\r\n"
FRENCH = "N° patient\tSexe\tPoids (kg)\r\n1\tFemme\tnœud\r\n2\tHomme\tcœur\r\n"


@pytest.mark.parametrize(
    ("text", "encoding", "found", "delimiter"),
    [
        (SWEDISH, "utf-8", "utf-8", ";"),
        (SWEDISH, "utf-8-sig", "utf-8-sig", ";"),
        (SWEDISH, "iso-8859-1", "cp1252", ";"),
        (SWEDISH, "utf-16", "utf-16", ";"),
        (SWEDISH.replace(";", ","), "utf-16-le", "utf-16-le", ","),
        (GREEK, "cp1253", "cp1253", ";"),
        (GREEK, "iso-8859-7", "iso-8859-7", ";"),
        (FRENCH, "iso-8859-15", "iso-8859-15", "\t"),
        (FRENCH, "cp1252", "cp1252", "\t"),
    ],
)
def test_encoding_and_delimiter_are_found(
    text: str, encoding: str, found: str, delimiter: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    (table,) = open_tables([path])
    assert (table.form.encoding, table.form.delimiter) == (found, delimiter)
    lines = [line.split(delimiter) for line in text.splitlines()]
    assert table.header == tuple(lines[0])
    assert table.rows.value == tuple(map(tuple, lines[1:]))


def test_a_workbook_gives_each_sheet_and_the_header_below_its_titles(tmp_path: Path) -> None:
    book = Workbook()
    first = book.worksheets[0]
    first.title = "Patienter"
    for row in (
        ["Uttag 2024"],
        [],
        ["Patientnr", "Kön", "Vikt (kg)"],
        [1, "Kvinna", 61.5],
        [2, "Man", 80],
    ):
        first.append(row)
    book.create_sheet("Tom")
    second = book.create_sheet("Prov")
    for row in (["Patientnr", "Analys"], [1, "B-Hb"], [1, "P-CRP"]):
        second.append(row)
    book.save(tmp_path / "b.xlsx")
    one, two = open_tables([tmp_path / "b.xlsx"])
    assert (one.name, one.form.header_row, one.first_row) == ("b.xlsx#Patienter", 3, 4)
    assert one.rows.value == (("1", "Kvinna", "61.5"), ("2", "Man", "80"))
    assert (two.form.sheet, len(two.rows.value)) == ("Prov", 2)


def test_parquet_cells_become_text(tmp_path: Path) -> None:
    table = pa.table({"id": [1, 2], "psa": [4.5, None], "dead": [True, False]})
    pq.write_table(table, tmp_path / "t.parquet")
    (read,) = open_tables([tmp_path / "t.parquet"])
    assert read.rows.value == (("1", "4.5", "true"), ("2", "", "false"))


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(InvalidInput, match="not CSV, XLSX, Parquet or FHIR"):
        open_tables([path])
    path.write_bytes(b"")
    with pytest.raises(InvalidInput, match="empty"):
        open_tables([path])


DICTIONARY = (
    "Variable / Field Name,Form Name,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Identifier?\n'
    "record_id,base,text,Study ID,,\n"
    "fullname,base,text,Name of patient,,y\n"
    'q1,base,radio,Sex,"1, Male | 2, Female",\n'
    'q2,base,radio,Diagnosis,"1, Prostate cancer | 2, Breast cancer",\n'
    'tx,base,checkbox,Treatments given,"1, Chemotherapy | 2, Radiotherapy",\n'
    "labcode,labs,text,Laboratory test,,\nlabval,labs,text,Value,,\nlabunit,labs,text,Unit,,\n"
)
EXPORT = (
    "record_id,redcap_repeat_instrument,redcap_repeat_instance,fullname,q1,q2,tx___1,tx___2,"
    "labcode,labval,labunit\n"
    "A1,,,Ann Lee,2,2,1,0,,,\n"
    "A2,,,Bo Ek,1,1,0,1,,,\n"
    "A1,labs,1,,,,,,Hb,131,g/L\n"
    "A1,labs,2,,,,,,CRP,12,mg/L\n"
    "A2,labs,1,,,,,,Hb,140,g/L\n"
)


def test_redcap_choices_checkboxes_and_repeating_instruments(tmp_path: Path) -> None:
    (tmp_path / "dict.csv").write_text(DICTIONARY, "utf-8")
    (tmp_path / "data.csv").write_text(EXPORT, "utf-8")
    profiles = profile_files([tmp_path / "data.csv", tmp_path / "dict.csv"])
    base, labs = suggest_profiles(profiles, {})
    assert base.profile.column("fullname").identifying == "dictionary"
    meant = {one.column: one for one in base.proposals}
    assert {v.value: v.target for v in meant["q1"].values} == {"1": "male", "2": "female"}
    assert {v.value: v.target for v in meant["q2"].values} == {"1": "prostate", "2": "breast"}
    for column, treatment in (("tx___1", "chemotherapy"), ("tx___2", "radiotherapy")):
        assert meant[column].variable == f"treatment.{treatment}"
        assert {v.value: v.target for v in meant[column].values} == {"1": "true", "0": ""}
    assert base.questions == ()
    assert labs.profile.table.where == ("redcap_repeat_instrument", "labs")
    assert labs.profile.table.header[-3:] == ("labcode", "labval", "labunit")
    assert labs.rows == "lab_test_result"

    text = mapping_text([base, labs], name="redcap")
    counts = [
        len(list(read_rows(tmp_path / "data.csv", table)))
        for table in parse_mapping_file(text).of_file("data.csv")
    ]
    assert counts == [2, 3]


def bundle() -> dict[str, object]:
    def entry(kind: str, who: str, **more: object) -> dict[str, object]:
        return {"resource": {"resourceType": kind, "subject": {"reference": who}, **more}}

    def coded(system: str, code: str, said: str) -> dict[str, object]:
        return {"coding": [{"system": system, "code": code, "display": said}]}

    icd = "http://hl7.org/fhir/sid/icd-10"
    tests = [("718-7", "Hemoglobin", 12.1, "g/dL"), ("2160-0", "Creatinine", 0.9, "mg/dL")]
    return {
        "resourceType": "Bundle",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": {
                    "resourceType": "Patient",
                    "id": "p1",
                    "identifier": [{"value": "MRN1"}],
                    "gender": "female",
                    "birthDate": "1960-02-03",
                },
            },
            entry("Condition", "urn:uuid:1", code=coded(icd, "C50.4", "Breast")),
            *(
                entry(
                    "Observation",
                    "Patient/p1",
                    code=coded("http://loinc.org", code, said),
                    valueQuantity={"value": number, "code": unit},
                    effectiveDateTime="2020-06-01T10:00:00Z",
                )
                for code, said, number, unit in tests * 2
            ),
        ],
    }


def test_a_fhir_bundle_becomes_tables_that_name_the_patient_alike(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle()), "utf-8")
    profiles = profile_files([path])
    assert [one.table.form.sheet for one in profiles] == ["Patient", "Condition", "Observation"]
    assert {one.table.column("patient").value[0] for one in profiles} == {"MRN1"}
    made = suggest_profiles(profiles, {})
    patient, condition, tests = parse_mapping_file(mapping_text(made, name="b")).tables
    assert set(patient.readings) == {"gender", "birth_date"}
    assert {"icd10", "cancer"} <= set(condition.readings)
    assert tests.rows == "lab_test_result"
    assert set(tests.readings) == {"code", "value", "date"}

    lines = (json.dumps(one["resource"]) for one in bundle()["entry"])  # type: ignore[attr-defined]
    (tmp_path / "b.ndjson").write_text("\n".join(lines), "utf-8")
    assert len(open_tables([tmp_path / "b.ndjson"])) == 3


def test_a_profile_shows_no_value_that_may_identify_a_person(tmp_path: Path) -> None:
    rows = [
        "Personnummer;Namn;Telefon;Remittent;Fri text;Kod;Ålder;PSA",
        "19460312-9816;Åsa Ek;070-123 45 67;Dr Alm;Hon kom med smärta i går;XK-1001;63;4,5",
        "19560101-9804;Bo Öst;070-765 43 21;Dr Berg;Han mår bra och går hem;XK-1002;71;999",
        "19510723-9812;Eva Lind;070-222 33 44;Dr Alm;Ny kontakt om en vecka;XK-1003;58;6,1",
        "19620930-9809;Ulf Sten;070-999 88 77;Dr Alm;Väntar på svar från lab;XK-1004;66;7,7",
        "19480214-9810;Gun Dahl;070-111 00 99;Dr Berg;Inget nytt sedan förra året;XK-1005;60;5,2",
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows), "utf-8")
    (profile,) = (profile_table(table) for table in open_tables([path]))
    hidden = {one.name for one in profile.columns if one.identifying}
    assert hidden == {"Personnummer", "Namn", "Telefon", "Remittent", "Fri text", "Kod"}
    assert profile.column("PSA").numbers is not None
    assert profile.column("PSA").numbers.codes == (("999", 1),)  # type: ignore[union-attr]
    write_profile(tmp_path / "p.html", [profile], language="sv")
    assert (tmp_path / "p.html").stat().st_mode & 0o077 == 0
    told = json.dumps(profile_json(profile), ensure_ascii=False)
    told += (tmp_path / "p.html").read_text("utf-8")
    for row in rows[1:]:
        for cell in row.split(";")[:6]:
            assert cell not in told
    assert repr(profile).count("Åsa") == 0
