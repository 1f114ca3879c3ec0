"""JSON form of what an application holds and of its events, as they are kept. Pure.

`kind` is the event's name in the past tense. Kept events are read for as long as there is a
hub: a key is only ever added, and its absence then means what was true before it.
"""

from collections.abc import Mapping
from datetime import date
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
    Happening,
    PermitIssued,
    Refused,
    SeenSearch,
    Submitted,
    TakenBack,
    Withdrawn,
)
from tessera.domain.access.permit import AccessMode, PermittedTool
from tessera.domain.cohort.result import Outcome
from tessera.domain.ids import DatasetId, NodeId
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage

_KINDS: Final[dict[type[object], str]] = {
    Drafted: "drafted",
    Edited: "edited",
    Submitted: "submitted",
    Accepted: "accepted",
    Declined: "declined",
    Asked: "asked",
    Answered: "answered",
    Granted: "granted",
    Refused: "refused",
    TakenBack: "taken-back",
    Concluded: "concluded",
    Withdrawn: "withdrawn",
    PermitIssued: "permit-issued",
}


def kind_of(what: Happening) -> str:
    """Return the name of what has happened, as in the JSON form."""
    return _KINDS[type(what)]


def event_to_json(event: Event) -> dict[str, object]:
    return {
        "application_id": event.application_id,
        "number": event.number,
        "at": fields.moment_text(event.at),
        "by": event.by,
        "acting": event.acting.value,
        "command_id": event.command_id,
        "kind": kind_of(event.what),
        **_happening_to_json(event.what),
    }


def event_from_json(body: Json) -> Event:
    """Read what `event_to_json` wrote. Raises BadMessage naming the key."""
    return Event(
        application_id=fields.text(body, "application_id"),
        number=fields.integer(body, "number"),
        at=fields.moment(body, "at"),
        by=fields.text(body, "by"),
        acting=Capacity(fields.text(body, "acting")),
        command_id=fields.text(body, "command_id"),
        what=_happening(body),
    )


def contents_to_json(contents: Contents) -> dict[str, object]:
    search = contents.search
    return {
        "form": contents.form,
        "answers": answers_to_json(contents.answers),
        "datasets": [dataset_to_json(one) for one in contents.datasets],
        "search": search
        and {
            "search_id": search.search_id,
            "query": search.query,
            "asked_at": fields.moment_text(search.asked_at),
        },
        "tools": [
            {"name": tool.name, "version": tool.version, "digest": tool.digest}
            for tool in contents.tools
        ],
        "members": list(contents.members),
        "modes": sorted(contents.modes),
        "months": contents.months,
    }


def contents_from_json(body: Json) -> Contents:
    """Read what `contents_to_json` wrote. Raises BadMessage naming the key."""
    return Contents(
        form=fields.text(body, "form"),
        answers=answers_from_json(fields.child(body, "answers")),
        datasets=fields.objects(body, "datasets", _dataset),
        search=None if body.get("search") is None else _search(fields.child(body, "search")),
        tools=fields.objects(body, "tools", _tool),
        members=fields.texts(body, "members"),
        modes=modes_from_json(body),
        months=fields.integer(body, "months"),
    )


def modes_from_json(body: Json) -> frozenset[AccessMode]:
    words = fields.texts(body, "modes")
    if unknown := set(words) - set(AccessMode):
        raise BadMessage("modes", f"{', '.join(AccessMode)}, not {sorted(unknown)[0][:40]!r}")
    return frozenset(AccessMode(word) for word in words)


def answers_to_json(answers: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    return {key: list(given) for key, given in sorted(answers.items())}


def answers_from_json(body: Json) -> dict[str, tuple[str, ...]]:
    """Read answers; a single text, and `true` for a promise, may stand without a list."""
    answers: dict[str, tuple[str, ...]] = {}
    for key in body:
        value = body[key]
        if value is True:
            answers[key] = ("yes",)
        elif value is False:
            answers[key] = ()
        elif isinstance(value, str):
            answers[key] = (value,) if value else ()
        else:
            answers[key] = fields.texts(body, key)
    return answers


def dataset_to_json(one: AskedDataset) -> dict[str, object]:
    return {
        "node_id": one.node_id,
        "dataset_id": one.dataset_id,
        "version": one.version,
        "manifest_sha256": one.manifest_sha256,
        "title": dict(one.title),
        "holder": one.holder,
        "outcome": None if one.outcome is None else one.outcome.value,
        "n_subjects": one.n_subjects,
        "n_studies": one.n_studies,
    }


def date_or_none(body: Json, key: str) -> date | None:
    """Return a day written as 2027-03-31, or None."""
    if body.get(key) in (None, ""):
        return None
    try:
        return date.fromisoformat(fields.text(body, key))
    except ValueError as err:
        raise BadMessage(key, "a day such as 2027-03-31") from err


def _happening_to_json(what: Happening) -> dict[str, object]:
    match what:
        case Drafted(contents) | Edited(contents):
            return {"contents": contents_to_json(contents)}
        case Declined(reason) | Withdrawn(reason):
            return {"reason": reason}
        case Asked(text, node_id) | Answered(text, node_id):
            return {"text": text, "node_id": node_id}
        case Granted(node_id, dataset_id, conditions, until):
            day = until and until.isoformat()
            said = {"conditions": conditions, "until": day}
            return {"node_id": node_id, "dataset_id": dataset_id, **said}
        case Refused(node_id, dataset_id, reason):
            return {"node_id": node_id, "dataset_id": dataset_id, "reason": reason}
        case TakenBack(node_id, dataset_id):
            return {"node_id": node_id, "dataset_id": dataset_id}
        case PermitIssued(permit_id):
            return {"permit_id": permit_id}
        case Submitted() | Accepted() | Concluded():
            return {}


def _happening(body: Json) -> Happening:
    kind = fields.text(body, "kind")
    match kind:
        case "drafted":
            return Drafted(contents_from_json(fields.child(body, "contents")))
        case "edited":
            return Edited(contents_from_json(fields.child(body, "contents")))
        case "submitted":
            return Submitted()
        case "accepted":
            return Accepted()
        case "declined":
            return Declined(fields.text(body, "reason"))
        case "asked":
            return Asked(fields.text(body, "text"), _node_or_none(body))
        case "answered":
            return Answered(fields.text(body, "text"), _node_or_none(body))
        case "granted":
            words = fields.text(body, "conditions")
            return Granted(*_which(body), words, date_or_none(body, "until"))
        case "refused":
            return Refused(*_which(body), fields.text(body, "reason"))
        case "taken-back":
            return TakenBack(*_which(body))
        case "concluded":
            return Concluded()
        case "withdrawn":
            return Withdrawn(fields.text(body, "reason"))
        case "permit-issued":
            return PermitIssued(fields.text(body, "permit_id"))
    raise BadMessage("kind", "an event of an application")


def _which(body: Json) -> tuple[NodeId, DatasetId]:
    return NodeId(fields.text(body, "node_id")), DatasetId(fields.text(body, "dataset_id"))


def _node_or_none(body: Json) -> NodeId | None:
    return None if body.get("node_id") is None else NodeId(fields.text(body, "node_id"))


def _search(body: Json) -> SeenSearch:
    return SeenSearch(
        search_id=fields.text(body, "search_id"),
        query=fields.text(body, "query"),
        asked_at=fields.moment(body, "asked_at"),
    )


def _tool(body: Json) -> PermittedTool:
    return PermittedTool(
        name=fields.text(body, "name"),
        version=fields.text(body, "version"),
        digest=fields.text(body, "digest"),
    )


def _dataset(body: Json) -> AskedDataset:
    title = fields.child(body, "title")
    outcome = body.get("outcome")
    return AskedDataset(
        node_id=NodeId(fields.text(body, "node_id")),
        dataset_id=DatasetId(fields.text(body, "dataset_id")),
        version=fields.integer(body, "version"),
        manifest_sha256=fields.text(body, "manifest_sha256"),
        title={language: fields.text(title, language) for language in title},
        holder=fields.text(body, "holder"),
        outcome=None if outcome is None else Outcome(fields.text(body, "outcome")),
        n_subjects=fields.natural_or_none(body, "n_subjects"),
        n_studies=fields.natural_or_none(body, "n_studies"),
    )
