"""What a hostile researcher and a hostile node try with permits, runs and files at a hub."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.people import Grant, Role
from tessera.domain.access.permit import AccessMode, Action, Permit
from tessera.domain.access.tool import OutputKind, tool_bundle
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.wire.envelope import MessageType
from tessera.wire.permit import Countersignature, use_payload
from tessera.wire.refusals import BadMessage, TooLarge
from tessera.wire.tasks import Report, ReportKind, ReportMessage, RunState
from tests.access_trial import (
    Researcher,
    ScriptedNode,
    counting_tool,
    permit_for,
    signed_use,
    use_of,
)
from tests.application_trial import signed_in
from tests.hub_trial import TrialHub, served, trial_hub

TOOL = counting_tool()
SCRIPT = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Site:
    trial: TrialHub
    url: str
    folder: Path
    anna: Researcher
    bo: Researcher
    linkoping: ScriptedNode
    valencia: ScriptedNode
    permit: Permit

    def use(self, *, inputs: dict[str, bytes] | None = None, **changes: object) -> httpx.Response:
        use = replace(use_of(self.trial, self.permit.permit_id, self.linkoping), **changes)  # type: ignore[arg-type]
        body = signed_use(use, self.anna.signer, **(inputs or {}))
        return self.anna.ask(self.url, "POST", "/api/v1/uses", body)

    def started(self, **changes: object) -> str:
        reply = self.use(**changes)  # type: ignore[arg-type]
        assert reply.status_code == 201, reply.text
        return str(reply.json()["use_id"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with trial_hub(tmp_path / "hub") as trial:
        anna, bo = (Researcher.at(trial, tmp_path, name) for name in ("anna", "bo"))
        nodes = tuple(ScriptedNode.at(trial, tmp_path, n) for n in ("Linkoping", "Valencia"))
        trial.hub.tools.add(anna.person, TOOL)
        permit = permit_for(
            trial.clock.at,
            anna,
            nodes=nodes,
            tool=TOOL,
            title=f"Title {SCRIPT}",
            purpose=SCRIPT,
            conditions=(SCRIPT,),
            modes=frozenset({AccessMode.RUN, AccessMode.LEARN}),
            outputs=frozenset(OutputKind),
        )
        trial.hub.permits.issue(permit)
        held = trial.hub.permits.find(permit.permit_id)
        for node in nodes:
            node.take_up()
            assert node.countersign(permit.permit_id, held.sha256) == 1
        with served(trial.hub) as url:
            yield Site(trial, url, tmp_path, anna, bo, *nodes, permit)


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": json.dumps({"a": "x" * 100_000})},
        {"arguments": json.dumps({"a": "x" * 2_900_000})},
        {"arguments": "[" * 100_000},
        {"datasets": (("prostate-mr", 1),) * 1000},
        {"inputs": tuple((f"f{n}", "0" * 64) for n in range(5000))},
        {"at": datetime(1, 1, 1, tzinfo=UTC), "until": datetime(1, 1, 2, tzinfo=UTC)},
        {"at": datetime(1, 1, 1, tzinfo=UTC), "until": datetime(9999, 12, 31, 23, tzinfo=UTC)},
        {"datasets": (("prostate-mr", 10**30),)},
        {"use_id": str(uuid4()) + "\n"},
        {"reply_key": "A" * 1900},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_use_of_unreasonable_size_or_time_goes_nowhere(
    site: Site, changes: dict[str, object]
) -> None:
    if "inputs" in changes:
        use = replace(use_of(site.trial, site.permit.permit_id, site.linkoping), **changes)  # type: ignore[arg-type]
        body = {"token": site.anna.signer.sign(use_payload(use)), "inputs": {}}
        reply = site.anna.ask(site.url, "POST", "/api/v1/uses", body)
    else:
        reply = site.use(**changes)  # type: ignore[arg-type]
    if "reply_key" in changes:
        return
    assert reply.status_code in (400, 403, 413), (reply.status_code, reply.text[:300])
    assert site.linkoping.tasks() == []


def test_nobody_fills_the_queue_of_a_node(site: Site) -> None:
    for _ in range(150):
        reply = site.use()
        if reply.status_code != 201:
            break
    assert reply.status_code == 409, reply.text
    # What ends makes room.
    ended = site.anna.ask(site.url, "GET", "/api/v1/runs").json()["runs"][0]["use_id"]
    site.linkoping.report(ReportKind.RUN, use_id=ended, state=RunState.REFUSED)
    assert site.use().status_code == 201


def test_a_message_of_endless_reports_is_not_taken(site: Site) -> None:
    use_id = site.started()
    bodies = ({"use_id": use_id, "state": s} for n in range(3000) for s in ("running", "waiting"))
    message = ReportMessage(reports=tuple(Report(kind="run", body=body) for body in bodies))
    with pytest.raises(BadMessage):
        site.linkoping.send(MessageType.REPORT, message.to_json())


def test_a_node_that_wavers_fills_no_audit_log(site: Site) -> None:
    """Back and forth between waiting and running is told once."""
    log = site.folder / "hub" / "audit"

    def n_bytes() -> int:
        return sum(file.stat().st_size for file in log.rglob("*") if file.is_file())

    use_id = site.started()
    site.trial.clock.pass_s(10)
    for state in ("running", "waiting") * 20:
        site.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
    before = n_bytes()
    for state in ("running", "waiting") * 100:
        site.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
    assert n_bytes() - before < 2_000


def test_a_node_delivers_no_endless_number_of_empty_files(site: Site) -> None:
    use_id = site.started(action=Action.LEARN)
    with pytest.raises((TooLarge, Conflict, InvalidInput)):
        for n in range(400):
            site.linkoping.deliver(site.linkoping.part(use_id, b"", name=f"f{n}.json"))


def test_a_node_moves_nothing_of_another_node(site: Site) -> None:
    use_id = site.started()
    part = site.valencia.part(use_id, b"{}")
    with pytest.raises(NotFound):
        site.valencia.deliver(part)
    for state in RunState:
        assert site.valencia.report(ReportKind.RUN, use_id=use_id, state=state) == 0
    said = Countersignature(
        permit_id=site.permit.permit_id,
        permit_sha256=site.trial.hub.permits.find(site.permit.permit_id).sha256,
        node_id=site.linkoping.node_id,
        by="x",
        at=site.trial.clock.at,
    )
    # For itself with the other's name, and the other's own word handed in anew.
    for signer in (site.valencia.signer, site.linkoping.signer):
        token = signer.sign(said.payload())
        assert site.valencia.report(ReportKind.COUNTERSIGNED, token=token) == 0
    mine = site.trial.hub.runs.shown(site.anna.person, use_id)
    assert (mine.state, mine.files) == (RunState.WAITING, ())


def test_a_word_of_one_kind_is_no_word_of_another(site: Site) -> None:
    """Whatever a key has signed counts as what it says that it is, and nowhere else."""
    use = use_of(site.trial, site.permit.permit_id, site.linkoping)
    as_use = site.linkoping.signer.sign(use_payload(use))
    assert site.linkoping.report(ReportKind.COUNTERSIGNED, token=as_use) == 0
    held = site.trial.hub.permits.find(site.permit.permit_id)
    assert site.linkoping.report(ReportKind.COUNTERSIGNED, token=held.token) == 0
    for token in (held.token, site.anna.signer.sign(held.token.encode()), as_use):
        body = {"token": token, "inputs": {}}
        assert site.anna.ask(site.url, "POST", "/api/v1/uses", body).status_code in (400, 403)
        proof = site.anna.ask(site.url, "POST", "/api/v1/account/keys", {"proof": token})
        assert proof.status_code in (400, 403)
        for path in ("report", "deliver", "poll", "relay"):
            url = f"{site.url}/link/v1/{path}"
            reply = httpx.post(url, content=token, trust_env=False)
            assert reply.status_code in (400, 403), (path, reply.text)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "EdDSA"},
        {"alg": "Ed25519", "jwk": {}},
        {"alg": "Ed25519", "crit": ["b64"], "b64": False},
    ],
)
def test_a_use_under_another_algorithm_is_none(site: Site, header: dict[str, object]) -> None:
    use = use_of(site.trial, site.permit.permit_id, site.linkoping)
    good = site.anna.signer.sign(use_payload(use)).split(".")
    whole = {"kid": site.anna.signer.public_key.fingerprint, **header}
    first = urlsafe_b64encode(json.dumps(whole).encode()).decode().rstrip("=")
    for token in (".".join((first, *good[1:])), f"{first}.{good[1]}."):
        body = {"token": token, "inputs": {}}
        reply = site.anna.ask(site.url, "POST", "/api/v1/uses", body)
        assert reply.status_code == 403, reply.text


def test_what_nodes_and_people_write_is_run_by_no_browser(site: Site) -> None:
    accounts = site.trial.hub.accounts
    cara = Researcher.at(site.trial, site.folder, "cara", Grant(Role.COMMITTEE))
    manifest = f'name="evil"\nversion="1"\ntitle="{SCRIPT}"\n[entries]\nrun="m.py"\n'
    evil = tool_bundle(
        {
            "tool.toml": manifest.encode(),
            "m.py": f"# {SCRIPT}\n# \u202e\n".encode(),
        }
    )
    listed = site.anna.ask(site.url, "POST", "/api/v1/tools", {"files": evil.to_json()})
    assert listed.status_code == 201
    use_id = site.started()
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="running", detail=SCRIPT)
    site.valencia.report(
        ReportKind.DECLINED, permit_id=site.permit.permit_id, reason=f"{SCRIPT}\nERROR forged"
    )
    revoke = f"/api/v1/permits/{site.permit.permit_id}/revoke"
    assert cara.ask(site.url, "POST", revoke, {"reason": SCRIPT}).status_code == 200
    pages = {
        "anna": (
            "/permits",
            f"/permits/{site.permit.permit_id}",
            f"/runs/{use_id}",
            "/tools",
            f"/tools/{evil.digest}",
        ),
        "cara": (f"/permits/{site.permit.permit_id}",),
    }
    assert accounts.named("anna")
    for user, addresses in pages.items():
        with signed_in(site.trial, site.url, user) as web:
            for address in addresses:
                shown = web.get(address)
                assert shown.status_code == 200, address
                assert "<script>alert" not in shown.text, address
                assert "\u202e" not in shown.text, address
                assert shown.headers["cache-control"] == "no-store", address


@pytest.mark.parametrize("name", ['a"; filename="b.html', "../../x", "a\r\nSet-Cookie: a=b", ".x"])
def test_a_file_name_of_a_node_is_no_header_and_no_path(site: Site, name: str) -> None:
    use_id = site.started(action=Action.LEARN)
    with pytest.raises(BadMessage):
        site.linkoping.deliver(site.linkoping.part(use_id, b"{}", name=name))


def test_a_holder_sees_the_permit_of_its_node_and_nothing_of_its_runs(site: Site) -> None:
    use_id = site.started()
    for state in ("running", "in-airlock"):
        site.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
    content = b'{"n": 30}'
    site.linkoping.deliver(site.linkoping.part(use_id, content))
    site.linkoping.report(
        ReportKind.RUN, use_id=use_id, state="released", files=[{"name": "counts.json"}]
    )
    hans = Researcher.at(
        site.trial, site.folder, "hans", Grant(Role.HOLDER, site.linkoping.node_id)
    )
    other = Researcher.at(
        site.trial, site.folder, "other", Grant(Role.OPERATOR, site.linkoping.node_id)
    )
    permit = f"/api/v1/permits/{site.permit.permit_id}"
    assert hans.ask(site.url, "GET", permit).status_code == 200
    for who in (hans, other, site.bo):
        for method, path in (
            ("GET", f"/api/v1/runs/{use_id}"),
            ("GET", f"/api/v1/runs/{use_id}/files/counts.json"),
            ("GET", f"/api/v1/runs?permit={site.permit.permit_id}"),
            ("POST", f"/api/v1/runs/{use_id}/stop"),
            ("GET", f"/runs/{use_id}/files/counts.json"),
            ("POST", f"/runs/{use_id}/stop"),
        ):
            assert who.ask(site.url, method, path).status_code == 404, (who.person.name, path)
        if who is not hans:
            assert who.ask(site.url, "GET", permit).status_code == 404
        assert who.ask(site.url, "POST", f"{permit}/revoke", {"reason": "x"}).status_code == 403
    mine = site.anna.ask(site.url, "GET", f"/api/v1/runs/{use_id}/files/counts.json")
    assert sha256(mine.content).hexdigest() == sha256(content).hexdigest()


def test_the_one_who_ended_a_permit_is_on_record(site: Site) -> None:
    cara = Researcher.at(site.trial, site.folder, "cara", Grant(Role.COMMITTEE))
    revoke = f"/api/v1/permits/{site.permit.permit_id}/revoke"
    assert cara.ask(site.url, "POST", revoke, {"reason": "misuse"}).status_code == 200
    (entry,) = [
        one.event
        for one in site.trial.hub.permits.audit.entries()
        if one.event.event == "permit-revoked"
    ]
    assert entry.facts["person"] == cara.person.person_id


def test_who_was_shut_out_hands_nothing_in(site: Site) -> None:
    use = use_of(site.trial, site.permit.permit_id, site.linkoping)
    body = signed_use(use, site.anna.signer)
    accounts = site.trial.hub.accounts
    with signed_in(site.trial, site.url, "anna") as web:
        assert web.get("/account").status_code == 200
        accounts.disable(accounts.named("anna"))
        assert web.get("/account").status_code == 303
    assert site.anna.ask(site.url, "POST", "/api/v1/uses", body).status_code == 401
    assert site.anna.ask(site.url, "POST", "/api/v1/fetch", body).status_code == 401
    # A colleague does not hand it in either.
    assert site.bo.ask(site.url, "POST", "/api/v1/uses", body).status_code == 403


def test_a_key_of_two_people_belongs_to_the_first(site: Site) -> None:
    stolen = Ed25519Signer.load(site.folder / "anna.key")
    use = use_of(site.trial, site.permit.permit_id, site.linkoping)
    token = stolen.sign(use_payload(use))
    assert site.bo.ask(site.url, "POST", "/api/v1/uses", {"token": token}).status_code == 403


def test_a_permit_that_ends_while_it_is_used_lets_nothing_in_after(site: Site) -> None:
    cara = Researcher.at(site.trial, site.folder, "cara", Grant(Role.COMMITTEE))
    revoke = f"/api/v1/permits/{site.permit.permit_id}/revoke"
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(site.use) for _ in range(20)]
        ended = pool.submit(cara.ask, site.url, "POST", revoke, {"reason": "misuse"})
        asked += [pool.submit(site.use) for _ in range(20)]
        assert ended.result().status_code == 200
        assert {one.result().status_code for one in asked} <= {201, 403}
    kinds: list[str] = []
    while tasks := site.linkoping.take_up():
        kinds += [task.kind for task in tasks]
    assert kinds.index("revoke") == len(kinds) - 1, kinds
    assert site.use().status_code == 403


def test_a_clock_that_is_wrong_opens_nothing(site: Site) -> None:
    for off in (timedelta(days=-2), timedelta(days=31)):
        at = site.trial.clock.at + off
        assert site.use(at=at, until=at + timedelta(hours=1)).status_code == 403
