"""Concepts of our own for OMOP: ids of 2,000,000,000 and above, the same in every export. Pure.

A concept stands for a name of our terminology (`marker:psa`), for a table or a column of the common
data model (`cdm:tumor`, `cdm:tumor.is_index`), or for an OMOP key as a field (`field:measurement`).
Source: OMOP convention for local concepts (ids above 2,000,000,000).
"""

from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from typing import Final

from tessera.domain.clinical.cdm import TABLES
from tessera.domain.exchange.codes import concept_of, label_of
from tessera.domain.exchange.omop_tables import (
    FIELDS,
    OMOP_COLUMNS,
    STANDARD_NAMES,
)
from tessera.domain.exchange.rows import table_named
from tessera.domain.terms.concept import Concept
from tessera.domain.terms.terminology import group, groups

FIRST: Final = 2_000_000_000
_ROOM: Final = 147_000_000
"""Ids are four-byte integers."""
VOCABULARY: Final = "TESSERA"
VOCABULARIES: Final = {"SCT": "SNOMED", "LN": "LOINC", "ATC": "ATC", "ICD10": "ICD10"}
"""Code system → OMOP's name of the vocabulary."""
_ALWAYS: Final = ("1970-01-01", "2099-12-31")


@cache
def _ids() -> tuple[dict[str, int], dict[int, str]]:
    codes = [f"{one.group}:{one.name}" for name in groups() for one in _all(name)]
    for table in TABLES:
        codes += [f"cdm:{table.name}", *(f"cdm:{table.name}.{c.name}" for c in table.columns)]
    codes += [f"field:{table}" for table in OMOP_COLUMNS]
    ids: dict[str, int] = {}
    taken: dict[int, str] = {}
    for code in codes:
        number = FIRST + int.from_bytes(sha256(code.encode()).digest()[:8], "big") % _ROOM
        while number in taken:
            number += 1
        ids[code], taken[number] = number, code
    return ids, taken


def _all(name: str) -> tuple[Concept, ...]:
    return group(name)


def concept_id(code: str) -> int:
    """Return the id of one of our concepts; 0, "no matching concept", when there is none."""
    return _ids()[0].get(code, 0)


def code_of_id(number: int) -> str:
    """Return the code of one of our concepts; "" when the id is not ours."""
    return _ids()[1].get(number, "")


def field_concept(table: str) -> int:
    """Return the concept of the key of an OMOP table as a field."""
    return FIELDS.get(table) or concept_id(f"field:{table}")


def table_of_field(number: int) -> str:
    """Return the OMOP table that a field's concept is of; "" when it is no field."""
    of_standard = {known: table for table, known in FIELDS.items()}
    return of_standard.get(number) or code_of_id(number).removeprefix("field:")


def vocabulary_rows(used: Iterable[int], version: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Yield (table, row) of the vocabulary tables for the concepts that were used."""
    # Vocabularies, domains and classes have concepts themselves: 0, as OMOP allows for local ones.
    yield "vocabulary", (VOCABULARY, "Tessera terminology and data model", "", version, 0)
    yield "vocabulary", ("None", "OMOP Standardized Vocabularies", "", "", 0)
    yield "domain", ("Metadata", "Metadata", 0)
    yield "domain", ("Observation", "Observation", 0)
    yield "concept_class", ("Undefined", "Undefined", 0)
    start, end = _ALWAYS
    for number in sorted({0, *used}):
        if number in STANDARD_NAMES:
            name, code, vocabulary = STANDARD_NAMES[number], str(number), "None"
        else:
            code = code_of_id(number)
            name, vocabulary = _name(code), VOCABULARY
        domain = "Observation" if vocabulary == VOCABULARY else "Metadata"
        row = (number, name[:255], domain, vocabulary, "Undefined", None, code[:50], start, end)
        yield "concept", (*row, None)


def codes_elsewhere(used: Iterable[int]) -> Iterator[tuple[int, str, str]]:
    """Yield (our concept, vocabulary of OMOP, code there) for the concepts that were used."""
    for number in sorted(used):
        kind, _, name = code_of_id(number).partition(":")
        found = concept_of(kind, name) if kind not in ("", "cdm", "field") else None
        for system, vocabulary in VOCABULARIES.items():
            if found and system in found.codes:
                yield number, vocabulary, found.codes[system]


def _name(code: str) -> str:
    kind, _, name = code.partition(":")
    if kind == "field":
        return f"Key of {name}"
    if kind != "cdm":
        return label_of(kind, name) if concept_of(kind, name) else code
    table, _, column = name.partition(".")
    meanings = {c.name: c.meaning for c in table_named(table).columns}
    return meanings[column] if column else table_named(table).meaning
