"""What somebody with an account, or with none, tries at a hub over HTTP."""

import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import httpx
import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.application import ApplicationMoved
from tessera.domain.access.people import Grant, Role
from tessera.domain.access.sign_in import LinkOver
from tessera.domain.errors import InvalidInput
from tessera.wire.accounts import KeyProof
from tessera.wire.applications import Rewrite
from tessera.wire.keys import PublicKey
from tests.access_trial import Researcher
from tests.accounts_trial import PASSWORD, Browser, add_person, bearer
from tests.application_trial import ApplicationTrial, application_trial, signed_in, whole
from tests.hub_trial import TrialHub, served, trial_hub

SCRIPT = "<script>alert(1)</script>"
MANIFEST = 'name = "t"\nversion = "1"\ntitle = "T"\n[entries]\nrun = "main.py"\n'


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TrialHub, str]]:
    folder = tmp_path_factory.mktemp("attacked")
    with trial_hub(folder / "hub") as trial, served(trial.hub) as url:
        yield trial, url


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApplicationTrial]:
    with application_trial(tmp_path) as opened:
        yield opened


def ask(url: str, method: str, path: str, **more: object) -> httpx.Response:
    return httpx.request(method, f"{url}{path}", trust_env=False, timeout=120, **more)  # type: ignore[arg-type]


def test_a_token_makes_no_other_token(hub: tuple[TrialHub, str]) -> None:
    trial, url = hub
    ruth = add_person(trial.hub.accounts, "ruth", "researcher")
    stolen = bearer(trial.hub.accounts, ruth)
    page = ask(url, "POST", "/account/tokens", headers=stolen, data={"name": "mine", "days": "90"})
    assert page.status_code == 403, page.text
    assert len(trial.store.accounts.tokens.of(ruth.person_id)) == 1


def test_a_link_to_set_a_password_is_over_when_a_password_was_set(
    hub: tuple[TrialHub, str],
) -> None:
    trial, _ = hub
    accounts = trial.hub.accounts
    lena = add_person(accounts, "lena", "researcher")
    code = accounts.invite(accounts.named("lena")).partition("code=")[2]
    accounts.set_password(lena.person_id, "seven loud doors on a hill")
    with pytest.raises(LinkOver):
        accounts.accept(code, "the thief's own long words")


def test_a_link_to_set_a_password_does_not_outlive_a_closed_account(
    hub: tuple[TrialHub, str],
) -> None:
    trial, _ = hub
    accounts = trial.hub.accounts
    add_person(accounts, "closed", "researcher")
    code = accounts.invite(accounts.named("closed")).partition("code=")[2]
    accounts.disable(accounts.named("closed"))
    accounts.enable(accounts.named("closed"))
    with pytest.raises(LinkOver):
        accounts.accept(code, "the thief's own long words")


def test_a_form_in_a_strange_encoding_is_refused_and_breaks_nothing(
    hub: tuple[TrialHub, str],
) -> None:
    trial, url = hub
    add_person(trial.hub.accounts, "codec", "researcher")
    with httpx.Client(base_url=url, trust_env=False) as web:
        browser = Browser(url)
        token = browser.form_token("/sign-in")
        cookie = "; ".join(f"{k}={v}" for k, v in browser.http.cookies.items())
        for charset in ("utf-7", "unicode_escape", "punycode"):
            parts = {"form_token": token, "user": "codec", "password": r"+2AA- \ud800", "next": ""}
            body = "".join(
                f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
                for k, v in parts.items()
            )
            kind = f"multipart/form-data; boundary=x; charset={charset}"
            done = web.post(
                "/sign-in",
                content=f"{body}--x--\r\n",
                headers={"Content-Type": kind, "Cookie": cookie},
            )
            assert 400 <= done.status_code < 500, (charset, done.status_code)
        browser.http.close()


def test_a_form_of_nothing_but_separators_holds_nobody_up(hub: tuple[TrialHub, str]) -> None:
    _, url = hub
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    begun = time.process_time()  # the hub is a thread here
    done = ask(url, "POST", "/sign-in", content=b"&" * 999_000, headers=kind)
    assert time.process_time() - begun < 0.3
    assert done.status_code in (400, 403, 413), done.text


@pytest.mark.parametrize(
    "manifest",
    [
        "a=" + "[" * 5000,
        "a=" + "9" * 5000,
        "a." * 20_000 + "b=1",
        "a" * 900_000 + "=1",
        'name="t"\nversion="1"\ntitle="T"\nentries={run=["main.py"]}',
        'name="t"\nversion="1"\ntitle="T"\nentries={run="main.py"}\noutputs={"a.json"=["x"]}',
        'name="t"\nversion="1"\ntitle="T"\nentries={run="main.py"}\noutputs={"a.json"={}}',
        'name="t"\nversion="1"\ntitle="T"\nentries={run="main.py"}\nlimits={seconds=[]}',
        'name=["t"]\nversion={}\ntitle=1\nentries=2',
    ],
)
def test_a_hostile_tool_file_is_refused_at_once(hub: tuple[TrialHub, str], manifest: str) -> None:
    trial, url = hub
    person = trial.store.accounts.people.find_by_name("tooler")
    by = person.person() if person else add_person(trial.hub.accounts, "tooler", "researcher")
    files = {
        "tool.toml": b64encode(manifest.encode()).decode(),
        "main.py": b64encode(b"1").decode(),
    }
    begun = time.process_time()
    done = ask(
        url,
        "POST",
        "/api/v1/tools",
        json={"files": files},
        headers=bearer(trial.hub.accounts, by),
    )
    assert done.status_code == 400, (done.status_code, done.text[:300])
    assert len(done.text) < 5_000
    assert time.process_time() - begun < 2


def test_who_is_no_researcher_brings_no_tool(hub: tuple[TrialHub, str]) -> None:
    trial, url = hub
    nobody = add_person(trial.hub.accounts, "guest")
    files = {
        "tool.toml": b64encode(MANIFEST.encode()).decode(),
        "main.py": b64encode(b"1").decode(),
    }
    done = ask(
        url,
        "POST",
        "/api/v1/tools",
        json={"files": files},
        headers=bearer(trial.hub.accounts, nobody),
    )
    assert done.status_code == 403


def test_nobody_fills_the_disk_with_tools(hub: tuple[TrialHub, str]) -> None:
    trial, url = hub
    keen = add_person(trial.hub.accounts, "keen", "researcher")
    headers = bearer(trial.hub.accounts, keen)
    with httpx.Client(base_url=url, trust_env=False, headers=headers) as web:
        for n in range(400):
            files = {
                "tool.toml": b64encode(MANIFEST.encode()).decode(),
                "main.py": b64encode(str(n).encode()).decode(),
            }
            done = web.post("/api/v1/tools", json={"files": files})
            if done.status_code != 201:
                break
    assert done.status_code in (409, 429), done.text
    assert done.json()["type"] == "urn:tessera:error:conflict"
    # The same tool again is no new one.
    first = {
        "tool.toml": b64encode(MANIFEST.encode()).decode(),
        "main.py": b64encode(b"0").decode(),
    }
    again = ask(url, "POST", "/api/v1/tools", json={"files": first}, headers=headers)
    assert again.status_code == 201, again.text


def test_a_key_with_which_everybody_can_sign_is_no_key(hub: tuple[TrialHub, str]) -> None:
    """Points of small order: a signature that needs no private key verifies under them."""
    p = 2**255 - 19
    for number in (0, 1, p - 1, p, p + 1):
        for sign in (0, 1 << 255):
            raw = (number | sign).to_bytes(32, "little")
            with pytest.raises(InvalidInput):
                PublicKey(urlsafe_b64encode(raw).decode().rstrip("="))


def test_a_use_is_no_proof_and_a_proof_is_no_use(hub: tuple[TrialHub, str], tmp_path: Path) -> None:
    trial, url = hub
    rolf = Researcher.at(trial, tmp_path, "rolf")
    told = rolf.ask(url, "POST", "/api/v1/account/keys/challenge").json()
    proof = KeyProof(
        hub=told["hub"],
        person_id=rolf.person.person_id,
        challenge=told["challenge"],
        public_key=rolf.signer.public_key,
        label="x",
    )
    handed_in = rolf.ask(
        url, "POST", "/api/v1/uses", {"token": rolf.signer.sign(proof.payload()), "inputs": {}}
    )
    assert handed_in.status_code in (400, 403), handed_in.text
    as_message = ask(
        url, "POST", "/link/v1/report", content=rolf.signer.sign(proof.payload()).encode()
    )
    assert as_message.status_code == 403
    none = json.loads(proof.payload()) | {"typ": "tessera-use"}
    other = Ed25519Signer.create(tmp_path / "other.key")
    for payload, signer in ((none, rolf.signer), (json.loads(proof.payload()), other)):
        token = signer.sign(json.dumps(payload).encode())
        refused = rolf.ask(url, "POST", "/api/v1/account/keys", {"proof": token})
        assert refused.status_code in (400, 403), refused.text


def test_one_person_s_challenges_push_out_nobody_else_s(
    hub: tuple[TrialHub, str], tmp_path: Path
) -> None:
    trial, _ = hub
    accounts = trial.hub.accounts
    kim, eve = (Researcher.at(trial, tmp_path, name) for name in ("kim", "eve"))
    by_kim = accounts.sign_ins.by_token(kim.token)
    by_eve = accounts.sign_ins.by_token(eve.token)
    assert by_kim and by_eve
    text = accounts.person_keys.challenge(by_kim)
    for _ in range(1100):
        accounts.person_keys.challenge(by_eve)
    new = Ed25519Signer.create(tmp_path / "new.key")
    proof = KeyProof(
        hub=accounts.person_keys.hub_key,
        person_id=kim.person.person_id,
        challenge=text,
        public_key=new.public_key,
        label="x",
    )
    assert accounts.person_keys.add(kim.person, new.sign(proof.payload()))


def test_a_rush_of_passwords_does_not_keep_others_out(hub: tuple[TrialHub, str]) -> None:
    """Hashing takes its turns in threads of its own; a session is looked up meanwhile."""
    trial, url = hub
    calm = bearer(trial.hub.accounts, add_person(trial.hub.accounts, "calm", "researcher"))

    def guess(n: int) -> int:
        body = {"user": f"nobody{n}", "password": PASSWORD, "name": "x"}
        return ask(url, "POST", "/api/v1/sign-in", json=body).status_code

    # From many addresses in life; here the limit of one address is taken away.
    trial.hub.accounts.sign_ins.limits._free["address"] = 10_000
    with ThreadPoolExecutor(60) as pool:
        guesses = [pool.submit(guess, n) for n in range(60)]
        time.sleep(1)
        waits_s = []
        for _ in range(3):
            begun = time.perf_counter()
            assert ask(url, "GET", "/api/v1/account", headers=calm).status_code == 200
            waits_s.append(time.perf_counter() - begun)
        assert sum(not one.done() for one in guesses) > 10
        assert {one.result() for one in guesses} <= {401, 429}
    assert min(waits_s) < 3, waits_s


@pytest.mark.parametrize(
    "body",
    [
        {"datasets": [{"node_id": "linkoping", "dataset_id": "prostate-mr", "version": 10**30}]},
        {"months": 10**400},
        {"application_id": "../../x"},
        {"application_id": "new"},
        {"application_id": "A" * 100_000},
        {"application_id": str(uuid4()).upper()},
        {"applicant": "x"},
        {"stage": "concluded"},
        {"answers": {"title": {"a": 1}}},
        {"members": [str(n) for n in range(100_000)]},
    ],
)
def test_a_draft_of_nonsense_is_refused(world: ApplicationTrial, body: dict[str, object]) -> None:
    headers = bearer(world.trial.hub.accounts, world.people["anna"])
    with served(world.trial.hub) as url:
        done = ask(url, "POST", "/api/v1/applications", json=body, headers=headers)
        assert done.status_code == 400, (done.status_code, done.text[:200])


def test_who_lost_a_role_reads_nothing_by_repeating_an_old_step(world: ApplicationTrial) -> None:
    accounts = world.trial.hub.accounts
    state = world.deciding()
    command_id = str(uuid4())
    headers = bearer(accounts, world.people["vera"])
    with served(world.trial.hub) as url:
        path = f"/api/v1/applications/{state.application_id}"
        step = {"type": "ask", "text": "Why?", "node_id": "valencia", "command_id": command_id}
        assert ask(url, "POST", f"{path}/commands", json=step, headers=headers).status_code == 200
        accounts.withdraw(accounts.named("vera"), Grant.parse("holder@valencia"))
        assert ask(url, "GET", path, headers=headers).status_code == 404
        again = {"application_id": state.application_id, "command_id": command_id}
        draft = ask(url, "POST", "/api/v1/applications", json=again, headers=headers)
        assert draft.status_code in (404, 409), draft.text[:200]
        assert "summary" not in draft.text


def test_two_edits_of_what_was_seen_do_not_overwrite_each_other(world: ApplicationTrial) -> None:
    negotiating, anna = world.trial.hub.negotiating, world.people["anna"]
    for _ in range(5):
        state = negotiating.draft(anna, whole())
        gate = Barrier(6)

        def edit(months: int, state: object = state, gate: Barrier = gate) -> bool:
            gate.wait()
            try:
                negotiating.step(
                    anna,
                    state.application_id,  # type: ignore[attr-defined]
                    Rewrite(whole(months=months)),
                    expected=state.number,  # type: ignore[attr-defined]
                )
            except ApplicationMoved:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(edit, range(1, 7))) == 1


def test_nobody_fills_the_disk_with_applications(world: ApplicationTrial) -> None:
    negotiating, anna = world.trial.hub.negotiating, world.people["anna"]
    with pytest.raises(Exception, match="at most") as told:
        for _ in range(500):
            negotiating.draft(anna, whole())
    assert getattr(told.value, "code", "") == "command-refused"
    assert negotiating.draft(world.people["mia"], whole())


def test_nobody_fills_the_disk_with_edits(world: ApplicationTrial) -> None:
    negotiating, anna = world.trial.hub.negotiating, world.people["anna"]
    state = negotiating.draft(anna, whole())
    with pytest.raises(Exception, match="times") as told:
        for n in range(2000):
            negotiating.step(anna, state.application_id, Rewrite(whole(months=1 + n % 9)))
    assert getattr(told.value, "code", "") == "command-refused"


def test_no_free_text_of_anybody_is_run_by_a_browser(world: ApplicationTrial) -> None:
    accounts = world.trial.hub.accounts
    accounts.add(
        name=f"Evil {SCRIPT}",
        user="evil",
        organisation=SCRIPT,
        grants=frozenset({Grant(Role.RESEARCHER)}),
    )
    evil = accounts.named("evil").person()
    words = {
        k: (SCRIPT,) if v == ("Free text that stays in the application.",) else v
        for k, v in whole().answers.items()
    }
    with served(world.trial.hub) as url:
        headers = bearer(accounts, evil)
        state = world.trial.hub.negotiating.draft(evil, whole(answers=words))
        path = f"/api/v1/applications/{state.application_id}/commands"
        assert ask(url, "POST", path, json={"type": "submit"}, headers=headers).status_code == 200
        carl, hedda = (bearer(accounts, world.people[n]) for n in ("carl", "hedda"))
        question = {"type": "ask", "text": SCRIPT}
        assert ask(url, "POST", path, json=question, headers=carl).status_code == 200
        answer = {"type": "answer", "text": SCRIPT}
        assert ask(url, "POST", path, json=answer, headers=headers).status_code == 200
        assert ask(url, "POST", path, json={"type": "accept"}, headers=carl).status_code == 200
        one = {"node_id": "linkoping", "dataset_id": "prostate-mr"}
        grant = {"type": "grant", "conditions": SCRIPT, **one}
        assert ask(url, "POST", path, json=grant, headers=hedda).status_code == 200
        accounts.sign_ins.new_token(evil, SCRIPT)
        for user in ("evil", "carl", "hedda"):
            with signed_in(world.trial, url, user) as web:
                for page in (
                    "/applications",
                    "/work",
                    "/account",
                    f"/applications/{state.application_id}",
                    f"/applications/{state.application_id}?edit=1",
                ):
                    shown = web.get(page)
                    assert shown.status_code == 200, (user, page)
                    assert "<script>alert" not in shown.text, (user, page)
                    assert shown.headers["cache-control"] == "no-store"
                    assert "default-src 'self'" in shown.headers["content-security-policy"]


def test_a_holder_of_one_node_does_nothing_for_another(world: ApplicationTrial) -> None:
    accounts = world.trial.hub.accounts
    state = world.deciding()
    path = f"/api/v1/applications/{state.application_id}/commands"
    one = {"node_id": "valencia", "dataset_id": "prostate-mr"}
    steps = [
        {"type": "grant", **one},
        {"type": "refuse", "reason": "no", **one},
        {"type": "ask", "text": "x", "node_id": "valencia"},
        {"type": "conclude"},
        {"type": "accept"},
        {"type": "decline", "reason": "x"},
        {"type": "withdraw"},
        {"type": "answer", "text": "x", "node_id": "valencia"},
        {"type": "edit", "contents": {}},
        {"type": "submit"},
        # As somebody else, by what the body says.
        {"type": "grant", "by": world.people["vera"].person_id, "acting": "holder", **one},
    ]
    with served(world.trial.hub) as url:
        for who in ("hedda", "olle", "henrik"):
            headers = bearer(accounts, world.people[who])
            for step in steps:
                done = ask(url, "POST", path, json=step, headers=headers)
                assert done.status_code in (400, 404, 409), (who, step, done.text[:200])
        assert world.trial.hub.negotiating.book.find(state.application_id) == state


def test_an_unforeseen_error_says_nothing_and_keeps_the_headers(
    hub: tuple[TrialHub, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, url = hub
    bad = bearer(trial.hub.accounts, add_person(trial.hub.accounts, "unlucky", "researcher"))
    kept = trial.store.tools._db.connection
    broken = f"{SCRIPT} /secret/path"

    class Broken:
        def execute(self, *_: object) -> None:
            raise RuntimeError(broken)

    # Reading who it is goes through the same connection: only the tool's own is broken.
    from tessera.adapters.sqlite_hub.tools import SqliteTools

    monkeypatch.setattr(SqliteTools, "all", lambda self: Broken().execute())
    assert kept is trial.store.tools._db.connection
    for accept in ("text/html", "application/json"):
        path = "/tools" if accept == "text/html" else "/api/v1/tools"
        done = ask(url, "GET", path, headers={**bad, "Accept": accept})
        assert done.status_code == 500
        assert "secret" not in done.text
        assert "script>alert" not in done.text
        assert "default-src 'self'" in done.headers["content-security-policy"], accept
        assert done.headers["x-frame-options"] == "DENY"
        assert done.headers["cache-control"] == "no-store"


def test_the_one_who_ended_a_permit_is_on_record(world: ApplicationTrial) -> None:
    """See also `test_access_attacks_runs.py`; here only that reasons need a person's role."""
    headers = bearer(world.trial.hub.accounts, world.people["hedda"])
    with served(world.trial.hub) as url:
        done = ask(
            url, "POST", f"/api/v1/permits/{uuid4()}/revoke", json={"reason": "x"}, headers=headers
        )
        assert done.status_code == 403
