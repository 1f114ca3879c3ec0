"""What a form says of answers, and what a permit takes from an application."""

from datetime import UTC, date, datetime

import pytest

from tessera.domain.access.application import (
    Accepted,
    AskedDataset,
    Capacity,
    CommandRefused,
    Concluded,
    Contents,
    Drafted,
    Event,
    Granted,
    Happening,
    InvalidApplication,
    Submitted,
)
from tessera.domain.access.application_permit import permit_id_of, permit_of
from tessera.domain.access.application_state import AccessApplication, folded
from tessera.domain.access.form import Fault, Problem, form
from tessera.domain.access.permit import AccessMode, PermittedPerson
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import DatasetId, NodeId

NOW = datetime(2027, 8, 31, 12, tzinfo=UTC)
WHICH = (NodeId("linkoping"), DatasetId("prostate"))
ANNA = PermittedPerson(person_id="anna", name="Anna", organisation="O", keys=("k",))


def test_what_is_missing_and_what_is_too_long_is_told_in_order() -> None:
    answers: dict[str, tuple[str, ...]] = {
        q.id: (next(iter(q.choices), "x"),) for q in form().questions.values()
    }
    assert form().faults(answers) == ()
    answers |= {"title": ("x" * 151,), "summary": (" ",), "phone": (), "no_passing_on": ()}
    assert form().faults(answers) == (
        Fault("title", Problem.TOO_LONG),
        Fault("summary", Problem.MISSING),
        Fault("no_passing_on", Problem.MISSING),
    )


@pytest.mark.parametrize(
    "answers",
    [
        {"colour": ("red",)},
        {"ethics": ("perhaps",)},
        {"ethics": ("approved", "applied")},
        {"purpose": ("DUO_0000042", "DUO_0000042")},
        {"no_passing_on": ("no",)},
        {"summary": ("x" * 20_001,)},
    ],
)
def test_no_draft_holds_what_the_form_does_not_know(answers: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(InvalidApplication, match=next(iter(answers))):
        form().check(answers)


@pytest.mark.parametrize("name", ["application-99", "../../permit", "", "Application-1"])
def test_another_form_is_not_there(name: str) -> None:
    with pytest.raises(InvalidApplication):
        form(name)


def granted(modes: frozenset[AccessMode], until: date | None, months: int) -> AccessApplication:
    dataset = AskedDataset(
        node_id=WHICH[0],
        dataset_id=WHICH[1],
        version=3,
        manifest_sha256="ab" * 32,
        title={"en": "x"},
        holder="L",
    )
    contents = Contents(form=form().name, datasets=(dataset,), modes=modes, months=months)
    happenings: tuple[Happening, ...] = (
        Drafted(contents),
        Submitted(),
        Accepted(),
        Granted(*WHICH, "Name\n us.", until),
        Concluded(),
    )
    state = folded(
        Event(
            application_id="a",
            number=number,
            at=NOW,
            by="anna",
            acting=Capacity.APPLICANT,
            command_id=str(number),
            what=what,
        )
        for number, what in enumerate(happenings, start=1)
    )
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("months", "until", "ends"),
    [
        (6, None, datetime(2028, 2, 29, 12, tzinfo=UTC)),
        (18, None, datetime(2029, 2, 28, 12, tzinfo=UTC)),
        (12, date(2027, 12, 31), datetime(2028, 1, 1, tzinfo=UTC)),
        (1, date(2030, 12, 31), datetime(2027, 9, 30, 12, tzinfo=UTC)),
    ],
)
def test_a_permit_ends_with_the_months_or_the_earliest_last_day(
    months: int, until: date | None, ends: datetime
) -> None:
    state = granted(frozenset({AccessMode.RUN}), until, months)
    permit = permit_of(state, [ANNA], NOW)
    assert permit.ends == ends
    assert permit.permit_id == permit_id_of("a")
    assert permit.conditions == ("linkoping/prostate: Name us.",)
    assert permit.outputs == {OutputKind.AGGREGATE, OutputKind.FIGURE}


def test_no_permit_without_a_key_for_a_stranger_or_after_the_last_day() -> None:
    state = granted(frozenset({AccessMode.LEARN}), date(2027, 9, 1), 12)
    nobody = PermittedPerson(person_id="anna", name="Anna", organisation="O", keys=())
    eve = PermittedPerson(person_id="eve", name="Eve", organisation="O", keys=("k",))
    for persons, at in (([nobody], NOW), ([eve], NOW), ([ANNA], NOW.replace(month=10))):
        with pytest.raises(CommandRefused):
            permit_of(state, persons, at)
