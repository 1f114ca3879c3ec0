"""Read the clinical records of a dataset version back from its Parquet tables."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from tessera.adapters.parquet.table import read_tables
from tessera.domain.clinical.build import CdmTables
from tessera.domain.clinical.cdm import (
    CONDITION,
    ENTITIES,
    PATIENT,
    CancerCondition,
    ClinicalRecord,
    Subject,
)
from tessera.domain.clinical.entities import Entity
from tessera.domain.clinical.entity import Table, table_of


def read_records(folder: Path) -> tuple[ClinicalRecord, ...]:
    """Return one record per clinical row of patient.parquet, with the rows of the other tables.

    patient.parquet also has a row for each subject whose images have no clinical record; such
    a row holds at most the sex that the images state, and makes no record here.
    Raises InvalidInput when a table is missing, damaged or lacks a column.
    """
    tables = read_tables(
        folder, (PATIENT.name, CONDITION.name, *(table_of(cls).name for cls in ENTITIES))
    )
    conditions: dict[str, list[CancerCondition]] = defaultdict(list)
    for row in _rows(tables, CONDITION):
        conditions[row["subject"]].append(CancerCondition(**row))
    facts: dict[str, list[Entity]] = defaultdict(list)
    for cls in ENTITIES:
        for row in _rows(tables, table_of(cls)):
            facts[row["subject"]].append(cls(**row))
    found = (
        ClinicalRecord(
            Subject(**row), tuple(conditions[row["subject"]]), tuple(facts[row["subject"]])
        )
        for row in _rows(tables, PATIENT)
    )
    return tuple(record for record in found if _is_clinical(record))


def _is_clinical(record: ClinicalRecord) -> bool:
    subject = record.subject
    stated = (subject.population, subject.deceased, subject.survival_days)
    return bool(record.conditions or record.facts) or any(value is not None for value in stated)


def _rows(tables: CdmTables, table: Table) -> list[dict[str, Any]]:
    read = tables.get(table.name)
    if read is None:
        return []
    held = [column.name for column in read.table.columns]
    places = {column.name: held.index(column.name) for column in table.columns}
    return [{name: row[place] for name, place in places.items()} for row in read.rows]
