"""Evil nodes, evil readers and bad moments at a hub: what they get, and what a page then says."""

import asyncio
import logging
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.cohort.result import Outcome, SearchResult
from tessera.domain.errors import InvalidSettings
from tessera.http.limits import Rate, asker
from tessera.ports.hub_store import NodeRecord, NodeState
from tessera.wire.answers import MOST_TOGETHER, ReceivedAnswer
from tessera.wire.envelope import Envelope, MessageType
from tessera.wire.messages import Accepted, JoinRequest, PollReply
from tessera.wire.refusals import BadMessage, InviteUnknown
from tests.hub_trial import NOW, TrialHub, envelope, released, served, trial_hub

MEN = "sex = male"


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[TrialHub]:
    with trial_hub(tmp_path / "hub") as trial:
        yield trial


@pytest.fixture
def signer(tmp_path: Path) -> Ed25519Signer:
    return Ed25519Signer.create(tmp_path / "node.key")


@pytest.fixture
def node(trial: TrialHub, signer: Ed25519Signer) -> NodeRecord:
    node = trial.joined(signer)
    trial.hub.catalogued.publish(node, released().value)
    return node


ANSWER = {
    "dataset_id": "prostate-mr",
    "version": 1,
    "created": NOW.isoformat(),
    "outcome": "counted",
    "n_subjects": 30,
    "n_studies": 30,
    "policy": released().value.policy,
}


def answered(search_id: str, **changes: object) -> ReceivedAnswer:
    return ReceivedAnswer.from_json({"search_id": search_id, "answers": [{**ANSWER, **changes}]})


def told(found: SearchResult) -> tuple[Outcome, int | None, int]:
    return found.results[0].outcome, found.results[0].n_subjects, found.n_subjects


NOTHING = (Outcome.NO_ANSWER, None, 0)


def test_an_answer_from_other_data_than_the_catalogue_shows_is_no_number(
    trial: TrialHub, node: NodeRecord
) -> None:
    started = trial.hub.searching.start(MEN)
    other = answered(started.search_id, created="2026-03-05T14:08:00Z")
    trial.hub.searching.answer(node, other)
    found = trial.hub.search(started.search_id)
    assert told(found) == NOTHING
    assert "other data" in found.results[0].detail


def test_a_node_that_has_left_the_hub_counts_no_more_and_is_not_waited_for(
    trial: TrialHub, node: NodeRecord
) -> None:
    trial.store.nodes.seen(node.node_id, NOW, "tessera test")
    started, waiting = trial.hub.searching.start(MEN), trial.hub.searching.start(MEN)
    trial.hub.searching.answer(node, answered(started.search_id))
    assert told(trial.hub.search(started.search_id)) == (Outcome.COUNTED, 30, 30)
    trial.hub.joining.decide(node.node_id, NodeState.REVOKED)
    found = trial.hub.search(started.search_id)
    assert told(found) == NOTHING
    assert "no longer belongs" in found.results[0].detail
    assert trial.hub.search(waiting.search_id).complete


def test_no_promise_is_made_that_is_not_kept(trial: TrialHub, node: NodeRecord) -> None:
    started = trial.hub.searching.start(MEN)

    def detail() -> str:
        return trial.hub.search(started.search_id).results[0].detail

    assert "gets the query when it comes back" in detail()
    trial.clock.pass_s(60)
    trial.store.nodes.seen(node.node_id, trial.clock.at, "tessera test")
    assert "came back after it was asked" in detail()
    trial.clock.pass_s(600)
    assert asyncio.run(trial.hub.reception.calling.poll(node, 0)) == ((), ())
    assert "ask again" in detail()


def test_an_answer_is_kept_by_a_hub_that_was_restarted_meanwhile(
    trial: TrialHub, node: NodeRecord, tmp_path: Path
) -> None:
    trial.store.nodes.seen(node.node_id, NOW, "tessera test")
    search_id = trial.hub.searching.start(MEN).search_id
    with trial_hub(tmp_path / "hub") as again:
        assert told(again.hub.search(search_id)) == NOTHING
        assert not again.hub.search(search_id).complete
        again.hub.searching.answer(node, answered(search_id))
        assert told(again.hub.search(search_id)) == (Outcome.COUNTED, 30, 30)


def test_a_clock_that_is_set_back_keeps_nobody_waiting(trial: TrialHub, node: NodeRecord) -> None:
    trial.store.nodes.seen(node.node_id, NOW, "tessera test")

    async def waited() -> None:
        started = trial.hub.searching.start(MEN)
        waiting = asyncio.create_task(trial.hub.searching.wait(started.search_id, 0.2))
        await asyncio.sleep(0.05)
        trial.clock.pass_s(-3600)
        await asyncio.wait_for(waiting, 5)

    asyncio.run(waited())


def test_a_flood_of_searches_reaches_a_node_that_was_away_in_parts(
    trial: TrialHub, node: NodeRecord, signer: Ed25519Signer
) -> None:
    text = "body_part = " + " or body_part = ".join(f"PART{i}" for i in range(50))
    asked = {trial.hub.searching.start(text).search_id for _ in range(300)}

    async def polled() -> None:
        while asked:
            poll = envelope(trial, MessageType.POLL, {"wait_s": 0}, sender=node.node_id)
            token = signer.sign(poll.encode())
            reply = await trial.hub.reception.receive(MessageType.POLL, token)
            assert len(reply) < 1_000_000
            body = trial_body(trial, reply)
            assert body.queries
            asked.difference_update(task.search_id for task in body.queries)

    asyncio.run(polled())


def test_answers_in_one_message_are_judged_each_by_itself(
    trial: TrialHub, node: NodeRecord, signer: Ed25519Signer
) -> None:
    first, second = trial.hub.searching.start(MEN), trial.hub.searching.start(MEN)
    asked = (first.search_id, str(uuid4()), second.search_id, second.search_id)

    async def sent(*search_ids: str) -> int:
        body = {"answers": [{"search_id": one, "answers": [ANSWER]} for one in search_ids]}
        message = envelope(trial, MessageType.ANSWERS, body, sender=node.node_id)
        reply = await trial.hub.reception.receive(
            MessageType.ANSWERS, signer.sign(message.encode())
        )
        payload = Ed25519Verifier().verify(reply, trial.signer.public_key)
        return Accepted.from_json(Envelope.decode(payload).body).n_accepted

    assert asyncio.run(sent(*asked)) == 2
    for search in (first, second):
        assert told(trial.hub.search(search.search_id)) == (Outcome.COUNTED, 30, 30)
    with pytest.raises(BadMessage, match=f"at most {MOST_TOGETHER}"):
        asyncio.run(sent(*(str(uuid4()) for _ in range(MOST_TOGETHER + 1))))


def trial_body(trial: TrialHub, token: str) -> PollReply:
    payload = Ed25519Verifier().verify(token, trial.signer.public_key)
    return PollReply.from_json(Envelope.decode(payload).body)


def test_a_strange_time_in_the_store_stops_no_search(trial: TrialHub, node: NodeRecord) -> None:
    early = replace(
        released("early").value, created=NOW.replace(year=1), title={"en": "Older than the hub"}
    )
    trial.hub.catalogued.publish(node, early)
    assert len(trial.hub.searching.start(MEN).results) == 2


def test_a_hubs_store_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with trial_hub(tmp_path / "open") as trial:
        trial.joined(Ed25519Signer.create(tmp_path / "node.key"))
        files = [path for path in (tmp_path / "open").iterdir() if "sqlite" in path.name]
        assert len(files) == 3
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        code = str(trial.hub.joining.invite())
        everything = "\n".join(sqlite3.connect(tmp_path / "open" / "hub.sqlite").iterdump())
        assert code[:4].lower() not in everything.lower().split("'")
        assert code.replace("-", "")[:16].lower() not in everything.lower()


def get(address: str, **headers: str) -> httpx.Response:
    return httpx.get(address, headers=headers, trust_env=False)


SCRIPT = "<script>alert(1)</script>"
QUOTED = quote(SCRIPT, safe="")


@pytest.mark.parametrize(
    "path",
    [
        f"/search?q={QUOTED}",
        f"/search?q=body_part%20%3D%20%22{QUOTED}%22",
        f"/search?dataset=linkoping/prostate-mr%22{QUOTED}",
        f"/catalogue?text=%22%3E{QUOTED}&cancer=%22%3E{QUOTED}",
        f"/search?q=sex%3Dmale&lang={QUOTED}%0d%0aX-Evil:1",
        f"/datasets/linkoping/{QUOTED}",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fapp.py",
        "/static//etc/passwd",
        "/datasets/%2e%2e/%2e%2e",
        "/search/%ED%A0%80",
        "/catalogue?text=%00%ED%A0%80",
    ],
)
def test_what_a_reader_puts_into_an_address_is_never_run_nor_opened(
    trial: TrialHub, node: NodeRecord, path: str
) -> None:
    with served(trial.hub) as url:
        headers = {"Accept": "text/html", "Accept-Language": SCRIPT, "Cookie": "a=\"'<"}
        answer = get(f"{url}{path}", **headers)
    assert answer.status_code in (200, 400, 404)
    assert SCRIPT not in answer.text
    assert "x-evil" not in answer.headers
    assert "import " not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("query", ["\\ud800 = x", "sex \\ud800", "\\u0000", "\\u202e"])
def test_a_query_of_no_characters_is_a_fault_of_the_query(trial: TrialHub, query: str) -> None:
    with served(trial.hub) as url:
        body = f'{{"query": "{query}"}}'
        assert httpx.post(f"{url}/api/v1/search", content=body, trust_env=False).status_code == 400


def test_nobody_writes_a_line_of_their_own_into_the_log(
    trial: TrialHub, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), served(trial.hub) as url:
        for accept in ("text/html", "application/json"):
            get(f"{url}/api/v1/datasets/a/b%0AERROR%20forged%1b%5b31m", Accept=accept)
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("tessera")]
    assert len(ours) == 2
    assert all(message.isprintable() for message in ours)


def test_a_search_counts_as_one_however_it_is_spelt(trial: TrialHub) -> None:
    with served(trial.hub, searches=Rate(burst=1, per_second=0)) as url:
        assert get(f"{url}/search?%71=sex%3Dmale").status_code == 200
        for path in ("/search?q=sex%3Dmale", "/search?lang=sv&%71=sex%3Dmale"):
            assert get(f"{url}{path}").status_code == 429


def test_a_household_is_one_asker() -> None:
    assert asker("2001:db8::1") == asker("2001:db8::ffff:1") != asker("2001:db8:0:1::1")
    assert asker("::ffff:192.0.2.1") == asker("192.0.2.1") != asker("192.0.2.2")
    assert asker("testclient") == "testclient"


def test_no_node_joins_under_the_name_of_another(
    trial: TrialHub, node: NodeRecord, tmp_path: Path
) -> None:
    other = Ed25519Signer.create(tmp_path / "other.key")
    for name in ("Linköping", " LINKÖPING ", "Linko\N{COMBINING DIAERESIS}ping"):
        with pytest.raises(BadMessage, match="name"):
            trial.joined(other, name)
    trial.hub.joining.decide(node.node_id, NodeState.REVOKED)
    assert trial.joined(other, "Linköping").node_id == "linkoping-2"


def test_a_stranger_leaves_no_trace_in_the_store(trial: TrialHub, tmp_path: Path) -> None:
    stranger = Ed25519Signer.create(tmp_path / "stranger.key")
    key = stranger.public_key
    request = JoinRequest(
        secret="a" * 16, name="N", country="SE", public_key=key, software="x" * 500_000
    )
    message = envelope(trial, MessageType.JOIN, request.to_json(), sender=key.fingerprint)
    for _ in range(2):
        with pytest.raises(InviteUnknown):
            joining = trial.hub.reception.receive(MessageType.JOIN, stranger.sign(message.encode()))
            asyncio.run(joining)
    assert trial.store.seen_ids.remember(key.fingerprint, message.id, NOW)


def test_a_private_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "hub.key"
    Ed25519Signer.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(InvalidSettings, match="chmod 600"):
        Ed25519Signer.load(path)
