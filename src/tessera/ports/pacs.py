"""Ports: an archive that may be asked, and the book of what is to be fetched. Identified zone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """What a request names."""

    ACCESSION = "accession"
    PATIENT = "patient"
    STUDY = "study"
    QUERY = "query"
    """Several matching keys, as JSON."""


class PullState(StrEnum):
    """Of a request, or of a study that a request has found."""

    WAITING = "waiting"
    FOUND = "found"
    """A request whose studies are known."""
    DONE = "done"
    NOTHING = "nothing"
    """The archive has no such study."""
    FAILED = "failed"
    """Tried as often as is sensible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    kind: Kind
    value: str = field(repr=False)
    state: PullState = PullState.WAITING
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStudy:
    """A study that the archive has."""

    study_uid: str = field(repr=False)
    accession: str = field(default="", repr=False)
    n_instances: int | None = None
    """None when the archive does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullStudy:
    """A study to fetch, and how far that has come."""

    found: FoundStudy
    state: PullState = PullState.WAITING
    attempts: int = 0
    n_received: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """How a retrieval ended. Source: PS3.4 C.4.2.1, C.4.3.1."""

    n_done: int
    n_failed: int
    status: int
    """0 is success, B000 some failed."""
    problem: str = ""


class Pacs(Protocol):
    """Raises Unavailable when it cannot be reached, Refused when it does not let us in."""

    def find(self, keys: Mapping[str, str]) -> Sequence[FoundStudy]:
        """Return the studies that match (keyword → value; Study Root, level STUDY)."""
        ...

    def fetch(self, study_uid: str, on_instance: Callable[[], None]) -> Fetched:
        """Have a study sent to the node; `on_instance` is called before each one is taken."""
        ...


class PullBook(Protocol):
    """What is to be fetched from one archive, and what was. Durable after each call."""

    def add(self, requests: Sequence[PullRequest]) -> int:
        """Add those that are not known; return how many are new."""
        ...

    def requests(self, state: PullState | None = None) -> Sequence[PullRequest]:
        """Return requests in the order in which they were added."""
        ...

    def answered(self, request: PullRequest, studies: Sequence[FoundStudy]) -> None:
        """Write down what a request has found; studies that are known stay as they are."""
        ...

    def studies(self, state: PullState | None = None) -> Sequence[PullStudy]: ...

    def put(self, study: PullStudy) -> None:
        """Replace what is known of a study."""
        ...

    def again(self) -> int:
        """Let failed studies, and requests that found nothing, wait anew; return how many."""
        ...
