"""What the pages of an application show, and how a posted form is read. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData

from tessera.domain.access.application import Contents, Event
from tessera.domain.access.application_commands import lacking
from tessera.domain.access.application_state import AccessApplication, Stage, Turn
from tessera.domain.access.form import Problem, QuestionKind, form
from tessera.domain.access.people import Person, Role
from tessera.domain.access.permit import AccessMode
from tessera.domain.ids import NodeId
from tessera.wire.application_events import kind_of

STEPS = (Stage.DRAFT, Stage.CHECK, Stage.DECIDING, Stage.CONCLUDED)
"""The way of an application that nothing stops."""
_SEPARATOR = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question with its answer, in the reader's language."""

    id: str
    kind: str
    label: str
    help: str
    is_required: bool
    max_length: int
    choices: tuple[tuple[str, str], ...]
    given: tuple[str, ...]
    problem: Problem | None

    @property
    def text(self) -> str:
        return self.given[0] if self.given else ""

    @property
    def words(self) -> tuple[str, ...]:
        """Return the answer as it is read: words of the choices, or the text."""
        named = dict(self.choices)
        return tuple(named.get(one, one) for one in self.given if one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    id: str
    title: str
    fields: tuple[Field, ...]


def parts(contents: Contents, language: str, *, is_checked: bool = False) -> tuple[Part, ...]:
    """Return the form with its answers; problems only when it `is_checked`."""
    written = form(contents.form)
    faults = {f.question: f.problem for f in written.faults(contents.answers)}
    return tuple(
        Part(
            id=section.id,
            title=section.title[language],
            fields=tuple(
                Field(
                    id=question.id,
                    kind=question.kind.value,
                    label=question.label[language],
                    help=question.help[language],
                    is_required=question.is_required,
                    max_length=question.max_length,
                    choices=tuple((v, w[language]) for v, w in question.choices.items()),
                    given=contents.answers.get(question.id, ()),
                    problem=faults.get(question.id) if is_checked else None,
                )
                for question in section.questions
            ),
        )
        for section in written.sections
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the timeline."""

    number: int
    kind: str
    event: Event
    who: str
    is_new: bool
    dataset: Mapping[str, str] | None
    """Title of the dataset that it is about."""
    node: str
    """Name of the holder that it is about."""
    text: str


def timeline(
    state: AccessApplication, events: Sequence[Event], names: Mapping[str, str], seen: int
) -> tuple[Line, ...]:
    """Return what has happened, last first; edits of one draft in a row are told once."""
    holders = {one.node_id: one.holder for one in state.contents.datasets}
    lines: list[Line] = []
    for event in events:
        kind = kind_of(event.what)
        if kind == "edited" and lines and lines[-1].kind == "edited":
            lines.pop()
        what = event.what
        node: NodeId | None = getattr(what, "node_id", None)
        one = state.contents.dataset(node or "", getattr(what, "dataset_id", ""))
        said = (getattr(what, name, "") for name in ("text", "reason", "conditions"))
        lines.append(
            Line(
                number=event.number,
                kind=kind,
                event=event,
                who=names.get(event.by, ""),
                is_new=event.number > seen,
                dataset=one.title if one else None,
                node=holders.get(node, node) if node else "",
                text=next((text for text in said if text), ""),
            )
        )
    return tuple(reversed(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Which steps a person can take now; the domain decides again when it is taken."""

    edit: bool
    submit: bool
    withdraw: bool
    answer: tuple[NodeId | None, ...]
    first_check: bool
    conclude: bool
    ask: tuple[NodeId | None, ...]
    decide: Collection[NodeId]


def allowed(state: AccessApplication, person: Person) -> Allowed:
    is_applicant = state.applicant == person.person_id and not state.is_final
    is_own = state.is_own(person.person_id)
    is_committee = person.has(Role.COMMITTEE) and not is_own
    checks = is_committee and state.stage is Stage.CHECK and None not in state.open_questions
    deciding = state.stage is Stage.DECIDING and not is_own
    nodes = person.nodes(Role.HOLDER) if deciding else frozenset[NodeId]()
    mine = tuple(node for node in state.contents.nodes() if node in nodes)
    asks = [node for node in mine if state.undecided(node) and node not in state.open_questions]
    is_asked = state.stage is Stage.CHECK and None in state.open_questions
    return Allowed(
        edit=is_applicant and (state.stage is Stage.DRAFT or is_asked),
        submit=is_applicant and state.stage is Stage.DRAFT,
        withdraw=is_applicant,
        answer=tuple(state.open_questions) if is_applicant else (),
        first_check=checks,
        conclude=is_committee and state.stage is Stage.DECIDING,
        ask=(*([None] if checks else []), *asks),
        decide=mine,
    )


def who_waits(turn: Turn, state: AccessApplication) -> str:
    """Return the name of the holder whose turn it is, or who waits for the applicant."""
    for one in state.contents.datasets:
        if one.node_id == turn.node_id:
            return one.holder
    return ""


def missing_parts(contents: Contents) -> tuple[str, ...]:
    """Return which parts beside the questions are missing: datasets, modes, tools."""
    return tuple(name for name in lacking(contents) if name in ("datasets", "modes", "tools"))


def posted_contents(posted: FormData, before: Contents) -> dict[str, object]:
    """Return the posted form as the JSON that REST takes."""
    answers: dict[str, object] = {}
    for name, question in form(before.form).questions.items():
        given = [text for text in posted.getlist(f"q-{name}") if isinstance(text, str) and text]
        answers[name] = given if question.kind is QuestionKind.CHOICES else given[:1]
    left = {text for text in posted.getlist("leave-out") if isinstance(text, str)}
    kept = [one for one in before.datasets if f"{one.node_id}/{one.dataset_id}" not in left]
    months = _text(posted, "months")
    members = [name for name in _SEPARATOR.split(_text(posted, "members")) if name]
    return {
        "form": before.form,
        "answers": answers,
        "datasets": [
            {"node_id": one.node_id, "dataset_id": one.dataset_id, "version": one.version}
            for one in kept
        ],
        "search_id": before.search.search_id if before.search else "",
        "tools": [text for text in posted.getlist("tool") if isinstance(text, str)],
        "members": members,
        "modes": [mode.value for mode in AccessMode if mode.value in posted.getlist("mode")],
        "months": int(months) if months.isdecimal() and len(months) < 5 else 0,
    }


def as_typed(posted: FormData, before: Contents) -> tuple[Contents, str, str]:
    """Return the contents, members and months as they were typed, also what cannot be kept."""
    answers = {
        name: tuple(
            text
            for text in posted.getlist(f"q-{name}")
            if isinstance(text, str) and text in (question.choices or (text,))
        )
        for name, question in form(before.form).questions.items()
    }
    modes = frozenset(mode for mode in AccessMode if mode.value in posted.getlist("mode"))
    typed = replace(before, answers=answers, modes=modes)
    return typed, _text(posted, "members"), _text(posted, "months")


def posted_step(posted: FormData) -> dict[str, object]:
    """Return a posted step as the JSON that REST takes; empty fields are absent."""
    keys = ("type", "node_id", "dataset_id", "text", "reason", "conditions", "until", "command_id")
    return {key: _text(posted, key) for key in keys if _text(posted, key) or key == "type"}


def _text(posted: FormData, key: str) -> str:
    value = posted.get(key, "")
    return value if isinstance(value, str) else ""
