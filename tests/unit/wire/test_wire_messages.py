"""Messages and envelopes: what they refuse, what they keep, what may not get in."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.catalogue.description import Agent, Facet
from tessera.domain.cohort.answer import Counts, DatasetAnswer
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput, TesseraError
from tessera.domain.ids import DatasetId
from tessera.domain.zones import seal_released
from tessera.wire import fields
from tessera.wire.answers import AnswerMessage, ReceivedAnswer
from tessera.wire.description import description_from_json, description_to_json
from tessera.wire.envelope import MAX_SKEW, REMEMBER, Envelope, MessageType
from tessera.wire.fields import Json
from tessera.wire.keys import InviteCode, PublicKey
from tessera.wire.messages import PublishDataset
from tessera.wire.refusals import BadMessage, BadSignature, WrongRecipient, WrongTime, WrongType
from tests.hub_trial import NOW, exact_description, released
from tests.unit.wire.test_wire_vectors import READERS
from tests.unit.wire.vectors import record

COUNTS = Counts(outcome=Outcome.COUNTED, n_subjects=36, n_studies=41)


def answer(**changes: object) -> DatasetAnswer:
    values: dict[str, object] = {
        "dataset_id": DatasetId("prostate-mr"),
        "version": 1,
        "created": NOW,
        "policy": "A policy.",
    }
    return DatasetAnswer(**values | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("counts", [36, COUNTS, released(), {"n_subjects": 36}])
def test_only_released_counts_get_into_an_answer(counts: object) -> None:
    message = AnswerMessage(search_id="s", answers=(answer(counts=counts),))
    with pytest.raises((TypeError, AttributeError)) as refused:
        message.to_json()
    assert refused.type is TypeError


@pytest.mark.parametrize("description", [exact_description(), 36, None])
def test_only_a_released_description_gets_into_a_publication(description: object) -> None:
    with pytest.raises(TypeError):
        PublishDataset(description).to_json()  # type: ignore[arg-type]


def test_what_was_released_is_what_arrives() -> None:
    body = PublishDataset(released()).to_json()["description"]
    assert description_from_json(fields.decode(json.dumps(body))) == released().value
    assert released().value.n_subjects == 30


def test_every_field_of_a_description_travels() -> None:
    agent = Agent("Hospital", "data@hospital.example.org", "https://hospital.example.org")
    full = replace(
        exact_description(),
        publisher=agent,
        contact=agent,
        population=("cancer",),
        collection_methods=("longitudinal",),
        access_conditions=("download",),
        data_use=("DUO_0000042",),
        interoperability_tier=3,
        conformance="a.b.c",
        change_note="n",
        provenance="p",
        deid_profile="d",
        legal_basis="l",
        quality={"error": 1},
        policy="words",
    )
    default = {f.name for f in dataclass_fields(full) if f.default == getattr(full, f.name)}
    assert default == set(), "give the new field a value that is not its default"
    assert description_from_json(description_to_json(full)) == full


def test_a_message_may_be_as_large_as_a_hub_accepts(tmp_path: Path) -> None:
    signer = Ed25519Signer.create(tmp_path / "key")
    payload = b"x" * 700_000
    assert Ed25519Verifier().verify(signer.sign(payload), signer.public_key) == payload
    assert Ed25519Verifier().key_name(signer.sign(payload)) == signer.public_key.fingerprint


@pytest.mark.parametrize("type", MessageType)
def test_unknown_keys_are_ignored(type: MessageType) -> None:
    body = record.bodies()[type]
    assert READERS[type](body | {"from_a_later_version": [1]}) == READERS[type](body)


def _paths(body: Json, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in body.items():
        yield (*above, key)
        if isinstance(value, dict) and key not in ("query", "quality", "facets"):
            yield from _paths(value, (*above, key))


REQUIRED = {
    MessageType.JOIN: ("secret", "name", "country", "public_key"),
    MessageType.JOIN_REPLY: ("node_id", "hub_name", "hub_key"),
    MessageType.STATUS_REPLY: ("state",),
    MessageType.PUBLISH: ("description",),
    MessageType.PUBLISH_REPLY: ("n_accepted",),
    MessageType.ANSWER: ("search_id",),
    MessageType.ANSWER_REPLY: ("n_accepted",),
    MessageType.ANSWERS_REPLY: ("n_accepted",),
}


@pytest.mark.parametrize(
    ("type", "key"), [(t, key) for t, keys in REQUIRED.items() for key in keys]
)
def test_a_missing_key_is_named(type: MessageType, key: str) -> None:
    body = {name: value for name, value in record.bodies()[type].items() if name != key}
    with pytest.raises(BadMessage) as refused:
        READERS[type](body)
    assert refused.value.key == key


@pytest.mark.parametrize("key", ["v", "type", "from", "to", "id", "at", "body"])
def test_a_missing_claim_is_named(key: str) -> None:
    claims = json.loads(envelope().encode())
    del claims[key]
    with pytest.raises(BadMessage) as refused:
        Envelope.decode(json.dumps(claims).encode())
    assert refused.value.key == key


@pytest.mark.parametrize(
    "change",
    [
        {"n_subjects": None},
        {"n_subjects": -1},
        {"n_subjects": 3.5},
        {"n_subjects": True},
        {"outcome": "perhaps"},
        {"outcome": "too_few"},
        {"created": "2026-03-05T14:07:00"},
        {"created": "yesterday"},
        {"dataset_id": "../etc"},
        {"version": "1"},
        {"not_supported": "her2"},
        {"not_supported": [1]},
        {"distributions": {"sex": [{"value": "female", "n_subjects": 37}]}},
        {"distributions": {"sex": [{"value": "<\x1b", "n_subjects": None}]}},
        {"distributions": {"../sex": []}},
        {"distributions": {str(n): [] for n in range(31)}},
        {"distributions": {"sex": [{"value": "x", "n_subjects": None}] * 501}},
        {"distributions": []},
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(change: Json) -> None:
    body = record.bodies()[MessageType.ANSWER]
    answers = json.loads(json.dumps(body["answers"]))
    answers[0] |= change
    with pytest.raises(InvalidInput):
        ReceivedAnswer.from_json({**body, "answers": answers})


def test_distributions_travel_and_an_older_answer_has_none() -> None:
    cells = (Facet("female", 30), Facet("male", None))
    counts = seal_released(replace(COUNTS, distributions={"sex": cells}))
    body = AnswerMessage(search_id="s", answers=(answer(counts=counts),)).to_json()
    assert ReceivedAnswer.from_json(body).answers[0].distributions == {"sex": cells}
    older = record.bodies()[MessageType.ANSWER]
    assert ReceivedAnswer.from_json(older).answers[0].distributions == {}


def envelope(**changes: object) -> Envelope:
    message = Envelope(
        type=MessageType.STATUS,
        sender="linkoping",
        recipient="hub",
        id="9c5c1c1e-0b2b-4c1e-8a39-7b9d3f0f6a11",
        at=NOW,
        body={"software": "x"},
    )
    return replace(message, **changes)  # type: ignore[arg-type]


def test_an_envelope_is_read_as_it_was_written() -> None:
    for message in (envelope(), envelope(reply_to="r", body={"näme": ["Ω", 1, None]})):
        assert Envelope.decode(message.encode()) == message


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (envelope(type=MessageType.POLL), WrongType),
        (envelope(recipient="hub-2"), WrongRecipient),
        (envelope(recipient="hu"), WrongRecipient),
        (envelope(at=NOW - MAX_SKEW - timedelta(seconds=1)), WrongTime),
        (envelope(at=NOW + MAX_SKEW + timedelta(seconds=1)), WrongTime),
    ],
)
def test_an_envelope_is_checked(message: Envelope, reason: type[TesseraError]) -> None:
    envelope().check(type=MessageType.STATUS, recipient="hub", now=NOW)
    with pytest.raises(reason):
        message.check(type=MessageType.STATUS, recipient="hub", now=NOW)


def test_no_message_outlives_the_memory_of_its_id() -> None:
    assert REMEMBER >= 2 * MAX_SKEW


READ: list[Callable[[bytes], object]] = [Envelope.decode, fields.decode]


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(READ))
def test_any_bytes_are_read_or_refused_with_our_own_error(
    data: bytes, read: Callable[[bytes], object]
) -> None:
    with suppress(TesseraError):
        read(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.data(), st.sampled_from(list(MessageType)))
def test_any_value_in_any_place_is_read_or_refused_with_our_own_error(
    data: st.DataObject, type: MessageType
) -> None:
    body = json.loads(json.dumps(record.bodies()[type]))
    path = data.draw(st.sampled_from(list(_paths(body))))
    part = body
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = data.draw(JSON)
    with suppress(TesseraError):
        READERS[type](body)


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_as_token_is_refused_with_our_own_error(text: str) -> None:
    with pytest.raises(BadSignature):
        Ed25519Verifier().key_name(text)


def test_an_invite_code_is_read_as_people_type_it() -> None:
    code = InviteCode("abcdefghijklmnop", PublicKey(record.KEY["x"]).fingerprint)
    assert InviteCode.parse(str(code)) == code
    assert InviteCode.parse(f" {str(code).lower().replace('-', ' ')}\n") == code
    assert len(str(code)) == 39
    for wrong in ("", str(code)[:-1], str(code) + "A", str(code).replace("A", "1")):
        with pytest.raises(InvalidInput, match="copy it again"):
            InviteCode.parse(wrong)


@pytest.mark.parametrize("x", ["", "abc", "Ω" * 43, "A" * 44, "!" * 43])
def test_what_is_no_key_is_refused(x: str) -> None:
    with pytest.raises(InvalidInput):
        PublicKey(x)


def test_a_description_without_an_english_title_is_refused() -> None:
    body = description_to_json(exact_description())
    with pytest.raises(BadMessage, match="English title"):
        description_from_json({**body, "title": {"sv": "Datamängd"}})
