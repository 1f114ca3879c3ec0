"""An application for access: what is asked for, and everything that may happen to it. Pure.

Source: Regulation (EU) 2025/327 (EHDS), Articles 67 and 68: what an application holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from tessera.domain.access.permit import AccessMode, PermittedTool
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import Conflict, InvalidInput
from tessera.domain.ids import DatasetId, NodeId

MAX_MONTHS: Final = 120
"""A permit of EHDS Article 68 lasts ten years at the most."""
MAX_DATASETS: Final = 100
MAX_MEMBERS: Final = 50
MAX_TOOLS: Final = 20
MAX_EVENTS: Final = 1000
"""After so many an application is edited no more: each is kept for ever."""
MAX_MESSAGE: Final = 4000
"""Characters of a question, an answer or a reason."""
MAX_CONDITIONS: Final = 350
"""Characters; they go whole into the permit, after the dataset's name."""

Answers = Mapping[str, tuple[str, ...]]
"""Question of the form → what was answered; one text, or the choices that were made."""


class CommandRefused(Conflict):
    """The rules do not allow this step: by this person, or in the present state."""

    code = "command-refused"
    public = "This step is not possible for you, or not in the application's present state."


class ApplicationMoved(Conflict):
    """Somebody else changed the application first; nothing of this step was kept."""

    code = "application-moved"
    public = "Somebody else changed the application in the meantime. Read it again first."


class InvalidApplication(InvalidInput):
    """What was written into an application cannot be kept; the message names it."""

    code = "invalid-application"
    public = "Something in the application is not valid."


class Capacity(StrEnum):
    """As what a person takes a step."""

    APPLICANT = "applicant"
    COMMITTEE = "committee"
    HOLDER = "holder"
    HUB = "hub"
    """The hub itself, by its rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedDataset:
    """One dataset version that is applied for, as the applicant saw it."""

    node_id: NodeId
    dataset_id: DatasetId
    version: int
    manifest_sha256: str
    title: Mapping[str, str]
    holder: str
    """Name of the node."""
    outcome: Outcome | None = None
    """What it answered to the search of the application; None when it was not asked."""
    n_subjects: int | None = None
    """As disclosed by the node, to that search or in the catalogue."""
    n_studies: int | None = None

    @property
    def key(self) -> tuple[NodeId, DatasetId]:
        return (self.node_id, self.dataset_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSearch:
    """The search whose answers the applicant saw."""

    search_id: str
    query: str
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that an applicant writes. A change is a whole new one."""

    form: str
    """Name and version of the form, as `application-1`."""
    answers: Answers = field(default_factory=dict)
    datasets: tuple[AskedDataset, ...] = ()
    search: SeenSearch | None = None
    tools: tuple[PermittedTool, ...] = ()
    members: tuple[str, ...] = ()
    """Person ids of those who work on it besides the applicant."""
    modes: frozenset[AccessMode] = frozenset()
    months: int = 12

    def answer(self, question: str) -> str:
        """Return a single answer; empty when there is none."""
        given = self.answers.get(question, ())
        return given[0] if given else ""

    def nodes(self) -> tuple[NodeId, ...]:
        """Return the nodes whose datasets are asked for, each once."""
        return tuple(dict.fromkeys(one.node_id for one in self.datasets))

    def dataset(self, node_id: str, dataset_id: str) -> AskedDataset | None:
        return next((one for one in self.datasets if one.key == (node_id, dataset_id)), None)


@dataclass(frozen=True, slots=True)
class Drafted:
    contents: Contents


@dataclass(frozen=True, slots=True)
class Edited:
    contents: Contents


@dataclass(frozen=True, slots=True)
class Submitted:
    pass


@dataclass(frozen=True, slots=True)
class Accepted:
    """The committee's first check is passed; the holders decide."""


@dataclass(frozen=True, slots=True)
class Declined:
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question back to the applicant; `node_id` when a holder asks."""

    text: str
    node_id: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    text: str
    node_id: NodeId | None = None
    """Whose question it answers: that holder's, else the committee's."""


@dataclass(frozen=True, slots=True)
class Granted:
    node_id: NodeId
    dataset_id: DatasetId
    conditions: str = ""
    until: date | None = None
    """The last day; None: as long as was asked for."""


@dataclass(frozen=True, slots=True)
class Refused:
    node_id: NodeId
    dataset_id: DatasetId
    reason: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The decision on one dataset is open again."""

    node_id: NodeId
    dataset_id: DatasetId


@dataclass(frozen=True, slots=True)
class Concluded:
    """Nothing is decided any more; datasets without a decision were not answered."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PermitIssued:
    permit_id: str


Happening = (
    Drafted
    | Edited
    | Submitted
    | Accepted
    | Declined
    | Asked
    | Answered
    | Granted
    | Refused
    | TakenBack
    | Concluded
    | Withdrawn
    | PermitIssued
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened to one application. Never changed, never removed."""

    application_id: str
    number: int
    """From 1, without gaps."""
    at: datetime
    by: str
    """Person id; `hub` for the hub itself."""
    acting: Capacity
    command_id: str
    what: Happening
