"""What a node refuses to do, and the reason that it gives for each."""

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermitRefused,
    PermittedTool,
    Reason,
    Use,
)
from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.node.countersigning import Standing
from tessera.wire.permit import Countersignature, permit_payload, token_sha256, use_payload
from tests.permit_trial import (
    BREAST,
    LINKOPING,
    NOW,
    PROSTATE,
    VALENCIA,
    PermitTrial,
    made_tool,
    named,
)


@pytest.fixture
def trial(tmp_path: Path) -> PermitTrial:
    return PermitTrial(tmp_path / "node")


def refused(trial: PermitTrial, token: str, action: Action = Action.RUN, **more: str) -> Reason:
    """Return why a use is refused, after looking that the log says the same."""
    with pytest.raises(PermitRefused) as caught:
        trial.book.check(token, action, **more)
    told = trial.events()[-1]
    assert (told.event, told.facts["reason"]) == ("use-refused", caught.value.reason)
    return caught.value.reason


def packed(*parts: bytes) -> str:
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def unsigned(payload: bytes, kid: str) -> str:
    return packed(json.dumps({"alg": "none", "kid": kid}).encode(), payload, b"")


def with_public_key_as_secret(payload: bytes, kid: str, key: str) -> str:
    """The old trick: HS256 with the public key, which everybody has."""
    head = packed(json.dumps({"alg": "HS256", "kid": kid}).encode(), payload)
    return f"{head}.{packed(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest())}"


def altered(token: str, payload: bytes) -> str:
    """Put another payload under the same signature."""
    head, _, signature = token.split(".")
    return f"{head}.{packed(payload)}.{signature}"


def test_what_a_permit_allows_is_done_and_written_down(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    use = trial.use(permit, token)
    checked = trial.book.check(trial.use_token(use), Action.RUN)
    assert (checked.permit, checked.use, checked.person) == (permit, use, trial.person)
    assert (checked.key, checked.permit_sha256) == (trial.anna.public_key.x, token_sha256(token))
    assert [event.event for event in trial.events()] == [
        *("permit-received", "permit-countersigned", "use-allowed")
    ]
    assert trial.events()[-1].facts == {
        "permit": permit.permit_id,
        "use": use.use_id,
        "person": trial.person.person_id,
        "action": "run",
        "datasets": ("prostate-mr v1",),
    }
    assert trial.book.still_allowed(permit.permit_id) is None
    assert trial.book.tool(trial.tool.digest) == trial.tool


# --- the permit itself -------------------------------------------------------------------------


def test_a_permit_of_another_key_is_not_taken(trial: PermitTrial) -> None:
    permit = trial.permit()
    payload, kid = permit_payload(permit), trial.hub.public_key.fingerprint
    forged = [
        trial.signed(permit, trial.mallory),
        trial.signed(permit, trial.node),
        trial.signed(permit, trial.anna),
        unsigned(payload, kid),
        with_public_key_as_secret(payload, kid, trial.hub.public_key.x),
        trial.hub.sign(use_payload(trial.use(permit, "x"))),
        trial.revocation(permit.permit_id),
        trial.hub.sign(b"{}"),
        "not a token",
        "",
    ]
    for token in forged:
        with pytest.raises(PermitRefused) as caught:
            trial.book.receive(token, [trial.tool])
        assert caught.value.reason is Reason.ALTERED
    assert not trial.book.records.all()
    assert {event.event for event in trial.events()} == {"permit-not-taken"}
    assert len(trial.events()) == len(forged)


FIELDS: dict[str, object] = {
    "permit_id": str(uuid4()),
    "application_id": str(uuid4()),
    "title": "Another",
    "purpose": "Another",
    "duo": ("DUO_0000007",),
    "persons": (),
    "datasets": (named(LINKOPING, PROSTATE, 9),),
    "modes": frozenset(AccessMode),
    "tools": (PermittedTool(name="x", version="1", digest=made_tool(code="2\n").digest),),
    "outputs": frozenset(OutputKind),
    "issued_at": NOW,
    "starts": NOW - timedelta(days=300),
    "ends": NOW + timedelta(days=300),
    "conditions": ("none",),
}


def test_every_field_of_a_permit_is_tried() -> None:
    assert FIELDS.keys() == set(Permit.__dataclass_fields__)


@pytest.mark.parametrize("field", FIELDS)
def test_an_altered_permit_is_not_taken_and_allows_nothing_where_it_is_kept(
    trial: PermitTrial, field: str
) -> None:
    permit, token = trial.in_force()
    changed = replace(permit, **{field: FIELDS[field]})  # type: ignore[arg-type]
    bent = altered(token, permit_payload(changed))
    with pytest.raises(PermitRefused) as caught:
        trial.book.receive(bent, [])
    assert caught.value.reason is Reason.ALTERED
    # Somebody writes it into the node's own records, and signs a use of exactly that text.
    with sqlite3.connect(trial.database) as database:
        database.execute("UPDATE permit SET token = ?", (bent,))
    database.close()
    use = trial.use(permit, bent)
    assert refused(trial, trial.use_token(use)) is Reason.ALTERED
    assert trial.book.still_allowed(permit.permit_id) is Reason.ALTERED
    (seen,) = trial.desk.listed()
    assert (seen.standing, seen.permit) == (Standing.ALTERED, None)


def test_a_permit_of_other_nodes_is_not_taken(trial: PermitTrial) -> None:
    token = trial.signed(trial.permit(datasets=(named(VALENCIA, PROSTATE, 1),)))
    with pytest.raises(PermitRefused) as caught:
        trial.book.receive(token, [])
    assert caught.value.reason is Reason.OTHER_NODE


def test_a_tool_that_is_not_in_the_permit_is_not_taken(trial: PermitTrial) -> None:
    other = made_tool(code="import os\n")
    with pytest.raises(PermitRefused) as caught:
        trial.book.receive(trial.signed(trial.permit()), [trial.tool, other])
    assert caught.value.reason is Reason.TOOL
    with pytest.raises(NotFound):
        trial.book.tool(trial.tool.digest)


def test_a_second_text_for_one_permit_is_refused_and_the_first_stays(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    longer = trial.signed(replace(permit, ends=permit.ends + timedelta(days=999)))
    for _ in range(2):
        with pytest.raises(PermitRefused) as caught:
            trial.book.receive(longer, [trial.tool])
        assert caught.value.reason is Reason.ALTERED
    told = trial.events()[-1]
    assert (told.event, told.facts["permit"]) == ("permit-not-taken", permit.permit_id)
    assert refused(trial, trial.use_token(trial.use(permit, longer))) is Reason.ALTERED
    assert trial.book.permit(permit.permit_id) == permit
    assert trial.book.receive(token, [trial.tool]) == permit  # again changes nothing


def test_a_permit_may_come_before_its_tools(trial: PermitTrial) -> None:
    permit = trial.permit()
    token = trial.signed(permit)
    trial.book.receive(token, [])
    with pytest.raises(Conflict, match="has not come"):
        trial.desk.countersign(permit.permit_id, "Data office")
    trial.book.receive(token, [trial.tool])
    trial.desk.countersign(permit.permit_id, "Data office")
    assert trial.book.still_allowed(permit.permit_id) is None


# --- the countersignature ----------------------------------------------------------------------


def test_without_a_countersignature_nothing_is_done(trial: PermitTrial) -> None:
    permit = trial.permit()
    token = trial.signed(permit)
    trial.book.receive(token, [trial.tool])
    use = trial.use(permit, token)
    assert refused(trial, trial.use_token(use)) is Reason.NOT_COUNTERSIGNED
    assert trial.book.still_allowed(permit.permit_id) is Reason.NOT_COUNTERSIGNED
    trial.desk.decline(permit.permit_id, "not this one", "Data office")
    assert refused(trial, trial.use_token(use)) is Reason.NOT_COUNTERSIGNED
    with pytest.raises(Conflict, match="declined"):
        trial.desk.countersign(permit.permit_id, "Data office")
    (report,) = trial.outbox.first()
    assert report.body["kind"] == "declined"


def test_a_countersignature_of_another_permit_or_key_does_not_serve(trial: PermitTrial) -> None:
    trial.in_force()
    permit = trial.permit()
    token = trial.signed(permit)
    trial.book.receive(token, [trial.tool])
    mine = Countersignature(
        permit_id=permit.permit_id,
        permit_sha256=token_sha256(token),
        node_id=LINKOPING,
        by="nobody",
        at=NOW,
    )
    copied = "(SELECT token FROM decision LIMIT 1)"
    forged = [trial.mallory.sign(mine.payload()), trial.hub.sign(mine.payload()), "x.y.z"]
    for value in (copied, *(f"'{one}'" for one in forged)):
        with sqlite3.connect(trial.database) as database:
            database.execute("DELETE FROM decision WHERE permit_id = ?", (permit.permit_id,))
            database.execute(
                f"INSERT INTO decision VALUES (?, 'countersigned', 'x', ?, {value}, '')",  # noqa: S608
                (permit.permit_id, NOW.isoformat()),
            )
        database.close()
        use = trial.use_token(trial.use(permit, token))
        assert refused(trial, use) is Reason.ALTERED, value


def test_only_what_is_here_as_named_is_countersigned(trial: PermitTrial) -> None:
    other = replace(named(LINKOPING, PROSTATE, 1), manifest_sha256="0" * 64)
    wrong = {
        "not what the permit names": trial.permit(datasets=(other,)),
        "no such version": trial.permit(datasets=(named(LINKOPING, PROSTATE, 7),)),
    }
    for words, permit in wrong.items():
        trial.book.receive(trial.signed(permit), [trial.tool])
        with pytest.raises(Conflict, match=words):
            trial.desk.countersign(permit.permit_id, "Data office")
    over = trial.permit(ends=NOW)
    trial.book.receive(trial.signed(over), [trial.tool])
    with pytest.raises(PermitRefused) as caught:
        trial.desk.countersign(over.permit_id, "Data office")
    assert caught.value.reason is Reason.EXPIRED
    with pytest.raises(InvalidInput):
        trial.desk.countersign(trial.in_force()[0].permit_id, "")
    assert [one.body["kind"] for one in trial.outbox.first()] == ["countersigned"]


def test_who_opted_out_is_counted_before_countersigning(trial: PermitTrial) -> None:
    permit = trial.permit()
    trial.book.receive(trial.signed(permit), [trial.tool])
    trial.opted_out.subjects = frozenset({Pseudonym("TES-B"), Pseudonym("TES-X")})
    looked = trial.desk.countersign(permit.permit_id, "Data office")
    assert [(one.named.dataset_id, one.n_opted_out) for one in looked] == [
        (PROSTATE, 1),
        (BREAST, 1),
    ]


# --- the use -----------------------------------------------------------------------------------


def _use(**changes: object) -> Callable[[PermitTrial, Use], str]:
    return lambda trial, use: trial.use_token(replace(use, **changes))  # type: ignore[arg-type]


OTHER_TOOL = made_tool(code="import os\n").digest
HOUR = timedelta(hours=1)
REFUSALS: list[tuple[str, Callable[[PermitTrial, Use], str], Reason]] = [
    ("another permit", _use(permit_id=str(uuid4())), Reason.UNKNOWN),
    ("another text of the permit", _use(permit_sha256="0" * 64), Reason.ALTERED),
    ("another node", _use(node_id=VALENCIA), Reason.OTHER_NODE),
    ("another dataset", _use(datasets=((DatasetId("lung-ct"), 1),)), Reason.DATASET),
    ("another version", _use(datasets=((PROSTATE, 2),)), Reason.DATASET),
    ("one more dataset", _use(datasets=((PROSTATE, 1), (DatasetId("x"), 1))), Reason.DATASET),
    ("no dataset", _use(datasets=()), Reason.DATASET),
    ("another tool", _use(tool=OTHER_TOOL), Reason.TOOL),
    ("no tool", _use(tool=""), Reason.TOOL),
    ("another action than the task", _use(action=Action.FETCH), Reason.MODE),
    ("too old", _use(at=NOW - 3 * HOUR, until=NOW - HOUR), Reason.STALE),
    ("of the future", _use(at=NOW + HOUR, until=NOW + 2 * HOUR), Reason.STALE),
    ("for too long", _use(at=NOW, until=NOW + timedelta(days=8)), Reason.STALE),
    ("another person", lambda t, u: t.use_token(u, t.bo), Reason.OTHER_PERSON),
    ("the hub itself", lambda t, u: t.use_token(u, t.hub), Reason.OTHER_PERSON),
    ("the node itself", lambda t, u: t.use_token(u, t.node), Reason.OTHER_PERSON),
    (
        "nobody",
        lambda t, u: unsigned(use_payload(u), t.anna.public_key.fingerprint),
        Reason.OTHER_PERSON,
    ),
    (
        "a public key taken for a secret",
        lambda t, u: with_public_key_as_secret(
            use_payload(u), t.anna.public_key.fingerprint, t.anna.public_key.x
        ),
        Reason.OTHER_PERSON,
    ),
    (
        "altered after it was signed",
        lambda t, u: altered(t.use_token(u), use_payload(replace(u, arguments='{"n":1}'))),
        Reason.OTHER_PERSON,
    ),
    ("a permit in place of a use", lambda t, u: t.signed(t.permit()), Reason.ALTERED),
    ("a permit by the person", lambda t, u: t.signed(t.permit(), t.anna), Reason.ALTERED),
    ("no token", lambda t, u: "no token", Reason.OTHER_PERSON),
]


@pytest.mark.parametrize(
    ("make", "reason"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_a_use_that_the_permit_does_not_allow_is_refused(
    trial: PermitTrial, make: Callable[[PermitTrial, Use], str], reason: Reason
) -> None:
    permit, token = trial.in_force()
    use = trial.use(permit, token)
    assert refused(trial, make(trial, use)) is reason
    assert trial.book.check(trial.use_token(use), Action.RUN).use == use  # the good one is let in


@pytest.mark.parametrize("action", [Action.LEARN, Action.FETCH])
def test_a_mode_that_was_not_granted_is_refused(trial: PermitTrial, action: Action) -> None:
    permit, token = trial.in_force(trial.permit(modes=frozenset({AccessMode.RUN})))
    use = trial.use(permit, token, action=action)
    assert refused(trial, trial.use_token(use), action) is Reason.MODE


def test_a_use_of_another_permit_of_the_same_person_is_refused(trial: PermitTrial) -> None:
    narrow, narrow_token = trial.in_force(trial.permit(datasets=(named(LINKOPING, BREAST, 2),)))
    wide, wide_token = trial.in_force()
    use = trial.use(wide, wide_token, permit_id=narrow.permit_id)
    assert refused(trial, trial.use_token(use)) is Reason.ALTERED
    use = trial.use(narrow, narrow_token)
    assert refused(trial, trial.use_token(use)) is Reason.DATASET


def test_a_use_is_done_once(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    signed = trial.use_token(trial.use(permit, token))
    trial.book.check(signed, Action.RUN)
    assert refused(trial, signed) is Reason.STALE
    again = trial.use_token(trial.use(permit, token))
    task = str(uuid4())
    for _ in range(2):  # the same task comes again after a kill
        trial.book.check(again, Action.RUN, task_id=task)
    assert refused(trial, again, task_id=str(uuid4())) is Reason.STALE
    assert refused(trial, again) is Reason.STALE


def test_a_refused_use_is_not_taken_up(trial: PermitTrial) -> None:
    permit, token = trial.in_force(trial.permit(starts=NOW + HOUR))
    signed = trial.use_token(trial.use(permit, token, until=NOW + 3 * HOUR))
    assert refused(trial, signed) is Reason.NOT_YET
    trial.clock.at = NOW + HOUR
    trial.book.check(signed, Action.RUN)


def test_a_fetch_may_be_repeated_until_its_window_closes(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    use = trial.use(permit, token, action=Action.FETCH, tool="")
    for _ in range(3):
        trial.book.check(trial.use_token(use), Action.FETCH)
    trial.clock.pass_s(3601)
    assert refused(trial, trial.use_token(use), Action.FETCH) is Reason.STALE


# --- time and revocation -----------------------------------------------------------------------


def test_a_permit_has_a_beginning_and_an_end(trial: PermitTrial) -> None:
    permit, token = trial.in_force(trial.permit(starts=NOW + HOUR, ends=NOW + 2 * HOUR))
    for at, reason in (
        (NOW + HOUR - timedelta(seconds=1), Reason.NOT_YET),
        (NOW + HOUR, None),
        (NOW + 2 * HOUR - timedelta(seconds=1), None),
        (NOW + 2 * HOUR, Reason.EXPIRED),
    ):
        trial.clock.at = at
        assert trial.book.still_allowed(permit.permit_id) is reason
        signed = trial.use_token(trial.use(permit, token))
        if reason is None:
            trial.book.check(signed, Action.RUN)
        else:
            assert refused(trial, signed) is reason


def test_a_clock_that_was_set_back_opens_no_permit_again(trial: PermitTrial) -> None:
    permit, token = trial.in_force(trial.permit(ends=NOW + HOUR))
    trial.clock.at = NOW + 2 * HOUR
    assert trial.book.still_allowed(permit.permit_id) is Reason.EXPIRED
    trial.clock.at = NOW
    assert refused(trial, trial.use_token(trial.use(permit, token))) is Reason.CLOCK
    assert trial.desk.look_at(permit.permit_id).standing is Standing.CLOCK
    trial.clock.at = NOW + 2 * HOUR - timedelta(seconds=120)  # as NTP may
    assert trial.book.still_allowed(permit.permit_id) is Reason.EXPIRED


def test_a_clock_that_was_ahead_and_is_right_now_can_be_accepted(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    trial.clock.at = NOW + timedelta(days=900)
    assert trial.book.still_allowed(permit.permit_id) is Reason.EXPIRED
    trial.clock.at = NOW + HOUR
    assert trial.book.still_allowed(permit.permit_id) is Reason.CLOCK
    trial.book.accept_clock()
    assert trial.events()[-1].event == "clock-accepted"
    trial.book.check(trial.use_token(trial.use(permit, token)), Action.RUN)


def test_what_the_hub_revokes_is_over_for_ever(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    book = trial.book
    book.check(trial.use_token(trial.use(permit, token)), Action.RUN)
    trial.book.revoke(trial.revocation(permit.permit_id))
    # `book` was opened before, as that of the running node: it sees what another has changed.
    assert book.still_allowed(permit.permit_id) is Reason.REVOKED
    assert refused(trial, trial.use_token(trial.use(permit, token))) is Reason.REVOKED
    trial.book.revoke(trial.revocation(permit.permit_id))
    trial.book.receive(token, [trial.tool])
    with pytest.raises(PermitRefused) as caught:
        trial.desk.countersign(permit.permit_id, "Data office")
    assert caught.value.reason is Reason.REVOKED
    assert book.still_allowed(permit.permit_id) is Reason.REVOKED
    ended = [event for event in trial.events() if event.event == "permit-revoked"]
    assert [event.facts["source"] for event in ended] == ["hub"]


@pytest.mark.parametrize("signer", ["mallory", "node", "anna"])
def test_only_the_hub_revokes_from_afar(trial: PermitTrial, signer: str) -> None:
    permit, _ = trial.in_force()
    for token in (
        trial.revocation(permit.permit_id, trial.key(signer)),
        trial.signed(permit),
        "no token",
    ):
        with pytest.raises(PermitRefused) as caught:
            trial.book.revoke(token)
        assert caught.value.reason is Reason.ALTERED
    assert trial.book.still_allowed(permit.permit_id) is None


def test_a_permit_that_was_revoked_before_it_came_is_over(trial: PermitTrial) -> None:
    permit = trial.permit()
    token = trial.signed(permit)
    trial.book.revoke(trial.revocation(permit.permit_id))
    trial.book.receive(token, [trial.tool])
    assert trial.desk.look_at(permit.permit_id).standing is Standing.REVOKED
    assert refused(trial, trial.use_token(trial.use(permit, token))) is Reason.REVOKED


def test_the_node_revokes_by_itself_and_tells_the_hub(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    assert trial.book.revoke_here(permit.permit_id, "the contract ended", "Data office")
    assert not trial.book.revoke_here(permit.permit_id, "again", "Data office")
    assert refused(trial, trial.use_token(trial.use(permit, token))) is Reason.REVOKED
    told = [one.body["body"] for one in trial.outbox.first() if one.body["kind"] == "revoked"]
    assert [(one["permit_id"], one["reason"]) for one in told] == [  # type: ignore[index]
        (permit.permit_id, "the contract ended")
    ]
    with pytest.raises(PermitRefused) as caught:
        trial.book.revoke_here(str(uuid4()), "unknown", "Data office")
    assert caught.value.reason is Reason.UNKNOWN


def test_a_damaged_log_allows_nothing_and_still_lets_revoke(trial: PermitTrial) -> None:
    permit, token = trial.in_force()
    log = trial.folder / "audit" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"permit-received", b"permit-perceived"))
    log.write_bytes(b"\n".join(log.read_bytes().split(b"\n")[:-2]) + b"\n")
    with pytest.raises(Conflict, match="damaged"):
        trial.book.check(trial.use_token(trial.use(permit, token)), Action.RUN)
    with pytest.raises(Conflict, match="damaged"):
        trial.book.revoke(trial.revocation(permit.permit_id))
    assert trial.book.still_allowed(permit.permit_id) is Reason.REVOKED


def test_records_that_cannot_be_read_allow_nothing(trial: PermitTrial) -> None:
    permit, _ = trial.in_force()
    for path in trial.database.parent.glob("permits.sqlite*"):
        path.write_bytes(b"")
    assert trial.book.still_allowed(permit.permit_id) is Reason.UNKNOWN


def test_a_tool_that_was_changed_on_disk_is_not_handed_out(trial: PermitTrial) -> None:
    trial.in_force()
    place = trial.book.tool_folder(trial.tool.digest)
    (place / "main.py").chmod(0o644)
    (place / "main.py").write_text("import os\n")
    with pytest.raises(InvalidInput, match="was changed"):
        trial.book.tool(trial.tool.digest)
