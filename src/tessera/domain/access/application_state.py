"""The state of an application, folded from its events, and whose turn it is. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from tessera.domain.access.application import (
    Accepted,
    Answered,
    Asked,
    AskedDataset,
    Capacity,
    Concluded,
    Contents,
    Declined,
    Drafted,
    Edited,
    Event,
    Granted,
    PermitIssued,
    Refused,
    Submitted,
    TakenBack,
    Withdrawn,
)
from tessera.domain.access.clocks import Clocks
from tessera.domain.access.people import Person, Role
from tessera.domain.errors import Conflict
from tessera.domain.ids import DatasetId, NodeId


class Stage(StrEnum):
    """Where an application is."""

    DRAFT = "draft"
    CHECK = "check"
    """The committee looks at it first."""
    DECIDING = "deciding"
    """Each holder decides on its datasets."""
    CONCLUDED = "concluded"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


FINAL: Final = frozenset({Stage.CONCLUDED, Stage.DECLINED, Stage.WITHDRAWN})
COMMITTEE: Final = None
"""Who asks, where a holder is named by its node."""


class Verdict(StrEnum):
    """What a holder says to one dataset."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    NOT_ANSWERED = "not-answered"
    """It was concluded before the holder decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The present word on one dataset."""

    verdict: Verdict
    by: str = ""
    at: datetime | None = None
    conditions: str = ""
    until: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of the thread: a question back, or an answer."""

    at: datetime
    by: str
    acting: Capacity
    node_id: NodeId | None
    """The holder who asks or is answered; None: the committee."""
    is_answer: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Somebody's turn, and by when."""

    whose: Capacity
    node_id: NodeId | None
    since: datetime
    due_at: datetime | None
    """None for a draft: nobody waits for it."""

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is not None and now > self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessApplication:
    """One application as it is now. `of` folds it; `tessera.domain.access.decide` changes it."""

    application_id: str
    number: int
    """Of the last event."""
    stage: Stage
    applicant: str
    contents: Contents
    created_at: datetime
    changed_at: datetime
    submitted_at: datetime | None = None
    submitted_number: int = 0
    """Of the event that submitted it: nobody else sees what was before."""
    accepted_at: datetime | None = None
    concluded_at: datetime | None = None
    reason: str = ""
    """Why it was declined or withdrawn."""
    decisions: Mapping[tuple[NodeId, DatasetId], Decision] = field(default_factory=dict)
    open_questions: Mapping[NodeId | None, datetime] = field(default_factory=dict)
    """Who waits for an answer of the applicant, since when."""
    answered_at: Mapping[NodeId | None, datetime] = field(default_factory=dict)
    thread: tuple[Message, ...] = ()
    permit_id: str = ""
    command_ids: Mapping[str, str] = field(default_factory=dict)
    """Command → who gave it."""

    @property
    def title(self) -> str:
        return self.contents.answer("title")

    @property
    def persons(self) -> tuple[str, ...]:
        """Return the applicant and the members."""
        return tuple(dict.fromkeys((self.applicant, *self.contents.members)))

    @property
    def is_final(self) -> bool:
        return self.stage in FINAL

    def decision(self, one: AskedDataset) -> Decision:
        found = self.decisions.get(one.key)
        if found is not None:
            return found
        ended = self.stage is Stage.CONCLUDED
        return Decision(verdict=Verdict.NOT_ANSWERED if ended else Verdict.OPEN)

    def granted(self) -> tuple[tuple[AskedDataset, Decision], ...]:
        """Return the datasets that were granted, with their conditions."""
        pairs = ((one, self.decision(one)) for one in self.contents.datasets)
        return tuple(pair for pair in pairs if pair[1].verdict is Verdict.GRANTED)

    def undecided(self, node_id: str | None = None) -> tuple[AskedDataset, ...]:
        """Return the datasets without a decision, of one node or of all."""
        return tuple(
            one
            for one in self.contents.datasets
            if one.key not in self.decisions and node_id in (None, one.node_id)
        )

    def is_own(self, person_id: str) -> bool:
        """Whether the person asks for something here, and so decides on nothing."""
        return person_id in self.persons

    def may_see(self, person: Person) -> bool:
        """Whether the person may read it: who asks always, who decides after submission."""
        if self.is_own(person.person_id):
            return True
        if self.submitted_at is None:
            return False
        nodes = person.nodes(Role.HOLDER)
        return person.has(Role.COMMITTEE) or any(node in nodes for node in self.contents.nodes())

    def turns(self, clocks: Clocks) -> tuple[Turn, ...]:
        """Return whose turn it is; empty when the application is at its end."""
        if self.is_final:
            return ()
        if self.stage is Stage.DRAFT:
            return (_turn(Capacity.APPLICANT, COMMITTEE, self.created_at, None),)
        waits = [
            _turn(Capacity.APPLICANT, node, since, clocks.applicant_days)
            for node, since in self.open_questions.items()
        ]
        if self.stage is Stage.CHECK:
            if COMMITTEE not in self.open_questions:
                since = self._since(COMMITTEE, self.submitted_at)
                waits.append(_turn(Capacity.COMMITTEE, COMMITTEE, since, clocks.committee_days))
            return tuple(waits)
        for node in self.contents.nodes():
            if self.undecided(node) and node not in self.open_questions:
                since = self._since(node, self.accepted_at)
                waits.append(_turn(Capacity.HOLDER, node, since, clocks.holder_days))
        return tuple(waits)

    def turns_of(self, person: Person, clocks: Clocks) -> tuple[Turn, ...]:
        """Return the turns that this person may take."""
        return tuple(turn for turn in self.turns(clocks) if self._takes(person, turn))

    def _takes(self, person: Person, turn: Turn) -> bool:
        if turn.whose is Capacity.APPLICANT:
            return person.person_id == self.applicant
        if self.is_own(person.person_id):
            return False
        if turn.whose is Capacity.COMMITTEE:
            return person.has(Role.COMMITTEE)
        return turn.node_id is not None and person.has(Role.HOLDER, turn.node_id)

    def _since(self, asker: NodeId | None, begun: datetime | None) -> datetime:
        """Return when an asker's turn began: with the last answer it got, else with the stage."""
        start = begun or self.created_at
        return max(start, self.answered_at.get(asker, start))


def _turn(whose: Capacity, node: NodeId | None, since: datetime, days: int | None) -> Turn:
    due = None if days is None else Clocks.due(since, days)
    return Turn(whose=whose, node_id=node, since=since, due_at=due)


def folded(
    events: Iterable[Event], start: AccessApplication | None = None
) -> AccessApplication | None:
    """Return the state after `events`, going on from `start`; None when nothing has happened.

    Raises Conflict when events are missing or out of order.
    """
    state = start
    for event in events:
        state = _after(state, event)
    return state


def _after(state: AccessApplication | None, event: Event) -> AccessApplication:
    if event.number != (state.number + 1 if state else 1):
        raise Conflict(f"application {event.application_id}: event {event.number} out of order")
    if isinstance(event.what, Drafted):
        return AccessApplication(
            application_id=event.application_id,
            number=1,
            stage=Stage.DRAFT,
            applicant=event.by,
            contents=event.what.contents,
            created_at=event.at,
            changed_at=event.at,
            command_ids={event.command_id: event.by},
        )
    if state is None:
        raise Conflict(f"application {event.application_id} does not begin with a draft")
    moved = replace(
        state,
        number=event.number,
        changed_at=event.at,
        command_ids={**state.command_ids, event.command_id: event.by},
    )
    return _with(moved, event)


def _with(state: AccessApplication, event: Event) -> AccessApplication:
    match event.what:
        case Edited(contents):
            return replace(state, contents=contents)
        case Submitted():
            number = event.number
            return replace(state, stage=Stage.CHECK, submitted_at=event.at, submitted_number=number)
        case Accepted():
            return replace(state, stage=Stage.DECIDING, accepted_at=event.at)
        case Declined(reason):
            return _ended(state, Stage.DECLINED, event, reason)
        case Withdrawn(reason):
            return _ended(state, Stage.WITHDRAWN, event, reason)
        case Concluded():
            return _ended(state, Stage.CONCLUDED, event, "")
        case Asked(text, node_id):
            said = replace(state, thread=(*state.thread, _message(event, node_id, text)))
            return replace(said, open_questions={**state.open_questions, node_id: event.at})
        case Answered(text, node_id):
            left = {who: at for who, at in state.open_questions.items() if who != node_id}
            said = replace(state, thread=(*state.thread, _message(event, node_id, text)))
            answered = {**state.answered_at, node_id: event.at}
            return replace(said, open_questions=left, answered_at=answered)
        case Granted(node_id, dataset_id, conditions, until):
            word = Decision(
                verdict=Verdict.GRANTED,
                by=event.by,
                at=event.at,
                conditions=conditions,
                until=until,
            )
            return _decided(state, (node_id, dataset_id), word)
        case Refused(node_id, dataset_id, reason):
            word = Decision(verdict=Verdict.REFUSED, by=event.by, at=event.at, reason=reason)
            return _decided(state, (node_id, dataset_id), word)
        case TakenBack(node_id, dataset_id):
            kept = {k: v for k, v in state.decisions.items() if k != (node_id, dataset_id)}
            restarted = {**state.answered_at, node_id: event.at}
            return replace(state, decisions=kept, answered_at=restarted)
        case PermitIssued(permit_id):
            return replace(state, permit_id=permit_id)
        case _:
            raise Conflict(f"application {event.application_id} was drafted twice")


def _ended(state: AccessApplication, stage: Stage, event: Event, reason: str) -> AccessApplication:
    return replace(state, stage=stage, concluded_at=event.at, reason=reason, open_questions={})


def _decided(
    state: AccessApplication, key: tuple[NodeId, DatasetId], word: Decision
) -> AccessApplication:
    left = dict(state.open_questions)
    decided = {**state.decisions, key: word}
    if all(one.key in decided for one in state.contents.datasets if one.node_id == key[0]):
        # A holder who has decided on everything waits for no answer any more.
        left.pop(key[0], None)
    return replace(state, decisions=decided, open_questions=left)


def _message(event: Event, node_id: NodeId | None, text: str) -> Message:
    return Message(
        at=event.at,
        by=event.by,
        acting=event.acting,
        node_id=node_id,
        is_answer=isinstance(event.what, Answered),
        text=text,
    )
