"""Descriptions as a table, one row for each dataset: for who has a spreadsheet and no RDF.

The columns are named as the profile's properties (docs/howto/harvest.md). CSV by RFC 4180 in
UTF-8, with comma or semicolon; several values in one cell are separated by `|`.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tessera.adapters.rdf.known import cancer_of, country_of, modality_of
from tessera.domain.catalogue.harvested import (
    LONGEST_TITLE,
    MOST_WORDS,
    ReadDataset,
    cleaned,
)
from tessera.ports.harvest import SourceUnreadable

NEEDED: Final = ("dct:identifier", "dct:title", "dct:publisher")
KNOWN: Final = (
    *NEEDED,
    "dct:description",
    "dcat:keyword",
    "dcat:landingPage",
    "dcat:version",
    "dct:modified",
    "dct:spatial",
    "geodcatap:custodian",
    "healthdcatap:numberOfUniqueIndividuals",
    "healthdcatap:numberOfRecords",
    "eucaim:hasCondition",
    "eucaim:hasImageModality",
)
"""Names of columns. A title and a description may have a language: `dct:title@sv`."""
_MOST_ROWS: Final = 100_000


def read_table(data: bytes) -> tuple[ReadDataset, ...]:
    """Return the datasets. Raises SourceUnreadable naming the row and the column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise SourceUnreadable("the table is not UTF-8; save it as CSV UTF-8") from err
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        columns = [name.strip() for name in rows.fieldnames or ()]
        rows.fieldnames = columns
        check_columns(columns)
        found = []
        for number, row in enumerate(rows, start=2):
            if number > _MOST_ROWS:
                raise SourceUnreadable(f"the table has more than {_MOST_ROWS} rows")
            found.append(dataset_of(row, f"row {number}"))
    except csv.Error as err:
        raise SourceUnreadable(f"the table is no CSV: row {rows.line_num}: {err}") from err
    return tuple(found)


def check_columns(columns: Iterable[str]) -> None:
    """Raises SourceUnreadable naming a column that lacks or that is not known."""
    given = list(columns)
    if lacking := [name for name in NEEDED if name not in given]:
        raise SourceUnreadable(f"the table has no column {lacking[0]}")
    for name in given:
        if name.partition("@")[0] not in KNOWN:
            raise SourceUnreadable(
                f"the column {name!r} is not known; one of {', '.join(sorted(KNOWN))}"
            )


def dataset_of(row: Mapping[str, str | None], place: str) -> ReadDataset:
    """Return what a row describes. Raises SourceUnreadable naming `place` and the column."""

    def cell(name: str, longest: int = LONGEST_TITLE) -> str:
        return cleaned(row.get(name) or "", longest)

    def cells(name: str) -> list[str]:
        return [part for raw in (row.get(name) or "").split("|") if (part := cleaned(raw, 200))]

    def texts(name: str, longest: int = LONGEST_TITLE) -> dict[str, str]:
        by_language = {
            column.partition("@")[2] or "en": cell(column, longest)
            for column in row
            if column and column.partition("@")[0] == name
        }
        return {language: text for language, text in by_language.items() if text}

    def count(name: str) -> int | None:
        text = cell(name)
        if not text:
            return None
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            raise SourceUnreadable(f"{place}, column {name}: {text!r} is no whole number")
        return int(text)

    for name in NEEDED:
        if not cell(name):
            raise SourceUnreadable(f"{place}: the column {name} is empty")
    identifier, page = cell("dct:identifier"), cell("dcat:landingPage")
    is_address = identifier.startswith(("https://", "http://", "urn:"))
    return ReadDataset(
        iri=identifier if is_address else f"urn:tessera:row:{identifier}",
        identifier=identifier,
        title=texts("dct:title"),
        description=texts("dct:description", 10_000),
        publisher=cell("dct:publisher"),
        custodian=cell("geodcatap:custodian"),
        landing_page=page if page.startswith(("https://", "http://")) else "",
        version=cell("dcat:version"),
        modified=cell("dct:modified"),
        keywords=tuple(cells("dcat:keyword")[:MOST_WORDS]),
        country=country_of(cell("dct:spatial")),
        cancers=_each(cells("eucaim:hasCondition"), cancer_of),
        modalities=_each(cells("eucaim:hasImageModality"), modality_of),
        n_subjects=count("healthdcatap:numberOfUniqueIndividuals"),
        n_studies=count("healthdcatap:numberOfRecords"),
    )


def row_of(one: ReadDataset) -> dict[str, str]:
    """Return the row that `dataset_of` reads back as the same dataset."""
    row = {
        "dct:identifier": one.identifier,
        "dct:publisher": one.publisher,
        "dcat:keyword": "|".join(word.replace("|", "/") for word in one.keywords),
        "dcat:landingPage": one.landing_page,
        "dcat:version": one.version,
        "dct:modified": one.modified,
        "dct:spatial": one.country,
        "geodcatap:custodian": one.custodian,
        "healthdcatap:numberOfUniqueIndividuals": _number(one.n_subjects),
        "healthdcatap:numberOfRecords": _number(one.n_studies),
        "eucaim:hasCondition": "|".join(one.cancers),
        "eucaim:hasImageModality": "|".join(one.modalities),
    }
    for name, texts in (("dct:title", one.title), ("dct:description", one.description)):
        for language, text in texts.items():
            row[name if language in ("", "en") else f"{name}@{language}"] = text
    return row


def _number(n: int | None) -> str:
    return "" if n is None else str(n)


def _each(words: list[str], known: Callable[[str], str]) -> tuple[str, ...]:
    found = dict.fromkeys(name for word in words[:MOST_WORDS] if (name := known(word)))
    return tuple(found)
