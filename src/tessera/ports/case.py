"""Ports: what one study is shown to a tool as, and what is made of the answer."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tessera.domain.case.model import ReleasedModel
from tessera.domain.case.result import CaseAnswer
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeObject:
    """A DICOM object made from an answer, not stored yet."""

    row: Deidentified[InstanceRow]
    content: bytes


class StudyViews(Protocol):
    def study(self, rows: Sequence[InstanceRow]) -> AbstractContextManager[Path]:
        """Yield a folder that holds these instances alone; it is gone afterwards.

        Raises Conflict when one is missing in the store.
        """
        ...


class ObjectWriter(Protocol):
    def write(self, answer: CaseAnswer, model: ReleasedModel) -> MadeObject:
        """Return a segmentation where something is marked, else a report with the probability.

        The same answer, model and images give the same bytes. Raises Conflict when a source is
        missing, InvalidCaseResult when nothing can be written of it.
        """
        ...


class ResultStore(Protocol):
    def put(self, made: MadeObject) -> bool:
        """Store beside the images and index it, whole or not at all; False when it was there."""
        ...

    def path(self, row: InstanceRow) -> Path: ...
