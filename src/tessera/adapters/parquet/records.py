"""Read the clinical records of a dataset version back from its Parquet tables."""

from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from typing import Any

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.errors import InvalidInput

_SUBJECT = [field.name for field in fields(Subject)]
_CONDITION = [field.name for field in fields(CancerCondition)]


def read_records(folder: Path) -> tuple[ClinicalRecord, ...]:
    """Return one record per clinical row of patient.parquet, with its rows of condition.parquet.

    patient.parquet also has a row for each subject whose images have no clinical record; such
    a row holds at most the sex that the images state, and makes no record here.
    Raises InvalidInput when a table is missing, damaged or lacks a column.
    """
    conditions: dict[str, list[CancerCondition]] = defaultdict(list)
    for row in _rows(folder / "condition.parquet", _CONDITION):
        conditions[row["subject"]].append(CancerCondition(**row))
    found = (
        ClinicalRecord(Subject(**row), tuple(conditions[row["subject"]]))
        for row in _rows(folder / "patient.parquet", _SUBJECT)
    )
    return tuple(record for record in found if _is_clinical(record))


def _is_clinical(record: ClinicalRecord) -> bool:
    subject = record.subject
    stated = (subject.population, subject.deceased, subject.survival_days)
    return bool(record.conditions) or any(value is not None for value in stated)


def _rows(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        return list(table.select(columns).to_pylist())
    except (OSError, KeyError, pa.ArrowException) as err:
        raise InvalidInput(f"{path.name}: not a table of the common data model: {err}") from err
