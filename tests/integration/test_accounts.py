"""People at a real hub over real sockets: sessions, forms, tokens, keys, and attacks on each."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.people import Role
from tessera.domain.access.sign_in import SignInRefused
from tessera.wire.accounts import KeyProof
from tests.accounts_trial import PASSWORD, Browser, add_person, bearer, browser, register_key
from tests.hub_trial import TrialHub, served, trial_hub

ORIGIN = {"Origin": "https://evil.example.org"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TrialHub, str]]:
    with trial_hub(tmp_path_factory.mktemp("hub")) as trial, served(trial.hub) as url:
        yield trial, url


def rest(url: str, method: str, path: str, **more: object) -> httpx.Response:
    return httpx.request(method, f"{url}{path}", trust_env=False, **more)  # type: ignore[arg-type]


def audit_kinds(trial: TrialHub) -> list[str]:
    return [entry.event.event for entry in trial.hub.accounts.audit.entries()]


def test_a_session_begins_with_a_password_and_ends_on_the_server(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    add_person(trial.hub.accounts, "ada", "researcher")
    with browser(url) as opened:
        assert opened.get("/account").headers["location"] == "/sign-in?next=%2Faccount"
        assert opened.sign_in("ada", "wrong").status_code == 401
        done = opened.sign_in("ADA ", wished="/search?q=x")
        assert done.headers["location"] == "/search?q=x"
        cookie = next(c for c in done.headers.get_list("set-cookie") if "session=" in c)
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
        page = opened.get("/account")
        assert page.headers["cache-control"] == "no-store" and "Person ada" in page.text
        assert opened.get("/catalogue").headers["cache-control"] == "no-store"
        secret = opened.http.cookies["tessera_session"]
        kept = Path(trial.store._db.connection.execute("PRAGMA database_list").fetchone()[2])
        assert (
            secret.encode() not in kept.read_bytes() + kept.with_suffix(".sqlite-wal").read_bytes()
        )
        assert opened.post("/sign-out", "/account").status_code == 303
        stolen = rest(url, "GET", "/account", cookies={"tessera_session": secret})
        assert stolen.status_code == 401


def test_an_id_from_before_the_sign_in_is_worth_nothing_after_it(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    add_person(trial.hub.accounts, "fix")
    with browser(url) as opened:
        opened.http.cookies.set("tessera_session", "planted", domain="127.0.0.1", path="/")
        opened.sign_in("fix")
        first = opened.http.cookies["tessera_session"]
        assert first != "planted"
        opened.sign_in("fix")
        assert opened.http.cookies["tessera_session"] != first
        assert rest(url, "GET", "/account", cookies={"tessera_session": first}).status_code == 401


def test_a_session_runs_out_by_rest_and_by_age(world: tuple[TrialHub, str]) -> None:
    trial, url = world
    add_person(trial.hub.accounts, "old")
    begun = trial.clock.at
    try:
        with browser(url, "old") as opened:
            for _ in range(7):
                trial.clock.at += timedelta(minutes=100)
                assert opened.get("/account").status_code == 200
            trial.clock.at += timedelta(minutes=100)
            assert opened.get("/account").status_code == 303
        with browser(url, "old") as opened:
            trial.clock.at += timedelta(minutes=119)
            assert opened.get("/account").status_code == 200
            trial.clock.at += timedelta(minutes=121)
            assert opened.get("/account").status_code == 303
    finally:
        trial.clock.at = begun


def test_over_https_the_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial:
        add_person(trial.hub.accounts, "ada")
        object.__setattr__(trial.hub.accounts, "url", "https://hub.example.org")
        with served(trial.hub) as url:
            page = rest(url, "GET", "/sign-in")
            form = page.headers["set-cookie"]
            assert form.startswith("__Host-tessera_form=") and "Secure" in form
            value = form.partition("=")[2].partition(";")[0]
            token = re.search(r'name="form_token" value="(\w+)"', page.text)
            assert token is not None
            done = rest(
                url,
                "POST",
                "/sign-in",
                data={"form_token": token[1], "user": "ada", "password": PASSWORD},
                headers={
                    "Cookie": f"__Host-tessera_form={value}",
                    "Origin": "https://hub.example.org",
                },
            )
            session = next(c for c in done.headers.get_list("set-cookie") if "session=" in c)
            assert session.startswith("__Host-tessera_session=") and "Secure" in session


def test_a_form_of_another_site_changes_nothing(world: tuple[TrialHub, str]) -> None:
    trial, url = world
    eve, ida = add_person(trial.hub.accounts, "eve"), add_person(trial.hub.accounts, "ida")
    with browser(url, "ida") as opened, browser(url, "eve") as other:
        token = opened.form_token("/account")
        form = {"name": "x", "days": "7"}
        forged: list[tuple[dict[str, str], dict[str, str]]] = [
            (form, {}),
            ({**form, "form_token": ""}, {}),
            ({**form, "form_token": other.form_token("/account")}, {}),
            ({**form, "form_token": token}, ORIGIN),
            ({**form, "form_token": token}, {"Origin": "null"}),
            ({**form, "form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
            ({**form, "form_token": token}, {"Sec-Fetch-Site": "same-site"}),
        ]
        for data, headers in forged:
            done = opened.http.post("/account/tokens", data=data, headers=headers)
            assert done.status_code == 403, (data, headers)
        as_json = opened.http.post("/api/v1/account/keys/challenge", json={})
        assert as_json.status_code == 403
        with_header = opened.http.post(
            "/api/v1/account/keys/challenge", json={}, headers={"X-Form-Token": token}
        )
        assert with_header.status_code == 201
        assert opened.http.post("/sign-out", data={"form_token": "x"}).status_code == 403
        assert trial.store.accounts.tokens.of(ida.person_id) == []
        done = opened.http.post("/account/tokens", data={**form, "form_token": token})
        assert done.status_code == 200 and "tsr_" in done.text
        assert eve.person_id != ida.person_id


def test_nobody_is_signed_in_as_somebody_else_by_a_form_of_another_site(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    add_person(trial.hub.accounts, "mallory")
    with browser(url) as victim, browser(url) as attacker:
        form = {"user": "mallory", "password": PASSWORD}
        own = {"form_token": attacker.form_token("/sign-in")}
        assert victim.http.post("/sign-in", data=form).status_code == 403
        assert victim.http.post("/sign-in", data=form | own).status_code == 403
        mine = {"form_token": victim.form_token("/sign-in")}
        assert victim.http.post("/sign-in", data=form | own).status_code == 403
        assert victim.http.post("/sign-in", data=form | mine, headers=ORIGIN).status_code == 403
        assert "tessera_session" not in victim.http.cookies


@pytest.mark.parametrize("wished", ["https://evil.example.org", "//evil.example.org", "/\\evil"])
def test_a_sign_in_leads_to_no_other_site(world: tuple[TrialHub, str], wished: str) -> None:
    trial, url = world
    name = f"n{abs(hash(wished)) % 10**8}"
    add_person(trial.hub.accounts, name)
    with browser(url) as opened:
        page = opened.http.get("/sign-in", params={"next": wished}).text
        assert '<input type="hidden" name="next" value="">' in page
        assert opened.sign_in(name, wished=wished).headers["location"] == "/account"


def test_unknown_names_and_closed_accounts_are_told_apart_by_nothing(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    accounts = trial.hub.accounts
    add_person(accounts, "closed")
    accounts.disable(accounts.named("closed"))
    add_person(accounts, "known")
    answers = []
    for user, password in (("nobody", "x"), ("closed", PASSWORD), ("known", "x")):
        body = {"user": user, "password": password, "name": "x"}
        answers.append(rest(url, "POST", "/api/v1/sign-in", json=body))
    assert {a.status_code for a in answers} == {401}
    assert len({a.content for a in answers}) == 1
    whole = trial.hub.accounts.audit.entries()
    assert "nobody" not in "".join(map(repr, whole))


def test_a_name_that_is_unknown_takes_as_long_as_one_that_is_known(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial:
        accounts = trial.hub.accounts
        add_person(accounts, "known")
        took: dict[str, float] = {}
        for user in ("first", "known", "nobody"):
            begun = time.perf_counter()
            for address in ("a", "b", "c"):
                with pytest.raises(SignInRefused):
                    accounts.sign_ins.by_password(user, "a wrong password", address)
            took[user] = time.perf_counter() - begun
        # Without the work of a hash, the second would be a thousandth of the first.
        assert 0.2 < took["nobody"] / took["known"] < 5


def test_a_password_hashed_with_older_parameters_is_hashed_anew(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial:
        accounts = trial.hub.accounts
        person = add_person(accounts, "ada")
        weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
        people = trial.store.accounts.people
        people.change(replace(accounts.named("ada"), password_hash=weak))
        assert accounts.sign_ins.by_password("ada", PASSWORD, "a") == person
        stronger = accounts.named("ada").password_hash
        assert stronger.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert accounts.sign_ins.by_password("ada", PASSWORD, "a") == person
        assert accounts.named("ada").password_hash == stronger


def test_guessing_is_answered_with_a_wait(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url, browser(url) as opened:
        add_person(trial.hub.accounts, "ada")
        for _ in range(5):
            assert opened.sign_in("ada", "wrong").status_code == 401
        refused = opened.sign_in("ada", PASSWORD)
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
        assert "too many attempts" in refused.text
        trial.clock.pass_s(2)
        assert opened.sign_in("ada", PASSWORD).status_code == 303


def test_a_token_is_enough_for_a_program_and_ends_when_it_is_revoked(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    person = add_person(trial.hub.accounts, "tom", "researcher")
    header = bearer(trial.hub.accounts, person)
    found = rest(url, "GET", "/api/v1/account", headers=header)
    assert found.headers["cache-control"] == "no-store"
    assert found.json()["person"]["roles"] == ["researcher"]
    assert rest(url, "GET", "/account", headers=header).status_code == 200
    # No form token is needed: no other site can make a browser send this header.
    token_id = found.json()["token"]["token_id"]
    path = f"/api/v1/account/tokens/{token_id}"
    other = bearer(trial.hub.accounts, add_person(trial.hub.accounts, "tim"))
    assert rest(url, "DELETE", path, headers=other).status_code == 404
    with browser(url, "tim") as opened:
        both = opened.http.get("/api/v1/account", headers=header)
        assert both.json()["person"]["name"] == "Person tom"
        wrong = opened.http.get("/account", headers={"Authorization": "Bearer tsr_wrong"})
        assert wrong.status_code == 401
        assert wrong.headers["www-authenticate"].startswith("Bearer")
    assert rest(url, "DELETE", path, headers=header).status_code == 200
    refused = rest(url, "GET", "/api/v1/account", headers=header)
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:tessera:error:not-signed-in"
    late = bearer(trial.hub.accounts, person)
    begun = trial.clock.at
    trial.clock.at += timedelta(days=90)
    assert rest(url, "GET", "/api/v1/account", headers=late).status_code == 401
    trial.clock.at = begun


def test_a_closed_account_is_out_at_once_and_a_new_password_ends_everything(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    accounts = trial.hub.accounts
    person = add_person(accounts, "cia", "committee")
    header = bearer(accounts, person)
    with browser(url, "cia") as opened, browser(url, "cia") as other:
        new = {"password": "another long sentence", "again": "another long sentence"}
        page = "/account"
        assert opened.post("/account/password", page, old="wrong", **new).status_code == 400
        weak = {"password": "short", "again": "short"}
        assert opened.post("/account/password", page, old=PASSWORD, **weak).status_code == 400
        differ = {**new, "again": "something else here"}
        assert opened.post("/account/password", page, old=PASSWORD, **differ).status_code == 400
        assert opened.post("/account/password", page, old=PASSWORD, **new).status_code == 200
        assert opened.get("/account").status_code == 200
        assert other.get("/account").status_code == 303
        assert rest(url, "GET", "/api/v1/account", headers=header).status_code == 401
        header = bearer(accounts, person)
        assert accounts.people_with(Role.COMMITTEE)[-1].person_id == person.person_id
        accounts.disable(accounts.named("cia"))
        assert opened.get("/account").status_code == 303
        assert rest(url, "GET", "/api/v1/account", headers=header).status_code == 401
        assert person not in accounts.people_with(Role.COMMITTEE)
        accounts.enable(accounts.named("cia"))
        assert opened.get("/account").status_code == 303


def test_an_invited_person_chooses_a_password_once(world: tuple[TrialHub, str]) -> None:
    trial, url = world
    accounts = trial.hub.accounts
    account = accounts.add(name="Ivar", user="ivar", organisation="U")
    old, link = accounts.invite(account), accounts.invite(account)
    path = link.removeprefix(accounts.url)
    with browser(url) as opened:
        assert opened.sign_in("ivar", "").status_code == 401
        assert opened.get(old.removeprefix(accounts.url)).status_code == 410
        assert "ivar" in opened.get(path).text
        code = path.partition("code=")[2]
        form = {"code": code, "password": "password1234", "again": "password1234"}
        assert opened.post("/account/set-password", path, **form).status_code == 400
        form |= {"password": PASSWORD, "again": PASSWORD}
        assert opened.http.post("/account/set-password", data=form).status_code == 403
        done = opened.post("/account/set-password", path, **form)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert opened.get("/account").status_code == 200
        assert opened.get(path).status_code == 410
    late = accounts.invite(account).removeprefix(accounts.url)
    begun = trial.clock.at
    trial.clock.at += timedelta(days=7)
    assert rest(url, "GET", late).status_code == 410
    trial.clock.at = begun


def test_a_key_is_registered_by_who_holds_it_and_nobody_else(
    world: tuple[TrialHub, str], tmp_path: Path
) -> None:
    trial, url = world
    accounts = trial.hub.accounts
    kim, leo = add_person(accounts, "kim"), add_person(accounts, "leo")
    signer = Ed25519Signer.create(tmp_path / "kim.key")
    other = Ed25519Signer.create(tmp_path / "leo.key")
    header = bearer(accounts, kim)

    def challenge(whose: dict[str, str]) -> str:
        found = rest(url, "POST", "/api/v1/account/keys/challenge", headers=whose, json={})
        return str(found.json()["challenge"])

    def proof(**change: str) -> KeyProof:
        good = {
            "hub": trial.fingerprint,
            "person_id": kim.person_id,
            "challenge": challenge(header),
            "label": "laptop",
        }
        return KeyProof(**{**good, **change}, public_key=signer.public_key)

    def add(token: str) -> int:
        body = {"proof": token}
        return rest(url, "POST", "/api/v1/account/keys", headers=header, json=body).status_code

    assert add(other.sign(proof().payload())) == 403
    assert add(signer.sign(proof(hub="another").payload())) == 403
    assert add(signer.sign(proof(person_id=leo.person_id).payload())) == 403
    assert add(signer.sign(proof(challenge="made up").payload())) == 403
    leos = bearer(accounts, leo)
    assert add(signer.sign(proof(challenge=challenge(leos)).payload())) == 403
    assert add("not a token") == 403
    stale = proof()
    trial.clock.pass_s(301)
    assert add(signer.sign(stale.payload())) == 403
    assert accounts.keys(kim.person_id) == ()
    told: list[str] = []
    accounts.on_key.append(told.append)
    good = signer.sign(proof().payload())
    assert add(good) == 201
    assert add(good) == 403
    accounts.on_key.remove(told.append)
    assert told == [kim.person_id]
    assert accounts.keys(kim.person_id) == (signer.public_key.x,)
    with pytest.raises(Exception, match="known already"):
        register_key(accounts, leo, signer)
    with browser(url, "kim") as opened:
        fingerprint = signer.public_key.fingerprint
        assert fingerprint in opened.get("/account").text
        with browser(url, "leo") as stranger:
            done = stranger.post("/account/keys/revoke", "/account", key=fingerprint)
            assert done.status_code == 404
        assert opened.post("/account/keys/revoke", "/account", key=fingerprint).status_code == 303
    assert accounts.keys(kim.person_id) == ()
    with pytest.raises(Exception, match="known already"):
        register_key(accounts, kim, signer)
    begun = trial.clock.at
    trial.clock.pass_s(16 * 60)
    old = rest(url, "POST", "/api/v1/account/keys/challenge", headers=header, json={})
    assert old.json()["type"] == "urn:tessera:error:sign-in-again"
    trial.clock.at = begun
    assert {"person-key-added", "person-key-revoked"} <= set(audit_kinds(trial))


def test_one_s_own_sessions_are_ended_and_nobody_else_s(world: tuple[TrialHub, str]) -> None:
    trial, url = world
    for name in ("sam", "sue"):
        add_person(trial.hub.accounts, name)
    with browser(url, "sam") as one, browser(url, "sam") as two, browser(url, "sue") as sue:
        other = re.findall(r'name="session" value="(\w+)"', one.get("/account").text)
        assert len(other) == 1
        page = "/account"
        done = sue.post("/account/sessions/end", page, session=other[0])
        assert done.status_code == 404 and two.get("/account").status_code == 200
        assert one.post("/account/sessions/end", page, session=other[0]).status_code == 303
        assert two.get("/account").status_code == 303 and one.get("/account").status_code == 200


def test_the_account_page_says_in_swedish_what_a_person_may_do(
    world: tuple[TrialHub, str],
) -> None:
    trial, url = world
    add_person(trial.hub.accounts, "ulla", "researcher", "committee")
    with browser(url, "ulla") as opened:
        page = opened.get("/account?lang=sv").text
        assert "Forskare" in page and "Åtkomstkommitté" in page and "tessera login" in page
        assert "Logga ut" in opened.get("/").text


def test_no_password_token_or_key_is_in_the_log_of_audits(world: tuple[TrialHub, str]) -> None:
    trial, _ = world
    written = "".join(map(repr, trial.hub.accounts.audit.entries()))
    for secret in (PASSWORD, "tsr_", "@example.org", "Person "):
        assert secret not in written


def test_a_browser_knows_no_form_without_a_field(world: tuple[TrialHub, str]) -> None:
    """Every form that posts carries the token; a form that forgets it would never work."""
    _, url = world
    with browser(url) as opened:
        assert isinstance(opened, Browser)
        for page in ("/", "/sign-in"):
            text = opened.get(page).text
            posts = re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL)
            assert all('name="form_token"' in form for form in posts)
