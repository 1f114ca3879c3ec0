"""Ports: a hospital's clinical tables, and the node's de-identified clinical records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.mapping_file import ClinicalMapping
from tessera.domain.ids import Pseudonym
from tessera.domain.zones import Deidentified, Identified


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery of a clinical table, as the research zone remembers it."""

    mapping_name: str
    mapping_version: str
    delivered_at: datetime
    n_subjects: int


class TableSource(Protocol):
    def rows(
        self, path: Path, mapping: ClinicalMapping
    ) -> Iterator[tuple[int, Identified[Mapping[str, str]]]]:
        """Yield (row number, cells by column). Raises NotFound, InvalidMapping."""
        ...


class ClinicalStore(Protocol):
    """Records by subject. A later delivery replaces what was known of its subjects."""

    def replace(self, records: Sequence[Deidentified[ClinicalRecord]], delivery: Delivery) -> None:
        """Store `records`, each in place of its subject's earlier record, all or none.

        Durable when it returns.
        """
        ...

    def all(self) -> Iterator[ClinicalRecord]:
        """Yield every record by subject, ascending."""
        ...

    def remove(self, subjects: Sequence[Pseudonym]) -> None:
        """Remove subjects; unknown ones are no error; durable when it returns."""
        ...

    def deliveries(self) -> tuple[Delivery, ...]:
        """Return every delivery, oldest first."""
        ...
