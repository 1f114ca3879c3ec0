"""Patients of a real node home, and a search of a dataset version for one of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from tessera.bootstrap.datasets import clinical_store
from tessera.bootstrap.node import Node
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import seal_deidentified
from tessera.ports.clinical_store import Delivery
from tests.integration.test_datasets import instance, record

PATIENTS = tuple(f"19121212-{number:04}" for number in range(30))


def subject_of(node: Node, patient_id: str) -> Pseudonym:
    return node.pseudonymiser().pseudonym(patient_id)


def put_patients(node: Node, patient_ids: Sequence[str] = PATIENTS) -> None:
    """Give the node two images and a clinical record of each."""
    rows, records = [], []
    for patient_id in patient_ids:
        number, who = int(patient_id[-4:]), subject_of(node, patient_id)
        rows += [instance(number, place, subject=who) for place in (1, 2)]
        made = record(number, "prostate" if number % 2 else "lung")
        (condition,) = made.conditions
        condition = replace(condition, subject=who, condition_id=f"{who}/1")
        records.append(
            replace(made, subject=replace(made.subject, subject=who), conditions=(condition,))
        )
    node.index.put([seal_deidentified(row) for row in rows])
    clinical_store(node).replace(
        [seal_deidentified(one) for one in records],
        Delivery(
            mapping_name="m",
            mapping_version="1",
            delivered_at=datetime(2025, 2, 1, tzinfo=UTC),
            n_subjects=len(records),
        ),
    )


def files_with(folder: Path, word: str) -> set[str]:
    """Return the files that hold `word`, as bytes or in a cell of a compressed table."""
    found = set()
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        texts = path.read_bytes()
        if path.suffix == ".parquet":
            texts += repr(pq.read_table(path).to_pylist()).encode()
        if word.encode() in texts:
            found.add(path.name)
    return found
