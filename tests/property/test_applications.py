"""Whatever is asked of an application in whatever order: who grants, what ends, what is kept."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.domain.access import application as happened
from tessera.domain.access.application import AskedDataset, Contents, Event
from tessera.domain.access.application_commands import (
    Accept,
    Answer,
    AskBack,
    Command,
    Conclude,
    Decline,
    Draft,
    Edit,
    Grant,
    Refuse,
    Submit,
    TakeBack,
    Wish,
    Withdraw,
    decided,
    lacking,
)
from tessera.domain.access.application_state import FINAL, AccessApplication, Stage, folded
from tessera.domain.access.clocks import clocks
from tessera.domain.access.form import form
from tessera.domain.access.people import Grant as RoleGrant
from tessera.domain.access.people import Person, Role
from tessera.domain.access.permit import AccessMode
from tessera.domain.errors import TesseraError
from tessera.domain.ids import DatasetId, NodeId
from tessera.wire import fields
from tessera.wire.application_events import event_from_json, event_to_json

NOW = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)
NODES = (NodeId("linkoping"), NodeId("valencia"))
NAMES = (DatasetId("prostate"), DatasetId("breast"))


def person(number: int, *grants: RoleGrant) -> Person:
    return Person(
        person_id=str(UUID(int=number)),
        name=f"Person {number}",
        organisation="A university",
        email="",
        grants=frozenset(grants),
    )


RESEARCHER = RoleGrant(Role.RESEARCHER)
COMMITTEE = RoleGrant(Role.COMMITTEE)
HOLDERS = tuple(RoleGrant(Role.HOLDER, node) for node in NODES)
PEOPLE = (
    person(1, RESEARCHER),
    person(2, RESEARCHER, COMMITTEE, *HOLDERS),
    person(3, COMMITTEE),
    person(4, HOLDERS[0]),
    person(5, HOLDERS[1]),
    person(6, RoleGrant(Role.OPERATOR, NODES[0])),
    person(7),
)
"""The second may everything: unless it is her own application."""


def full_answers() -> dict[str, tuple[str, ...]]:
    return {
        question.id: (next(iter(question.choices), "Words."),)
        for question in form().questions.values()
    }


def asked(node_id: NodeId, name: DatasetId) -> AskedDataset:
    return AskedDataset(
        node_id=node_id,
        dataset_id=name,
        version=1,
        manifest_sha256="ab" * 32,
        title={"en": name},
        holder=node_id,
        n_subjects=40,
    )


datasets = st.lists(
    st.builds(asked, st.sampled_from(NODES), st.sampled_from(NAMES)),
    max_size=4,
    unique_by=lambda one: one.key,
).map(tuple)
contents = st.builds(
    Contents,
    form=st.just(form().name),
    answers=st.sampled_from([full_answers(), full_answers(), {}]),
    datasets=datasets,
    # Often a member who could decide otherwise.
    members=st.sampled_from([(), (), (PEOPLE[1].person_id,), (PEOPLE[3].person_id,)]),
    modes=st.sampled_from([frozenset({AccessMode.DOWNLOAD}), frozenset()]),
    months=st.integers(0, 24),
)
full_contents = contents.map(
    lambda c: Contents(
        form=c.form,
        answers=full_answers(),
        datasets=c.datasets or tuple(asked(node, name) for node in NODES for name in NAMES),
        members=c.members,
        modes=frozenset({AccessMode.DOWNLOAD}),
        months=12,
    )
)
askers = st.sampled_from([None, *NODES])
which = (st.sampled_from(NODES), st.sampled_from(NAMES))
words = st.sampled_from(["Why?", "Because.", "Because.", " "])
wishes: st.SearchStrategy[Wish] = st.one_of(
    st.builds(Draft, full_contents),
    st.builds(Edit, contents | full_contents),
    st.just(Submit()),
    st.just(Accept()),
    st.builds(Decline, words),
    st.builds(AskBack, words, askers),
    st.builds(Answer, words, askers),
    st.builds(Grant, *which, st.just("Cite us."), st.none() | st.just(NOW.date())),
    st.builds(Grant, *which),
    st.builds(Refuse, *which, words),
    st.builds(TakeBack, *which),
    st.just(Conclude()),
    st.builds(Withdraw, words),
)
anything = st.tuples(st.sampled_from(PEOPLE), wishes, st.integers(1, 90))
in_linkoping = (st.just(NODES[0]), st.sampled_from(NAMES))
fitting: st.SearchStrategy[tuple[Person, Wish, int]] = st.one_of(
    st.tuples(
        st.just(PEOPLE[3]),
        st.one_of(
            st.just(AskBack("Why?", NODES[0])),
            st.builds(TakeBack, *in_linkoping),
            st.builds(Grant, *in_linkoping),
            st.builds(Refuse, *in_linkoping, st.just("No.")),
        ),
        st.integers(1, 90),
    ),
    st.tuples(st.sampled_from(PEOPLE[:2]), st.just(Answer("So.", NODES[0])), st.integers(1, 90)),
)
of_committee: st.SearchStrategy[tuple[Person, Wish, int]] = st.tuples(
    st.just(PEOPLE[2]),
    st.sampled_from([Accept(), Decline("No."), AskBack("Why?")]),
    st.integers(1, 90),
)
steps = anything | fitting | of_committee


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Person, Wish, int]]:
    """Most begin on the way to a decision: a random walk would seldom come that far."""
    begun: list[tuple[Person, Wish, int]] = [
        (PEOPLE[draw(st.integers(0, 1))], Draft(draw(full_contents)), 101)
    ]
    if draw(st.booleans()):
        begun += [(begun[0][0], Submit(), 102), (PEOPLE[2], Accept(), 103)]
        begun += draw(st.lists(fitting, max_size=8))
    elif draw(st.booleans()):
        begun += [(begun[0][0], Submit(), 102)]
    return begun + draw(st.lists(steps, max_size=25))


def play(
    history: list[tuple[Person, Wish, int]],
) -> list[tuple[AccessApplication | None, Person, Wish, tuple[Event, ...]]]:
    """Return each step with the state before it, and what it made happen."""
    state: AccessApplication | None = None
    played = []
    for number, (by, wish, command) in enumerate(history):
        asked_for = Command(
            application_id=str(UUID(int=99)),
            command_id=str(UUID(int=command)),
            by=by,
            at=NOW + timedelta(hours=number),
            wish=wish,
        )
        try:
            events = decided(state, asked_for)
        except TesseraError:
            events = ()
        played.append((state, by, wish, events))
        state = folded(events, state)
    return played


def all_events(history: list[tuple[Person, Wish, int]]) -> list[Event]:
    return [event for *_, events in play(history) for event in events]


@given(histories())
@settings(max_examples=400)
def test_nobody_decides_who_is_not_entitled(history: list[tuple[Person, Wish, int]]) -> None:
    for state, by, _, events in play(history):
        for event in events:
            match event.what:
                case happened.Granted() | happened.Refused() | happened.TakenBack():
                    assert state is not None
                    assert by.has(Role.HOLDER, event.what.node_id)
                    assert not state.is_own(by.person_id)
                    assert state.stage is Stage.DECIDING
                    assert state.accepted_at is not None
                case happened.Accepted() | happened.Declined():
                    assert state is not None
                    assert by.has(Role.COMMITTEE)
                    assert not state.is_own(by.person_id)
                case happened.Submitted():
                    assert state is not None
                    assert by.person_id == state.applicant
                    assert lacking(state.contents) == ()


@given(histories())
@settings(max_examples=400)
def test_what_is_at_its_end_never_changes(history: list[tuple[Person, Wish, int]]) -> None:
    for state, _, _, events in play(history):
        if state is not None and state.stage in FINAL:
            assert events == ()


@given(histories())
@settings(max_examples=300)
def test_a_replay_gives_the_same_state_also_from_what_was_kept(
    history: list[tuple[Person, Wish, int]],
) -> None:
    events = all_events(history)
    once = folded(events)
    kept = [fields.encode(event_to_json(event)) for event in events]
    assert [event_from_json(fields.decode(line)) for line in kept] == events
    assert folded(event_from_json(fields.decode(line)) for line in kept) == once
    for cut in range(len(events)):
        assert folded(events[cut:], folded(events[:cut])) == once


@given(histories())
@settings(max_examples=300)
def test_the_same_command_again_changes_nothing(
    history: list[tuple[Person, Wish, int]],
) -> None:
    seen: set[str] = set()
    for state, _, _, events in play(history):
        commands = {event.command_id for event in events}
        assert not commands & seen
        seen |= commands
        assert state is None or set(state.command_ids) <= seen


@given(histories())
@settings(max_examples=300)
def test_it_is_somebody_s_turn_until_the_end_and_nobody_s_after(
    history: list[tuple[Person, Wish, int]],
) -> None:
    for state, *_ in play(history):
        if state is not None:
            assert bool(state.turns(clocks())) == (not state.is_final)


@given(histories())
@settings(max_examples=300)
def test_a_draft_is_seen_by_nobody_else(history: list[tuple[Person, Wish, int]]) -> None:
    for state, *_ in play(history):
        if state is None:
            continue
        for one in PEOPLE:
            entitled = one.has(Role.COMMITTEE) or any(
                one.has(Role.HOLDER, node) for node in state.contents.nodes()
            )
            expected = state.is_own(one.person_id) or (state.submitted_at is not None and entitled)
            assert state.may_see(one) == expected


def test_the_walks_come_to_grants_and_to_every_kind_of_event() -> None:
    """The properties above would hold of walks that go nowhere."""
    kinds: set[type] = set()

    @given(histories())
    @settings(max_examples=500, database=None, derandomize=True)
    def walk(history: list[tuple[Person, Wish, int]]) -> None:
        kinds.update(type(event.what) for event in all_events(history))

    walk()
    assert kinds == set(happened.Happening.__args__) - {happened.PermitIssued}
