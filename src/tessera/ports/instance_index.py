"""Port: the node's index of de-identified instances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tessera.domain.ids import InstanceUid, Pseudonym, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified


@dataclass(frozen=True, slots=True)
class IndexTotals:
    n_subjects: int
    n_studies: int
    n_series: int
    n_instances: int
    n_bytes: int


class InstanceIndex(Protocol):
    """`tessera.testing.node_stores.InstanceIndexContract` is the specification."""

    def put(self, rows: Sequence[Deidentified[InstanceRow]]) -> None:
        """Insert or replace by `instance_uid`, all or none; durable when it returns."""
        ...

    def find(self, instance_uids: Sequence[InstanceUid]) -> dict[InstanceUid, InstanceRow]:
        """Return the rows that exist among `instance_uids`."""
        ...

    def all(self) -> Iterator[InstanceRow]:
        """Yield every row, by study, series, then instance UID, ascending bytes."""
        ...

    def of_study(self, study_uid: StudyUid) -> Sequence[InstanceRow]:
        """Return the rows of one study in the order of `all`; none when there is no such study."""
        ...

    def subjects(self) -> frozenset[Pseudonym]:
        """Return everybody of whom there is an instance."""
        ...

    def remove(self, instance_uids: Sequence[InstanceUid]) -> None:
        """Remove rows; unknown UIDs are no error; durable when it returns."""
        ...

    def totals(self) -> IndexTotals:
        """Return exact totals. They stay inside the node."""
        ...
