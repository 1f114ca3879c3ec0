"""The list of open calls: which are shown, in which order, and what is none."""

from datetime import date

import pytest

from tessera.domain.catalogue.calls import Call, CallKind, call_id_of, open_calls
from tessera.domain.errors import InvalidInput

TODAY = date(2026, 3, 5)


def call(title: str, until: date | None = None, kind: CallKind = CallKind.CALL) -> Call:
    return Call(
        call_id=title, kind=kind, title={"en": title}, address="https://example.org", until=until
    )


def test_a_call_is_open_through_its_last_day_and_the_first_to_end_is_first() -> None:
    calls = [
        call("help", kind=CallKind.SUPPORT),
        call("rolling"),
        call("past", date(2026, 3, 4)),
        call("later", date(2026, 9, 1)),
        call("today", TODAY),
    ]
    shown = [one.call_id for one in open_calls(calls, TODAY)]
    assert shown == ["today", "later", "rolling", "help"]


@pytest.mark.parametrize(
    "change",
    [
        {"title": {}},
        {"title": {"sv": "Utlysning"}},
        {"title": {"en": " "}},
        {"title": {"en": "x" * 201}},
        {"title": {"en": "x\u202ey"}},
        {"address": "javascript:alert(1)"},
        {"country": "Sweden"},
        {"country": "se"},
    ],
)
def test_what_is_no_call_is_refused(change: dict[str, object]) -> None:
    whole: dict[str, object] = {
        "call_id": "x",
        "kind": CallKind.CALL,
        "title": {"en": "x"},
        "address": "https://example.org",
    }
    Call(**whole)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        Call(**whole | change)  # type: ignore[arg-type]


def test_each_call_has_a_name_of_its_own() -> None:
    first = call_id_of("Call for data: 2027!", [])
    assert first == "call-for-data-2027"
    assert call_id_of("Call for data, 2027", [first]) == "call-for-data-2027-2"
    assert call_id_of("€", []) == "call"
