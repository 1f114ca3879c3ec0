"""Workbooks: what is written is read back, both layouts, and what a stranger may put into one."""

import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from tessera.adapters.harvest.documents import read_document
from tessera.adapters.harvest.form import write_workbook
from tessera.adapters.harvest.workbook import read_workbook
from tessera.domain.catalogue.harvested import ReadDataset, cleaned
from tessera.ports.harvest import Fetched, SourceUnreadable

FORM = write_workbook()
Rows = Sequence[Sequence[object]]


def book(**sheets: Rows) -> bytes:
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


WORDS = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp"), exclude_characters="|"), max_size=40
).map(lambda text: cleaned(text, 40))
NAMED = WORDS.filter(bool)


@st.composite
def datasets(draw: st.DrawFn) -> ReadDataset:
    iri = "https://example.org/" + draw(st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True))
    return ReadDataset(
        iri=iri,
        identifier=iri,
        title={"en": draw(NAMED)} | ({"sv": draw(NAMED)} if draw(st.booleans()) else {}),
        description={"en": draw(NAMED)} if draw(st.booleans()) else {},
        publisher=draw(NAMED),
        custodian=draw(WORDS),
        version=draw(WORDS),
        keywords=tuple(draw(st.lists(NAMED, max_size=3))),
        country=draw(st.sampled_from(["", "SE", "GR"])),
        cancers=tuple(draw(st.lists(st.sampled_from(["lung", "breast"]), unique=True))),
        modalities=tuple(draw(st.lists(st.sampled_from(["MR", "CT"]), unique=True))),
        n_subjects=draw(st.none() | st.integers(0, 10**6)),
        n_studies=draw(st.none() | st.integers(0, 10**6)),
    )


@settings(max_examples=40)
@given(st.lists(datasets(), min_size=1, max_size=4))
def test_what_is_written_is_read_back(made: list[ReadDataset]) -> None:
    assert list(read_workbook(write_workbook(made))) == made


def test_no_text_of_a_description_becomes_a_formula() -> None:
    one = ReadDataset(
        iri="https://example.org/1",
        identifier="https://example.org/1",
        title={"en": '=HYPERLINK("https://evil.example";"x")'},
        description={},
        publisher="@SUM(1)",
    )
    sheet = load_workbook(io.BytesIO(write_workbook([one])))["Dataset"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    assert read_workbook(write_workbook([one])) == (one,)


def test_the_template_that_is_in_use_is_read_with_what_it_explains() -> None:
    head = ["Property label", "Definition", "Property URI", "Range", "Cardinality", "Usage note"]
    head += ["Controlled vocabulary (if applicable)", "Lung", "Mixed"]
    lung, breast = "Lung cancer (CLIN1000065)", "Breast cancer"

    def row(uri: str, *values: object, vocabulary: str = "") -> list[object]:
        return ["x", "x", uri, "x", "1..1", "x", vocabulary, *values]

    data = book(
        Readme=[["How to fill this in"]],
        Dataset=[
            ["EUCAIM metadata"],
            head,
            row("dct:identifier", "https://x.example/1", "https://x.example/2"),
            row("http://purl.org/dc/terms/title", "Lung CT", "Mixed"),
            row("dct:title@sv", "Lung-DT", ""),
            row("dcterms:publisher", "Region X", "Region X"),
            row("dct:description", "One line\nand another", None),
            row("dcat:keyword", "ct", "a|b"),
            ["", "", "", "", "", "", "", "screening", None],
            row("eucaim:hasCondition", "", "lung", vocabulary=lung),
            ["", "", "", "", "", "", breast, None, "breast"],
            row("healthdcatap:numberOfUniqueIndividuals", 120.0, 7),
            row("dcat:theme", "HEAL", "HEAL"),
        ],
    )
    one, two = read_workbook(data)
    assert one.title == {"en": "Lung CT", "sv": "Lung-DT"}
    assert one.description["en"].split() == ["One", "line", "and", "another"]
    assert (one.keywords, two.keywords) == (("ct", "screening"), ("a", "b"))
    assert (one.cancers, two.cancers) == ((), ("lung", "breast"))
    assert (one.n_subjects, two.n_subjects) == (120, 7)


def test_a_class_is_found_in_a_choice_that_also_says_what_it_is() -> None:
    from tessera.domain.clinical.concepts import cancers

    data = book(
        Dataset=[
            ["Property URI", "Value"],
            ["dct:identifier", "1"],
            ["dct:title", "T"],
            ["dct:publisher", "P"],
            ["eucaim:hasCondition", f"Lung cancer ({cancers()['lung'].eucaim})"],
        ]
    )
    assert read_workbook(data)[0].cancers == ("lung",)


def test_a_wide_sheet_is_read_and_its_unknown_column_named() -> None:
    head = ["dct:identifier", "dct:title", "dct:publisher", "dct:modified"]
    rows = [head, ["a", "T", "P", "2026-05-03"], [], ["b", "T", "P"]]
    assert [one.modified for one in read_workbook(book(S=rows))] == ["2026-05-03", ""]
    with pytest.raises(SourceUnreadable, match="'dct:colour' is not known"):
        read_workbook(book(S=[[*head, "dct:colour"], ["a", "T", "P", "", "red"]]))
    with pytest.raises(SourceUnreadable, match="S, row 2: the column dct:title is empty"):
        read_workbook(book(S=[head, ["a", "", "P"]]))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not a zip", b"dct:identifier,dct:title"])
def test_what_is_no_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="not an Excel workbook"):
        read_document(Fetched(data, "", "file:///x/list.xlsx"))


def test_an_empty_form_and_a_book_without_datasets_say_what_lacks() -> None:
    for data in (write_workbook(), book(S=[["name", "size"], ["a", 1]])):
        with pytest.raises(SourceUnreadable, match="Property URI"):
            read_workbook(data)


def changed(data: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    return out.getvalue()


def test_entities_and_parts_without_end_are_refused() -> None:
    good = book(S=[["Property URI", "Value"]])
    sheet = "xl/worksheets/sheet1.xml"
    lol = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    with pytest.raises(SourceUnreadable, match="document type"):
        read_workbook(changed(good, sheet, lol))
    with pytest.raises(SourceUnreadable, match="document type"):
        read_workbook(changed(good, sheet, lol.decode().encode("utf-16")))
    with pytest.raises(SourceUnreadable, match="larger than"):
        read_workbook(changed(good, "xl/styles.xml", b" " * 200_000_001))
    with pytest.raises(SourceUnreadable):
        read_workbook(changed(good, sheet, b"<worksheet><sheetData><row r='x'"))


@settings(max_examples=100)
@given(st.data())
def test_a_damaged_workbook_is_refused_or_read(data: st.DataObject) -> None:
    good = bytearray(FORM)
    for _ in range(data.draw(st.integers(1, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SourceUnreadable):
        read_workbook(bytes(good))
