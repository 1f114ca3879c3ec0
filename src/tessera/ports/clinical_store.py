"""Ports: a hospital's clinical tables, and the node's de-identified clinical records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tessera.domain.clinical.cdm import ClinicalRecord
from tessera.domain.clinical.mapping_file import ClinicalMapping
from tessera.domain.clinical.record_json import RecordText
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
    ) -> Iterator[tuple[int, Identified[tuple[str, ...]]]]:
        """Yield (row number, cells in the order of `mapping.columns()`).

        Raises NotFound, InvalidMapping.
        """
        ...


class ClinicalStore(Protocol):
    """Records by subject. A later delivery replaces what was known of its subjects."""

    def replace(
        self,
        records: Iterable[Deidentified[ClinicalRecord] | Deidentified[RecordText]],
        delivery: Delivery,
    ) -> None:
        """Store `records`, each in place of its subject's earlier record, all or none.

        The number of subjects that the delivery is kept with is theirs. Durable when it returns.
        """
        ...

    def existing(self, subjects: Sequence[Pseudonym]) -> Mapping[Pseudonym, str]:
        """Return the stored text of those of `subjects` that have a record."""
        ...

    def delivered_by(self, mapping_name: str) -> Iterator[Pseudonym]:
        """Yield the subjects whose record came through a mapping of this name, ascending."""
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
