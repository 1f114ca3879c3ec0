"""CSV and XLSX files as hospitals send them, and the records they become in SQLite."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from tessera.adapters.sqlite_clinical import SqliteClinicalStore
from tessera.adapters.tables import TableReader, read_rows
from tessera.domain.clinical.mapping_file import ClinicalMapping, parse_mapping
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.errors import InvalidMapping, NotFound
from tessera.node.clinical import ClinicalOutcome, load_clinical

NOW = datetime(2025, 2, 1, tzinfo=UTC)


def mapping(source: str = "") -> ClinicalMapping:
    return parse_mapping(
        f"""
[mapping]
name = "t"
version = "1"
[source]
{source}
[source.patient_id]
column = "Löpnr"
[columns.cancer]
column = "Diagnos"
[columns.psa_ng_ml]
column = "PSA"
unit = "ng/mL"
[columns.diagnosis_date]
column = "Datum"
"""
    )


def cells(path: Path, source: str = "") -> list[tuple[int, dict[str, str]]]:
    known = mapping(source)
    return [
        (number, dict(zip(known.columns(), row.value, strict=True)))
        for number, row in read_rows(path, known)
    ]


def test_clinical_csv_is_read_in_its_own_encoding_with_quotes_and_short_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        'Löpnr;Diagnos;PSA;Datum\r\n\r\n1;"lung; left";"1,5"\r\n2;"två\r\nrader";;\r\n'.encode(
            "cp1252"
        )
    )
    rows = cells(path, 'delimiter = ";"\nencoding = "cp1252"')
    assert rows[0] == (3, {"Löpnr": "1", "Diagnos": "lung; left", "PSA": "1,5", "Datum": ""})
    assert rows[1][1]["Diagnos"] == "två\r\nrader"


def test_clinical_csv_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Löpnr,Diagnos,PSA,Datum\n1,lung,,\n", encoding="utf-8-sig")
    assert cells(path)[0][1]["Löpnr"] == "1"


def test_clinical_xlsx_dates_and_numbers_come_as_text_that_is_not_ambiguous(
    tmp_path: Path,
) -> None:
    book = Workbook()
    sheet = book.create_sheet("Uttag")
    sheet.append(["Löpnr", "Diagnos", "PSA", "Datum"])
    sheet.append([1, "lung", 1234.5, datetime(2020, 3, 4)])  # noqa: DTZ001 - as Excel has it
    sheet.append([2.0, None, 0.1, "2020-03-05"])
    book.save(tmp_path / "t.xlsx")
    rows = cells(tmp_path / "t.xlsx", 'sheet = "Uttag"\ndecimal = ","')
    assert rows[0][1] == {"Löpnr": "1", "Diagnos": "lung", "PSA": "1234,5", "Datum": "2020-03-04"}
    assert rows[1][1] == {"Löpnr": "2", "Diagnos": "", "PSA": "0,1", "Datum": "2020-03-05"}


@pytest.mark.parametrize(
    ("content", "source", "named"),
    [
        (b"L\xc3\xb6pnr,Diagnos,PSA\n", "", "'Datum'"),
        (b"L\xc3\xb6pnr,Diagnos,PSA,Datum,PSA\n", "", "'PSA' occurs more than once"),
        (b"L\xf6pnr,Diagnos,PSA,Datum\n", "", "not utf-8"),
        (b"L\xc3\xb6pnr,Diagnos,PSA,Datum\n", 'encoding = "klingon"', "klingon"),
        (b"", "", "empty"),
        (b'L\xc3\xb6pnr,Diagnos,PSA,Datum\n"1,2', "", "CSV"),
        (b"no workbook", 'format = "xlsx"', "XLSX"),
    ],
)
def test_clinical_table_that_is_not_as_the_mapping_says_is_refused_with_the_reason(
    content: bytes, source: str, named: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidMapping, match=r"t\.csv|klingon") as error:
        cells(path, source)
    assert named in str(error.value)


def test_clinical_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.csv"):
        cells(tmp_path / "gone.csv")


def load(folder: Path, text: str) -> tuple[ClinicalOutcome, SqliteClinicalStore]:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    store = SqliteClinicalStore(folder / "clinical.sqlite")
    outcome = load_clinical(
        [path],
        mapping('dates = ["YYYY-MM-DD"]'),
        tables=TableReader(),
        store=store,
        pseudonymiser=Pseudonymiser(bytes(32)),
        now=NOW,
    )
    return outcome, store


HEADER = "Löpnr,Diagnos,PSA,Datum\n"


def test_clinical_delivery_replaces_the_subjects_that_it_names_and_no_others(
    tmp_path: Path,
) -> None:
    load(tmp_path, HEADER + "1,lung,,2020-01-01\n2,breast,,2020-01-01\n")
    first, store = load(tmp_path, HEADER + "2,liver,,2021-01-01\n3,brain,,\n")
    cancers = sorted(c.cancer for record in store.all() for c in record.conditions)
    assert cancers == ["brain", "liver", "lung"]
    assert first.n_subjects == 2
    assert [(d.mapping_name, d.n_subjects) for d in store.deliveries()] == [("t", 2), ("t", 2)]
    subjects = [record.subject.subject for record in store.all()]
    assert subjects == sorted(subjects)
    store.remove(subjects[:2])
    assert [record.subject.subject for record in store.all()] == subjects[2:]


def test_clinical_delivery_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    _, store = load(tmp_path, HEADER + "1,lung,,2020-01-01\n")
    before = list(store.all())
    with pytest.raises(InvalidMapping):
        load(tmp_path, HEADER + '1,brain,,2020-01-01\n2,"brain')
    assert list(store.all()) == before


def test_clinical_store_holds_no_identity(tmp_path: Path) -> None:
    load(tmp_path, HEADER + "19121212-1212,lung,,2020-01-01\n")
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("clinical.sqlite*"))
    for secret in (b"19121212", b"191212121212", b"2020-01-01"):
        assert secret not in raw
