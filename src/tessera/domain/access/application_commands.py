"""What somebody asks of an application, and the one place that decides on it. Pure.

`decided` takes the state and a command and returns events, or raises: a refused command leaves
nothing. Time and person come with the command.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from tessera.domain.access.application import (
    MAX_CONDITIONS,
    MAX_DATASETS,
    MAX_EVENTS,
    MAX_MEMBERS,
    MAX_MESSAGE,
    MAX_MONTHS,
    MAX_TOOLS,
    Accepted,
    Answered,
    Asked,
    Capacity,
    CommandRefused,
    Concluded,
    Contents,
    Declined,
    Drafted,
    Edited,
    Event,
    Granted,
    Happening,
    InvalidApplication,
    PermitIssued,
    Refused,
    Submitted,
    TakenBack,
    Withdrawn,
)
from tessera.domain.access.application_state import COMMITTEE, AccessApplication, Stage, Verdict
from tessera.domain.access.form import form
from tessera.domain.access.people import Person, Role
from tessera.domain.access.permit import AccessMode
from tessera.domain.ids import DatasetId, NodeId

HUB: Final = "hub"
_OPEN: Final = frozenset({Stage.DRAFT, Stage.CHECK, Stage.DECIDING})


@dataclass(frozen=True, slots=True)
class Draft:
    contents: Contents


@dataclass(frozen=True, slots=True)
class Edit:
    contents: Contents


@dataclass(frozen=True, slots=True)
class Submit:
    pass


@dataclass(frozen=True, slots=True)
class Accept:
    pass


@dataclass(frozen=True, slots=True)
class Decline:
    reason: str


@dataclass(frozen=True, slots=True)
class AskBack:
    text: str
    node_id: NodeId | None = None
    """As the holder at this node; None: as the committee."""


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    node_id: NodeId | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    node_id: NodeId
    dataset_id: DatasetId
    conditions: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    node_id: NodeId
    dataset_id: DatasetId
    reason: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    node_id: NodeId
    dataset_id: DatasetId


@dataclass(frozen=True, slots=True)
class Conclude:
    pass


@dataclass(frozen=True, slots=True)
class Withdraw:
    reason: str = ""


Wish = (
    Draft
    | Edit
    | Submit
    | Accept
    | Decline
    | AskBack
    | Answer
    | Grant
    | Refuse
    | TakeBack
    | Conclude
    | Withdraw
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one person asks for. The same command given twice has the effect of one."""

    application_id: str
    command_id: str
    """A UUID that the caller makes."""
    by: Person
    at: datetime
    wish: Wish


def decided(state: AccessApplication | None, command: Command) -> tuple[Event, ...]:
    """Return what a command makes happen; empty when it was given before.

    Raises CommandRefused when the person may not, or the state does not allow it, and
    InvalidApplication when what the command carries is not valid.
    """
    for name in ("command_id", "application_id"):
        if not _is_uuid(getattr(command, name)):
            raise InvalidApplication(f"{name}: expected a UUID")
    if state is not None and command.command_id in state.command_ids:
        if state.command_ids[command.command_id] != command.by.person_id:
            raise CommandRefused("this command id was used by somebody else")
        return ()
    acting, what = _decided(state, command)
    events = [_event(state, command, acting, what)]
    if state is not None and _is_last_decision(state, what):
        events.append(_event(state, command, Capacity.HUB, Concluded(), after=1))
    return tuple(events)


def permit_issued(
    state: AccessApplication, permit_id: str, at: datetime, command_id: str
) -> tuple[Event, ...]:
    """Return the note that the permit of a concluded application is out; empty when it is there.

    Raises CommandRefused unless the application is concluded with a grant.
    """
    if state.permit_id:
        return ()
    if state.stage is not Stage.CONCLUDED or not state.granted():
        raise CommandRefused("a permit follows from a concluded application with a grant")
    event = Event(
        application_id=state.application_id,
        number=state.number + 1,
        at=at,
        by=HUB,
        acting=Capacity.HUB,
        command_id=command_id,
        what=PermitIssued(permit_id),
    )
    return (event,)


def _event(
    state: AccessApplication | None,
    command: Command,
    acting: Capacity,
    what: Happening,
    after: int = 0,
) -> Event:
    return Event(
        application_id=command.application_id,
        number=(state.number if state else 0) + 1 + after,
        at=command.at,
        by=command.by.person_id,
        acting=acting,
        command_id=command.command_id,
        what=what,
    )


def _is_last_decision(state: AccessApplication, what: Happening) -> bool:
    if not isinstance(what, Granted | Refused):
        return False
    return [one.key for one in state.undecided()] == [(what.node_id, what.dataset_id)]


def _decided(state: AccessApplication | None, command: Command) -> tuple[Capacity, Happening]:
    person, wish = command.by, command.wish
    if isinstance(wish, Draft):
        if state is not None:
            raise CommandRefused("this application is there already")
        if not person.has(Role.RESEARCHER):
            raise CommandRefused("applying needs the role of a researcher")
        return Capacity.APPLICANT, Drafted(_sound(wish.contents, person))
    if state is None:
        raise CommandRefused("there is no such application")
    if state.is_final:
        raise CommandRefused(f"the application is {state.stage}; nothing changes any more")
    match wish:
        case Edit(contents):
            return Capacity.APPLICANT, _edited(state, person, contents)
        case Submit():
            _applicant(state, person)
            _needs(state, Stage.DRAFT)
            _complete(state.contents)
            return Capacity.APPLICANT, Submitted()
        case Answer(text, node_id):
            _applicant(state, person)
            if node_id not in state.open_questions:
                raise CommandRefused("nobody waits for this answer")
            return Capacity.APPLICANT, Answered(_text(text, "text"), node_id)
        case Withdraw(reason):
            _applicant(state, person)
            return Capacity.APPLICANT, Withdrawn(_text(reason, "reason", least=0))
        case Accept():
            _committee(state, person)
            _needs(state, Stage.CHECK)
            if COMMITTEE in state.open_questions:
                raise CommandRefused("the applicant has not answered the committee's question")
            return Capacity.COMMITTEE, Accepted()
        case Decline(reason):
            _committee(state, person)
            _needs(state, Stage.CHECK)
            return Capacity.COMMITTEE, Declined(_text(reason, "reason"))
        case Conclude():
            _committee(state, person)
            _needs(state, Stage.DECIDING)
            return Capacity.COMMITTEE, Concluded()
        case AskBack(text, node_id):
            return _asked(state, person, text, node_id)
        case Grant() | Refuse() | TakeBack():
            return Capacity.HOLDER, _of_holder(state, person, wish, command.at)


def _edited(state: AccessApplication, person: Person, contents: Contents) -> Edited:
    _applicant(state, person)
    if state.number >= MAX_EVENTS:
        raise CommandRefused(f"it was changed {MAX_EVENTS} times; begin a new one")
    if state.stage is Stage.CHECK and COMMITTEE in state.open_questions:
        _complete(contents)
    elif state.stage is not Stage.DRAFT:
        raise CommandRefused("it is submitted; it changes only while the committee asks")
    return Edited(_sound(contents, person))


def _asked(
    state: AccessApplication, person: Person, text: str, node_id: NodeId | None
) -> tuple[Capacity, Asked]:
    if node_id is None:
        _committee(state, person)
        _needs(state, Stage.CHECK)
    else:
        _holder(state, person, node_id)
        _needs(state, Stage.DECIDING)
        if not state.undecided(node_id):
            raise CommandRefused("this holder has decided on all its datasets")
    if node_id in state.open_questions:
        raise CommandRefused("an earlier question is not answered yet")
    acting = Capacity.COMMITTEE if node_id is None else Capacity.HOLDER
    return acting, Asked(_text(text, "text"), node_id)


def _of_holder(
    state: AccessApplication, person: Person, wish: Grant | Refuse | TakeBack, at: datetime
) -> Happening:
    _holder(state, person, wish.node_id)
    _needs(state, Stage.DECIDING)
    one = state.contents.dataset(wish.node_id, wish.dataset_id)
    if one is None:
        raise CommandRefused("this dataset is not in the application")
    is_open = state.decision(one).verdict is Verdict.OPEN
    if is_open == isinstance(wish, TakeBack):
        told = "is not decided yet" if is_open else "is decided; take the decision back first"
        raise CommandRefused(f"dataset {one.dataset_id} {told}")
    match wish:
        case Grant(node_id, dataset_id, conditions, until):
            if until is not None and until <= at.date():
                raise InvalidApplication("until: a day after today")
            words = _text(conditions, "conditions", least=0, most=MAX_CONDITIONS)
            return Granted(node_id, dataset_id, words, until)
        case Refuse(node_id, dataset_id, reason):
            return Refused(node_id, dataset_id, _text(reason, "reason"))
        case TakeBack(node_id, dataset_id):
            return TakenBack(node_id, dataset_id)


def _applicant(state: AccessApplication, person: Person) -> None:
    if person.person_id != state.applicant:
        raise CommandRefused("only the applicant may do this")


def _committee(state: AccessApplication, person: Person) -> None:
    if not person.has(Role.COMMITTEE):
        raise CommandRefused("this needs the role of the committee")
    _not_own(state, person)


def _holder(state: AccessApplication, person: Person, node_id: NodeId) -> None:
    if not person.has(Role.HOLDER, node_id):
        raise CommandRefused(f"this needs the role of the holder at {node_id}")
    if node_id not in state.contents.nodes():
        raise CommandRefused(f"no dataset of {node_id} is asked for")
    _not_own(state, person)


def _not_own(state: AccessApplication, person: Person) -> None:
    if state.is_own(person.person_id):
        raise CommandRefused("nobody decides on an application of their own")


def _needs(state: AccessApplication, stage: Stage) -> None:
    if state.stage is not stage:
        raise CommandRefused(f"this needs the stage {stage}; it is {state.stage}")


def _complete(contents: Contents) -> None:
    """Raise InvalidApplication naming every question that keeps it from being submitted."""
    if missing := lacking(contents):
        raise InvalidApplication(f"not complete: {', '.join(missing)}")


def lacking(contents: Contents) -> tuple[str, ...]:
    """Return what must be mended before submission: question ids, and parts of the contents."""
    missing = [fault.question for fault in form(contents.form).faults(contents.answers)]
    if not contents.datasets:
        missing.append("datasets")
    if not contents.modes:
        missing.append("modes")
    if contents.modes & {AccessMode.RUN, AccessMode.LEARN} and not contents.tools:
        missing.append("tools")
    return tuple(missing)


def _sound(contents: Contents, person: Person) -> Contents:
    """Return contents that may be kept, complete or not. Raises InvalidApplication."""
    form(contents.form).check(contents.answers)
    limits = {"datasets": MAX_DATASETS, "members": MAX_MEMBERS, "tools": MAX_TOOLS}
    for name, most in limits.items():
        if len(getattr(contents, name)) > most:
            raise InvalidApplication(f"{name}: at most {most}")
    if not 1 <= contents.months <= MAX_MONTHS:
        raise InvalidApplication(f"months: 1 to {MAX_MONTHS}")
    keys = [one.key for one in contents.datasets]
    if len(set(keys)) != len(keys):
        raise InvalidApplication("datasets: each at most once")
    if len(set(contents.members)) != len(contents.members) or person.person_id in contents.members:
        raise InvalidApplication("members: each person once, without the applicant")
    if len({tool.digest for tool in contents.tools}) != len(contents.tools):
        raise InvalidApplication("tools: each at most once")
    return contents


def _text(text: str, key: str, *, least: int = 1, most: int = MAX_MESSAGE) -> str:
    told = text.strip()
    if not least <= len(told) <= most:
        raise InvalidApplication(f"{key}: {least} to {most} characters")
    return told


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
