"""Gate: records that came in another format become records of this node. Pure.

Whoever made them, and whatever they were called there: the identifier becomes this node's
pseudonym, dates move by the subject's shift, UIDs become those that this node's images carry. A
text stays only when it is a concept's name, a code of a fixed form or a unit; any other is left
out and counted.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from math import isfinite
from typing import Any, Final

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.entity import Column
from tessera.domain.clinical.values import MORPHOLOGY, TOPOGRAPHY
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.exchange.codes import concepts, own_code
from tessera.domain.exchange.rows import CLINICAL, Row, SubjectRows, columns_of, key_of, record_of
from tessera.domain.ids import Pseudonym
from tessera.domain.terms.terminology import groups
from tessera.domain.zones import Deidentified, Identified, seal_deidentified

_FORMS: Final = {
    "topography": TOPOGRAPHY,
    "morphology": MORPHOLOGY,
    "icd10": re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?"),
    "comparator": re.compile(r"[<>]=?"),
    "row_key": re.compile(r".*", re.DOTALL),
}
"""Column → the form that its text has. A row's key is replaced, whatever it is."""
_SCORE: Final = re.compile(r"[0-9]{1,2}(?:[A-Ca-cMX+]|\.[0-9])?|[IVX]{1,4}[A-C]?")
"""A category of a score, for example 4C or IIB."""
_ANEW: Final = ("baseline", "baseline_date", "code_sct", "code_eucaim")
"""What is worked out here and when a dataset is frozen."""
_TABLES: Final = tuple(table.name for table in CLINICAL)


def deidentify_exchanged(
    records: Iterable[Identified[SubjectRows]],
    pseudonymiser: Pseudonymiser,
    issuer: str,
    refused: Counter[str],
) -> Iterator[Deidentified[ClinicalRecord]]:
    """Yield one record per person; `refused` counts by `table.column` the texts left out.

    Of two that have one pseudonym the first is kept, and `patient.subject` counts the other.
    """
    seen: set[Pseudonym] = set()
    for one in records:
        rows = one.value
        subject = pseudonymiser.pseudonym(rows.subject, issuer)
        if subject in seen:
            refused["patient.subject"] += 1
            continue
        seen.add(subject)
        tables = {
            table: [_row(table, row, subject, pseudonymiser, refused) for row in rows[table]]
            for table in _TABLES
            if rows[table]
        }
        whole = {
            table: [row for row in found if row is not None] for table, found in tables.items()
        }
        made = record_of(SubjectRows(rows.subject, whole), subject)
        yield seal_deidentified(made)


def _row(
    table: str,
    row: Row,
    subject: Pseudonym,
    pseudonymiser: Pseudonymiser,
    refused: Counter[str],
) -> Mapping[str, Any] | None:
    """Return the row as it may stay; None when what it says of itself may not."""
    made: dict[str, Any] = {}
    for name, column in columns_of(table).items():
        value = row.get(name)
        if value is None or name in _ANEW:
            continue
        if name in (key_of(table), "subject") or column.refers_to not in ("", "study"):
            made[name] = str(value)
        elif not _is_of_kind(column.kind, value):
            refused[f"{table}.{name}"] += 1
        elif isinstance(value, date):
            made[name] = pseudonymiser.shifted(value, subject)
        elif name == "study_uid":
            made[name] = pseudonymiser.uid(str(value))
        elif not isinstance(value, str) or _may_stay(column, value):
            made[name] = value
        else:
            refused[f"{table}.{name}"] += 1
    if table == "condition" and "cancer" in made:
        for name, system in (("code_sct", "SCT"), ("code_eucaim", "EUCAIM")):
            made[name] = own_code("cancer", made["cancer"], system)
    lost = [c.name for c in columns_of(table).values() if c.required and c.name in row]
    return made if all(name in made for name in lost) else None


def _is_of_kind(kind: str, value: object) -> bool:
    """Say whether a value is of its column's kind: what is not may be anything, also a text."""
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return is_number and isfinite(value)  # type: ignore[arg-type]
        case "date":
            return isinstance(value, date)
    return isinstance(value, str)


def _may_stay(column: Column, text: str) -> bool:
    if column.group:
        return text in concepts(column.group)
    if column.name in _FORMS:
        return bool(_FORMS[column.name].fullmatch(text))
    if column.name == "unit":
        return text in _units()
    if column.name == "table":
        return text in _TABLES
    return column.name == "value_concept" and (text in _names() or bool(_SCORE.fullmatch(text)))


@cache
def _units() -> frozenset[str]:
    return frozenset(c.codes.get("UCUM", name) for name, c in concepts("unit").items()) | {"1"}


@cache
def _names() -> frozenset[str]:
    """Return every concept's name: a result in words is one of them."""
    return frozenset(name for group in groups() for name in concepts(group))
