"""JSON form of applications for REST: what a client writes, what it reads. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tessera.domain.access.application import Answers, AskedDataset, Event
from tessera.domain.access.application_commands import (
    Accept,
    Answer,
    AskBack,
    Conclude,
    Decline,
    Grant,
    Refuse,
    Submit,
    TakeBack,
    Wish,
    Withdraw,
)
from tessera.domain.access.application_state import AccessApplication, Turn
from tessera.domain.access.form import CURRENT
from tessera.domain.access.permit import AccessMode
from tessera.domain.access.tool import tool_digest
from tessera.domain.ids import DatasetId, NodeId, dataset_id, node_id
from tessera.wire import fields
from tessera.wire.application_events import (
    answers_from_json,
    answers_to_json,
    contents_to_json,
    dataset_to_json,
    date_or_none,
    event_to_json,
    modes_from_json,
)
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage
from tessera.wire.text import is_plain

COMMANDS: Final = (
    "edit",
    "submit",
    "accept",
    "decline",
    "ask",
    "answer",
    "grant",
    "refuse",
    "take-back",
    "conclude",
    "withdraw",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenContents:
    """What an applicant writes. The hub adds what it knows: hashes, names, counts as seen."""

    form: str = CURRENT
    answers: Answers = field(default_factory=dict)
    datasets: tuple[tuple[NodeId, DatasetId, int | None], ...] = ()
    """Node, dataset, version; None is the newest."""
    search_id: str = ""
    tools: tuple[str, ...] = ()
    """Digests."""
    members: tuple[str, ...] = ()
    """User names, or person ids."""
    modes: frozenset[AccessMode] = frozenset()
    months: int = 12


@dataclass(frozen=True, slots=True)
class Rewrite:
    """An edit whose contents the hub still completes."""

    contents: WrittenContents


def written_to_json(contents: WrittenContents) -> dict[str, object]:
    return {
        "form": contents.form,
        "answers": answers_to_json(contents.answers),
        "datasets": [
            {"node_id": node, "dataset_id": name, "version": version}
            for node, name, version in contents.datasets
        ],
        "search_id": contents.search_id,
        "tools": list(contents.tools),
        "members": list(contents.members),
        "modes": sorted(contents.modes),
        "months": contents.months,
    }


def written_from_json(body: Json) -> WrittenContents:
    """Read what an applicant writes; absent keys are empty. Raises InvalidInput."""
    known = {"form", "answers", "datasets", "search_id", "tools", "members", "modes", "months"}
    if unknown := sorted(body.keys() - known):
        raise BadMessage(unknown[0][:40], f"one of {', '.join(sorted(known))}")
    return WrittenContents(
        form=fields.text(body, "form", CURRENT),
        answers=_answers(fields.as_object(body.get("answers", {}), "answers")),
        datasets=fields.objects(body, "datasets", _ref),
        search_id=fields.text(body, "search_id", ""),
        tools=tuple(tool_digest(text) for text in fields.texts(body, "tools")),
        members=fields.texts(body, "members"),
        modes=modes_from_json(body),
        months=fields.integer({"months": 12, **body}, "months"),
    )


def wish_from_json(body: Json) -> Wish | Rewrite:
    """Read a command's `type` and what belongs to it. Raises BadMessage naming the key."""
    match fields.text(body, "type"):
        case "edit":
            return Rewrite(written_from_json(fields.child(body, "contents")))
        case "submit":
            return Submit()
        case "accept":
            return Accept()
        case "decline":
            return Decline(_words(body, "reason"))
        case "ask":
            return AskBack(_words(body, "text"), _node_or_none(body))
        case "answer":
            return Answer(_words(body, "text"), _node_or_none(body))
        case "grant":
            words = _words(body, "conditions", "")
            return Grant(*_which(body), words, date_or_none(body, "until"))
        case "refuse":
            return Refuse(*_which(body), _words(body, "reason"))
        case "take-back":
            return TakeBack(*_which(body))
        case "conclude":
            return Conclude()
        case "withdraw":
            return Withdraw(_words(body, "reason", ""))
    raise BadMessage("type", f"one of {', '.join(COMMANDS)}")


def application_to_json(
    state: AccessApplication,
    *,
    turns: Sequence[Turn],
    mine: Sequence[Turn],
    names: Mapping[str, str],
    events: Sequence[Event] = (),
) -> dict[str, object]:
    """Return an application as one person may read it. `mine`: turns of that person."""
    return {
        "application_id": state.application_id,
        "number": state.number,
        "stage": state.stage.value,
        "title": state.title,
        "applicant": state.applicant,
        "persons": {person: names.get(person, "") for person in state.persons},
        "created_at": fields.moment_text(state.created_at),
        "changed_at": fields.moment_text(state.changed_at),
        "submitted_at": fields.moment_text_or_none(state.submitted_at),
        "accepted_at": fields.moment_text_or_none(state.accepted_at),
        "concluded_at": fields.moment_text_or_none(state.concluded_at),
        "reason": state.reason,
        "contents": contents_to_json(state.contents),
        "decisions": [_decision(state, one) for one in state.contents.datasets],
        "thread": [
            {
                "at": fields.moment_text(message.at),
                "by": message.by,
                "acting": message.acting.value,
                "node_id": message.node_id,
                "is_answer": message.is_answer,
                "text": message.text,
            }
            for message in state.thread
        ],
        "turns": [_turn(turn) for turn in turns],
        "my_turns": [_turn(turn) for turn in mine],
        "permit_id": state.permit_id or None,
        "events": [event_to_json(event) for event in events],
    }


def _decision(state: AccessApplication, one: AskedDataset) -> dict[str, object]:
    decision = state.decision(one)
    return {
        **dataset_to_json(one),
        "verdict": decision.verdict.value,
        "by": decision.by,
        "at": fields.moment_text_or_none(decision.at),
        "conditions": decision.conditions,
        "until": decision.until and decision.until.isoformat(),
        "reason": decision.reason,
    }


def _turn(turn: Turn) -> dict[str, object]:
    return {
        "whose": turn.whose.value,
        "node_id": turn.node_id,
        "since": fields.moment_text(turn.since),
        "due_at": fields.moment_text_or_none(turn.due_at),
    }


def _answers(body: Json) -> Answers:
    given = answers_from_json(body)
    return {key: tuple(_plain(text, key) for text in texts) for key, texts in given.items()}


def _words(body: Json, key: str, default: str | None = None) -> str:
    return _plain(fields.text(body, key, default), key)


def _plain(text: str, key: str) -> str:
    if not is_plain(text):
        raise BadMessage(key, "text without control characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _ref(body: Json) -> tuple[NodeId, DatasetId, int | None]:
    return (*_which(body), fields.natural_or_none(body, "version"))


def _which(body: Json) -> tuple[NodeId, DatasetId]:
    return node_id(fields.text(body, "node_id")), dataset_id(fields.text(body, "dataset_id"))


def _node_or_none(body: Json) -> NodeId | None:
    return node_id(fields.text(body, "node_id")) if body.get("node_id") else None
