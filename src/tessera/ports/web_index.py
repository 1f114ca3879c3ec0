"""Port: what DICOMweb searches and answers with, beside the node's index of instances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tessera.domain.dicomweb.query import WebQuery
from tessera.domain.imaging.dicom_json import Described


@dataclass(frozen=True, slots=True)
class Sight:
    """What a caller may see. Nothing that is hidden is counted, found or read."""

    key: str = ""
    """Name of the access key whose studies alone are seen; "" sees all studies."""
    hidden: frozenset[str] = frozenset()
    """Subjects of whom nothing is shown to anybody: they opted out."""


@dataclass(frozen=True, slots=True)
class Found:
    answers: tuple[bytes, ...]
    """JSON objects."""
    has_more: bool
    """There are results after this page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebObject:
    """One instance that may be retrieved."""

    study_uid: str
    series_uid: str
    instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    modality: str
    frames: int
    n_bytes: int
    sha256: str
    place: str
    """In the instance store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An instance that is stored and not described yet."""

    instance_uid: str
    place: str


class WebIndex(Protocol):
    """Holds what the instance index of the same home holds; what leaves that leaves this at once.

    `tessera.testing.web_index.WebIndexContract` is the specification.
    """

    def waiting(self, most: int) -> Sequence[Waiting]:
        """Return up to `most` instances that were stored and are not described yet."""
        ...

    def put(self, described: Sequence[Described], failed: Sequence[str] = ()) -> None:
        """Describe waiting instances; `failed` are those that cannot be. All or none."""
        ...

    def search(self, query: WebQuery, sight: Sight, base: str) -> Found:
        """Return one page of answers, in the same order for the same query.

        Raises InvalidInput when the search would take too long.
        """
        ...

    def objects(
        self, sight: Sight, study_uid: str, series_uid: str = "", instance_uid: str = ""
    ) -> Sequence[WebObject]:
        """Return the instances of a study, a series, or one, by series and instance number."""
        ...

    def metadata(
        self, sight: Sight, base: str, study_uid: str, series_uid: str = "", instance_uid: str = ""
    ) -> Iterator[bytes]:
        """Yield the DICOM JSON of the instances that `objects` returns, in that order."""
        ...
