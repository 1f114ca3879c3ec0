"""Permits, tools and runs over the hub's REST, with nodes that speak with their own keys."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

import tessera
from tessera.client.access import permitted_tool, wanted_runs
from tessera.domain.access.people import Grant, Role
from tessera.domain.access.permit import AccessMode, Action, Permit, PermitRefused, Reason
from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from tessera.hub import runs as hub_runs
from tessera.wire.permit import Revocation, read_permit, token_sha256, use_payload
from tessera.wire.refusals import TooLarge
from tessera.wire.runs import PermitState
from tessera.wire.tasks import ReportKind, RunState, TaskKind
from tests.access_trial import (
    Researcher,
    ScriptedNode,
    counting_tool,
    permit_for,
    signed_use,
    use_of,
)
from tests.hub_trial import NOW, TrialHub, served, trial_hub

TOOL = counting_tool()
RESULT = b'{"n_subjects": 30}'


@dataclass(frozen=True)
class Site:
    """Two hospitals, a permit that Linköping has countersigned, and people."""

    trial: TrialHub
    url: str
    folder: Path
    anna: Researcher
    bo: Researcher
    linkoping: ScriptedNode
    valencia: ScriptedNode
    permit: Permit

    def use(self, by: Researcher | None = None, **changes: object) -> httpx.Response:
        """Hand a use of Anna's in, signed with her key unless another is named."""
        use = use_of(self.trial, self.permit.permit_id, self.linkoping)
        use = replace(use, **changes)  # type: ignore[arg-type]
        return self.anna.ask(
            self.url, "POST", "/api/v1/uses", signed_use(use, (by or self.anna).signer)
        )

    def started(self) -> str:
        reply = self.use()
        assert reply.status_code == 201, reply.text
        return str(reply.json()["use_id"])

    def in_airlock(self) -> str:
        use_id = self.started()
        for state in (RunState.RUNNING, RunState.IN_AIRLOCK):
            self.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
        return use_id

    def state(self, use_id: str) -> str:
        return str(self.anna.ask(self.url, "GET", f"/api/v1/runs/{use_id}").json()["state"])

    def standing(self) -> dict[str, str]:
        held = self.trial.hub.permits.find(self.permit.permit_id)
        return {one.node_id: one.state.value for one in held.nodes}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with trial_hub(tmp_path / "hub") as trial:
        anna, bo = (Researcher.at(trial, tmp_path, name) for name in ("anna", "bo"))
        nodes = tuple(ScriptedNode.at(trial, tmp_path, n) for n in ("Linkoping", "Valencia"))
        trial.hub.tools.add(anna.person, TOOL)
        permit = permit_for(trial.clock.at, anna, nodes=nodes, tool=TOOL)
        trial.hub.permits.issue(permit)
        held = trial.hub.permits.find(permit.permit_id)
        nodes[0].take_up()
        assert nodes[0].countersign(permit.permit_id, held.sha256) == 1
        with served(trial.hub) as url:
            yield Site(trial, url, tmp_path, anna, bo, *nodes, permit)


def refusal(reply: httpx.Response) -> str:
    assert reply.status_code == 403, reply.text
    body = reply.json()
    return str(body.get("reason") or body["type"])


def test_a_permit_goes_signed_with_its_tools_to_each_node(site: Site) -> None:
    (task,) = site.valencia.tasks()
    assert task.kind == TaskKind.PERMIT
    token = str(task.body["token"])
    payload = site.trial.hub.reception.verifier.verify(token, site.trial.signer.public_key)
    assert read_permit(payload) == site.permit
    assert task.body["tools"] == [TOOL.to_json()]
    assert site.standing() == {"linkoping": "countersigned", "valencia": "sent"}
    site.valencia.report(ReportKind.DONE, task_id=task.task_id)
    assert site.standing()["valencia"] == "received"


def test_issuing_again_changes_nothing(site: Site) -> None:
    before = site.trial.store.tasks.n_open("valencia")
    site.trial.hub.permits.issue(site.permit)
    site.trial.hub.permits.issue(replace(site.permit, title="Another"))
    assert site.trial.store.tasks.n_open("valencia") == before
    assert site.trial.hub.permits.find(site.permit.permit_id).permit == site.permit


@pytest.mark.parametrize(
    "changes",
    [
        {"datasets": ()},
        {"persons": ()},
        {"modes": frozenset()},
        {"tools": ()},
        {"ends": NOW - timedelta(days=400)},
    ],
)
def test_a_permit_that_allows_nothing_is_not_issued(site: Site, changes: dict[str, object]) -> None:
    new = replace(site.permit, permit_id=site.permit.application_id)
    with pytest.raises(InvalidInput):
        site.trial.hub.permits.issue(replace(new, **changes))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        site.trial.hub.permits.find(new.permit_id)


def test_a_permit_of_an_unknown_tool_is_not_issued(site: Site) -> None:
    other = permit_for(
        site.trial.clock.at, site.anna, nodes=(site.linkoping,), tool=counting_tool("not-added")
    )
    with pytest.raises(NotFound):
        site.trial.hub.permits.issue(other)


def test_a_countersignature_of_another_text_or_node_does_not_count(site: Site) -> None:
    held = site.trial.hub.permits.find(site.permit.permit_id)
    assert site.valencia.countersign(held.permit.permit_id, "0" * 64) == 0
    node_id = site.linkoping.node_id
    assert site.valencia.countersign(held.permit.permit_id, held.sha256, node_id=node_id) == 0
    assert site.valencia.report(ReportKind.COUNTERSIGNED, token="x.y.z") == 0
    assert site.standing()["valencia"] == "sent"
    assert site.trial.store.permits.countersignature(held.permit.permit_id, "linkoping")


def test_a_node_says_no_and_takes_its_word_back(site: Site) -> None:
    permit_id = site.permit.permit_id
    site.valencia.report(ReportKind.DECLINED, permit_id=permit_id, reason="no ethics approval")
    site.linkoping.report(ReportKind.REVOKED, permit_id=permit_id, reason="over")
    assert site.standing() == {"linkoping": "revoked", "valencia": "declined"}
    held = site.trial.hub.permits.find(permit_id)
    site.linkoping.countersign(permit_id, held.sha256)
    assert site.standing()["linkoping"] == "revoked"
    assert refusal(site.use()) == Reason.REVOKED


def test_a_permit_that_a_node_cannot_take_in_says_why(site: Site) -> None:
    (task,) = site.valencia.tasks()
    site.valencia.report(ReportKind.DONE, task_id=task.task_id, problem="refused", reason="tool")
    at_node = site.trial.hub.permits.find(site.permit.permit_id).at_node("valencia")
    assert at_node is not None
    assert (at_node.state, at_node.detail) == (PermitState.FAILED, "refused: tool")


def test_another_node_cannot_speak_of_a_permit_or_close_a_task(site: Site, tmp_path: Path) -> None:
    stranger = ScriptedNode.at(site.trial, tmp_path, "Uppsala")
    (task,) = site.valencia.tasks()
    stranger.report(ReportKind.DONE, task_id=task.task_id)
    assert site.trial.store.tasks.n_open("valencia") == 1
    permit_id = site.permit.permit_id
    assert stranger.report(ReportKind.DECLINED, permit_id=permit_id, reason="") == 0
    assert site.standing()["valencia"] == "sent"


def test_a_run_goes_to_its_node_and_its_result_comes_back(site: Site) -> None:
    use_id = site.started()
    (task,) = site.linkoping.take_up()
    assert (task.kind, task.body["inputs"]) == (TaskKind.USE, {})
    assert site.state(use_id) == "waiting"
    for state in ("running", "in-airlock"):
        site.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
        assert site.state(use_id) == state
    whole = RESULT * 3
    first = site.linkoping.part(use_id, whole, n_parts=2, data=whole[:10])
    second = replace(first, part=1, data=whole[10:])
    assert site.linkoping.deliver(first) == 1
    files = [{"name": "counts.json"}]
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="released", files=files)
    assert site.state(use_id) == "in-airlock"
    assert site.linkoping.deliver(second) == 1
    assert site.linkoping.deliver(second) == 0
    assert site.state(use_id) == "released"
    reply = site.anna.ask(site.url, "GET", f"/api/v1/runs/{use_id}/files/counts.json")
    assert reply.content == whole
    assert reply.headers["content-disposition"] == 'attachment; filename="counts.json"'
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"].startswith("sandbox")
    rest = site.anna.ask(site.url, "GET", f"/api/v1/runs/{use_id}/files/counts.json?offset=12")
    assert rest.content == whole[12:]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"permit_id": "00000000-0000-0000-0000-000000000001"}, Reason.UNKNOWN),
        ({"permit_sha256": "0" * 64}, Reason.ALTERED),
        ({"datasets": (("prostate-mr", 2),)}, Reason.DATASET),
        ({"datasets": ()}, Reason.DATASET),
        ({"tool": counting_tool("other").digest}, Reason.TOOL),
        ({"action": Action.LEARN}, Reason.MODE),
        ({"action": Action.FETCH}, Reason.MODE),
        ({"node_id": "uppsala"}, Reason.OTHER_NODE),
        ({"node_id": "valencia"}, Reason.NOT_COUNTERSIGNED),
        ({"until": NOW - timedelta(seconds=1)}, Reason.STALE),
        ({"until": NOW + timedelta(days=8)}, Reason.STALE),
        ({"at": NOW + timedelta(hours=1)}, Reason.STALE),
    ],
)
def test_what_the_permit_does_not_allow_is_refused_with_its_reason(
    site: Site, changes: dict[str, object], reason: Reason
) -> None:
    assert refusal(site.use(**changes)) == reason
    assert site.trial.store.tasks.n_open("linkoping") == 0


def test_a_use_signed_with_another_key_is_refused(site: Site) -> None:
    assert refusal(site.use(by=site.bo)) == "urn:tessera:error:bad-signature"


def test_a_use_of_a_colleague_is_not_handed_in_by_another(site: Site) -> None:
    both = permit_for(site.trial.clock.at, site.anna, site.bo, nodes=(site.linkoping,), tool=TOOL)
    site.trial.hub.permits.issue(both)
    site.linkoping.countersign(both.permit_id, site.trial.hub.permits.find(both.permit_id).sha256)
    body = signed_use(use_of(site.trial, both.permit_id, site.linkoping), site.bo.signer)
    assert refusal(site.anna.ask(site.url, "POST", "/api/v1/uses", body)).endswith("bad-signature")
    assert site.bo.ask(site.url, "POST", "/api/v1/uses", body).status_code == 201


def test_a_revoked_key_signs_no_more(site: Site) -> None:
    site.trial.store.accounts.keys.revoke(
        site.anna.person.person_id, site.anna.signer.public_key.fingerprint, NOW
    )
    assert refusal(site.use()) == Reason.OTHER_PERSON


def test_an_altered_use_is_refused(site: Site) -> None:
    use = use_of(site.trial, site.permit.permit_id, site.linkoping)
    real = site.anna.signer.sign(use_payload(use))
    other = site.anna.signer.sign(use_payload(replace(use, arguments='{"more": 1}')))
    head, _, signature = real.split(".")
    body = {"token": ".".join((head, other.split(".")[1], signature))}
    assert refusal(site.anna.ask(site.url, "POST", "/api/v1/uses", body)).endswith("bad-signature")


@pytest.mark.parametrize(("days", "reason"), [(-2, Reason.NOT_YET), (31, Reason.EXPIRED)])
def test_outside_its_period_a_permit_allows_nothing(site: Site, days: int, reason: Reason) -> None:
    site.trial.clock.pass_s(days * 86_400)
    assert refusal(site.use()) == reason


def test_somebody_else_s_token_or_none_sees_and_does_nothing(site: Site) -> None:
    use_id = site.in_airlock()
    body = signed_use(use_of(site.trial, site.permit.permit_id, site.linkoping), site.anna.signer)
    reply = site.bo.ask(site.url, "POST", "/api/v1/uses", body)
    assert refusal(reply) == Reason.UNKNOWN
    for method, path in (
        ("GET", f"/api/v1/permits/{site.permit.permit_id}"),
        ("GET", f"/permits/{site.permit.permit_id}"),
        ("GET", f"/permits/{site.permit.permit_id}/token"),
        ("GET", f"/api/v1/runs?permit={site.permit.permit_id}"),
        ("GET", f"/api/v1/runs/{use_id}"),
        ("GET", f"/runs/{use_id}"),
        ("POST", f"/api/v1/runs/{use_id}/stop"),
        ("GET", f"/api/v1/runs/{use_id}/files/counts.json"),
    ):
        assert site.bo.ask(site.url, method, path).status_code == 404, path
        unknown = httpx.request(method, site.url + path, trust_env=False)
        assert unknown.status_code == 401, path
    assert site.bo.ask(site.url, "GET", "/api/v1/runs").json()["runs"] == []
    assert site.bo.ask(site.url, "GET", "/api/v1/permits").json() == {"permits": []}
    revoke = f"/api/v1/permits/{site.permit.permit_id}/revoke"
    assert site.anna.ask(site.url, "POST", revoke, {"reason": "x"}).status_code == 403


def test_the_same_use_again_is_the_same_run(site: Site) -> None:
    use = use_of(site.trial, site.permit.permit_id, site.linkoping)
    body = signed_use(use, site.anna.signer)
    assert site.anna.ask(site.url, "POST", "/api/v1/uses", body).status_code == 201
    again = site.anna.ask(site.url, "POST", "/api/v1/uses", body)
    assert (again.status_code, again.json()["use_id"]) == (201, use.use_id)
    assert site.trial.store.tasks.n_open("linkoping") == 1


def test_inputs_are_those_that_were_signed(site: Site) -> None:
    content = b"weights"
    use = use_of(
        site.trial,
        site.permit.permit_id,
        site.linkoping,
        inputs=(("model", sha256(content).hexdigest()),),
    )
    for inputs in ({}, {"model": b"other"}, {"model": content, "more": b"x"}):
        body = signed_use(use, site.anna.signer, **inputs)
        assert site.anna.ask(site.url, "POST", "/api/v1/uses", body).status_code == 400
    body = signed_use(use, site.anna.signer, model=content)
    assert site.anna.ask(site.url, "POST", "/api/v1/uses", body).status_code == 201
    (task,) = site.linkoping.tasks()
    assert task.body["inputs"] == body["inputs"]
    large = b"x" * (hub_runs.MAX_INPUT_BYTES + 1)
    body = signed_use(use, site.anna.signer, model=large)
    assert site.anna.ask(site.url, "POST", "/api/v1/uses", body).status_code == 413


def test_a_node_speaks_only_of_its_own_runs(site: Site) -> None:
    use_id = site.in_airlock()
    report = site.valencia.report
    assert report(ReportKind.RUN, use_id=use_id, state="failed") == 0
    with pytest.raises(NotFound):
        site.valencia.deliver(site.valencia.part(use_id, RESULT))
    assert site.state(use_id) == "in-airlock"


def test_a_run_goes_only_forward(site: Site) -> None:
    use_id = site.in_airlock()
    for state in ("running", "waiting", "refused", "stopped"):
        site.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
        assert site.state(use_id) == "in-airlock"
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="withheld", detail="few subjects")
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="released")
    assert site.state(use_id) == "withheld"
    with pytest.raises(Conflict):
        site.linkoping.deliver(site.linkoping.part(use_id, RESULT))


def test_a_node_that_begins_anew_says_so(site: Site) -> None:
    use_id = site.started()
    for state in ("running", "waiting", "running", "released", "withheld"):
        site.linkoping.report(ReportKind.RUN, use_id=use_id, state=state)
        assert site.state(use_id) == ("waiting" if state == "waiting" else "running")
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="refused", detail="expired")
    assert site.state(use_id) == "refused"


def test_a_use_that_the_node_does_not_take_up_is_refused(site: Site) -> None:
    use_id = site.started()
    (task,) = site.linkoping.tasks()
    site.linkoping.report(ReportKind.DONE, task_id=task.task_id, problem="no room")
    run = site.anna.ask(site.url, "GET", f"/api/v1/runs/{use_id}").json()
    assert (run["state"], run["detail"]) == ("refused", "no room")


def test_what_a_node_delivers_is_checked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    use_id, node = site.in_airlock(), site.linkoping
    with pytest.raises(InvalidInput, match="lets out no model"):
        node.deliver(node.part(use_id, RESULT, name="model.npz", kind="model"))
    with pytest.raises(InvalidInput, match="declares no"):
        node.deliver(node.part(use_id, RESULT, name="other.json"))
    with pytest.raises(InvalidInput):
        node.deliver(node.part(use_id, RESULT, kind="image"))
    with pytest.raises(InvalidInput):
        node.deliver(node.part(use_id, RESULT, sha256="0" * 64))
    monkeypatch.setattr(hub_runs, "MAX_USE_BYTES", 10)
    with pytest.raises(TooLarge):
        node.deliver(node.part(use_id, RESULT))
    monkeypatch.undo()
    assert node.deliver(node.part(use_id, RESULT, n_parts=2)) == 1
    with pytest.raises(Conflict):
        node.deliver(node.part(use_id, b"{}", n_parts=2, part=1))
    path = f"/api/v1/runs/{use_id}/files/counts.json"
    assert site.anna.ask(site.url, "GET", path).status_code == 404


def test_a_file_with_a_wrong_hash_can_come_anew(site: Site) -> None:
    use_id, node = site.in_airlock(), site.linkoping
    with pytest.raises(InvalidInput):
        node.deliver(node.part(use_id, RESULT, data=b"torn"))
    assert node.deliver(node.part(use_id, RESULT)) == 1
    node.report(ReportKind.RUN, use_id=use_id, state="released")
    assert site.state(use_id) == "released"


def test_stop_is_asked_once_and_a_run_that_has_ended_stays(site: Site) -> None:
    use_id = site.started()
    site.linkoping.take_up()
    for _ in range(2):
        reply = site.anna.ask(site.url, "POST", f"/api/v1/runs/{use_id}/stop")
        assert reply.json()["stop_asked_at"]
    (task,) = site.linkoping.take_up()
    assert (task.kind, task.body) == (TaskKind.STOP, {"use_id": use_id})
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="stopped")
    site.anna.ask(site.url, "POST", f"/api/v1/runs/{use_id}/stop")
    assert site.linkoping.tasks() == []


def test_the_committee_ends_a_permit_for_everybody(site: Site, tmp_path: Path) -> None:
    carl = Researcher.at(site.trial, tmp_path, "carl", Grant(Role.COMMITTEE))
    path = f"/api/v1/permits/{site.permit.permit_id}/revoke"
    assert carl.ask(site.url, "POST", path, {"reason": " "}).status_code == 400
    reply = carl.ask(site.url, "POST", path, {"reason": "The project has ended."})
    assert reply.json()["revoked_reason"] == "The project has ended. (committee)"
    for node in (site.linkoping, site.valencia):
        *_, task = node.tasks()
        assert task.kind == TaskKind.REVOKE
        verifier, key = site.trial.hub.reception.verifier, site.trial.signer.public_key
        said = Revocation.read(verifier.verify(str(task.body["token"]), key))
        assert (said.permit_id, said.reason) == (site.permit.permit_id, "The project has ended.")
    assert refusal(site.use()) == Reason.REVOKED


def test_a_wait_ends_when_something_has_changed(site: Site) -> None:
    use_id = site.started()
    first = site.anna.ask(site.url, "GET", f"/api/v1/runs/{use_id}").json()
    path = f"/api/v1/runs/{use_id}?unlike={first['tag']}&wait_s="
    same = site.anna.ask(site.url, "GET", f"{path}0.1").json()
    assert same["tag"] == first["tag"]
    site.linkoping.report(ReportKind.RUN, use_id=use_id, state="running")
    changed = site.anna.ask(site.url, "GET", f"{path}20").json()
    assert changed["state"] == "running"
    assert site.anna.ask(site.url, "GET", f"{path}x").status_code == 400


def test_a_wrong_tool_is_refused_and_says_where(site: Site) -> None:
    files = TOOL.to_json()
    del files["main.py"]
    reply = site.anna.ask(site.url, "POST", "/api/v1/tools", {"files": files})
    assert (reply.status_code, reply.json()["type"]) == (400, "urn:tessera:error:invalid-tool")
    assert "main.py" in reply.json()["detail"]
    large = {"files": {**TOOL.to_json(), "large.py": "eA==" * 1_100_000}}
    assert site.anna.ask(site.url, "POST", "/api/v1/tools", large).status_code == 413


def test_the_client_runs_a_tool_and_saves_what_is_released(site: Site, tmp_path: Path) -> None:
    from tessera.adapters.system_clock import SystemClock

    site.trial.clock.at = SystemClock().now()
    permit = permit_for(
        site.trial.clock.at, site.anna, nodes=(site.linkoping, site.valencia), tool=TOOL
    )
    site.trial.hub.permits.issue(permit)
    sha = site.trial.hub.permits.find(permit.permit_id).sha256
    site.linkoping.countersign(permit.permit_id, sha)
    secret, _ = site.trial.hub.accounts.sign_ins.new_token(site.anna.person, "now")
    with tessera.Client(site.url, token=secret) as client:
        assert client.add_tool(counting_tool("second")).name == "second"
        assert [tool.name for tool in client.tools()] == ["second", "counts"]
        assert client.tool(TOOL.digest) == TOOL
        held = client.permit(permit.permit_id)
        assert held.permit == permit and held.sha256 == token_sha256(held.token)
        assert client.permits()[0].permit.permit_id == permit.permit_id
        tool = permitted_tool(held, "counts")
        with pytest.raises(NotFound):
            permitted_tool(held, "second")
        with pytest.raises(NotFound):
            wanted_runs(held, tool, nodes=["uppsala"])
        with pytest.raises(NotFound):
            wanted_runs(held, tool, datasets=["lung"])
        first, second = wanted_runs(held, tool)
        run = client.run(held, first, site.anna.signer, arguments={"bins": 3})
        with pytest.raises(PermitRefused) as refused:
            client.run(held, second, site.anna.signer)
        assert refused.value.reason is Reason.NOT_COUNTERSIGNED
        for state in ("running", "in-airlock"):
            site.linkoping.report(ReportKind.RUN, use_id=run.use_id, state=state)
        site.linkoping.deliver(site.linkoping.part(run.use_id, RESULT))
        site.linkoping.report(ReportKind.RUN, use_id=run.use_id, state="released")
        run = client.run_of(run.use_id)
        assert run.state is RunState.RELEASED
        out = tmp_path / "out"
        out.mkdir()
        (out / "counts.json.part").write_bytes(RESULT[:5])
        (path,) = client.results(run, out)
        assert path.read_bytes() == RESULT
        path.write_bytes(b"changed by somebody")
        (path,) = client.results(run, out)
        assert json.loads(path.read_bytes()) == {"n_subjects": 30}
        (out / "counts.json.part").write_bytes(b"wrong")
        path.unlink()
        with pytest.raises(Conflict):
            client.results(run, out)
        assert client.results(run, out) == [path]
        assert client.runs(permit.permit_id).runs == (run,)
        assert client.stop(run.use_id).state is RunState.RELEASED
    with tessera.Client(site.url) as client, pytest.raises(NotSignedIn):
        client.permits()


def test_a_download_permit_needs_no_tool(site: Site) -> None:
    permit = permit_for(
        site.trial.clock.at,
        site.anna,
        nodes=(site.linkoping,),
        tool=TOOL,
        tools=(),
        modes=frozenset({AccessMode.DOWNLOAD}),
        outputs=frozenset[OutputKind](),
    )
    site.trial.hub.permits.issue(permit)
    (task,) = site.linkoping.take_up()
    assert task.body["tools"] == []
