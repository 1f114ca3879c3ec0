"""Signing in with a real OpenID Connect provider, and every way to cheat at it."""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from tessera.adapters.oidc.id_token import checked_claims, public_keys
from tessera.adapters.oidc.provider import OidcProvider
from tessera.adapters.system_clock import SystemClock
from tessera.domain.access.people import Grant
from tessera.domain.access.sign_in import SignInRefused
from tessera.domain.errors import InvalidSettings
from tests.accounts_trial import Browser, browser
from tests.hub_trial import TrialHub, served, trial_hub
from tests.oidc_trial import provider

SECRETS = {"hub": "known to the hub and the provider", "hub-post": "another", "hub-public": ""}
NOW = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)


@dataclass
class World:
    trial: TrialHub
    url: str
    issuer: str


@contextmanager
def world(folder: Path, client: str = "hub", roles: str = "") -> Iterator[World]:
    """A hub and a provider that know each other."""
    with trial_hub(folder / "hub") as trial:
        trial.clock.at = datetime.now(UTC)
        with served(trial.hub) as url:
            back = f"{url}/sign-in/provider/answer"
            with provider(back, folder / "provider.log") as issuer:
                found = OidcProvider(
                    issuer=issuer,
                    client_id=client,
                    client_secret=SECRETS[client],
                    name="Life Science Login",
                    clock=SystemClock(),
                )
                accounts = trial.hub.accounts
                # The hub's port is known only now.
                object.__setattr__(accounts, "url", url)
                object.__setattr__(accounts, "provider", found)
                grants = frozenset(map(Grant.parse, roles.split()))
                object.__setattr__(accounts, "default_grants", grants)
                yield World(trial, url, issuer)


def at_provider(address: str, person: str) -> str:
    """Sign in there as a person does in a browser; return where it sends the browser back."""
    with httpx.Client(trust_env=False) as web:
        page = web.get(address)
        for _ in range(12):
            if page.is_redirect:
                target = urljoin(str(page.url), page.headers["location"])
                if "/sign-in/provider/answer" in target:
                    return target
                page = web.get(target)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
            assert action, page.text
            names = re.findall(r'name="(prompt)" value="(\w+)"', page.text)
            form = {**dict(names), "login": person, "password": "x"}
            page = web.post(urljoin(str(page.url), action[1]), data=form)
    raise AssertionError("the provider did not send the browser back")


def begun(opened: Browser, wished: str = "") -> str:
    away = opened.get(f"/sign-in/provider?{urlencode({'next': wished})}")
    assert away.status_code == 303, away.text
    return away.headers["location"]


@pytest.mark.parametrize("client", ["hub", "hub-post", "hub-public"])
def test_a_person_signs_in_and_comes_back_to_the_page_that_was_wished(
    tmp_path: Path, client: str
) -> None:
    with world(tmp_path, client) as w, browser(w.url) as opened:
        assert "Life Science Login" in opened.get("/sign-in").text
        address = begun(opened, "/account?x=1")
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        done = opened.get(at_provider(address, "sub-anna"))
        assert (done.status_code, done.headers["location"]) == (303, "/account?x=1")
        page = opened.get("/account").text
        assert "Anna Ek" in page and "anna@example.org" in page
        assert "You have no role here yet" in page
        (account,) = w.trial.hub.accounts.all()
        assert account.grants == frozenset() and account.password_hash == ""
        opened.post("/sign-out", "/account")
        assert opened.get(at_provider(begun(opened), "sub-anna")).status_code == 303
        assert len(w.trial.hub.accounts.all()) == 1


def test_an_account_is_never_found_by_its_e_mail_address(tmp_path: Path) -> None:
    with world(tmp_path, roles="researcher") as w, browser(w.url) as opened:
        w.trial.hub.accounts.add(
            name="Anna Ek", user="anna", organisation="U", email="anna@example.org"
        )
        opened.get(at_provider(begun(opened), "sub-eve"))
        page = opened.get("/account").text
        assert "Eve" in page and "anna@example.org" not in page
        eve, local = sorted(w.trial.hub.accounts.all(), key=lambda a: a.user_name)
        assert local.person_id != eve.person_id
        assert eve.grants == frozenset({Grant.parse("researcher")})
        w.trial.hub.accounts.disable(eve)
        assert opened.get("/account").status_code == 303
        refused = opened.get(at_provider(begun(opened), "sub-eve"))
        assert refused.status_code == 401


def test_an_answer_serves_once_in_the_browser_that_began(tmp_path: Path) -> None:
    with world(tmp_path) as w, browser(w.url) as opened, browser(w.url) as other:
        answer = at_provider(begun(opened), "sub-anna")
        # Another browser: one that began nothing, and one that began its own sign-in.
        assert other.get(answer).status_code == 401
        begun(other)
        assert other.get(answer).status_code == 401
        assert other.get("/account").status_code == 303
        for change in ({"state": "x"}, {"iss": "https://other.example.org"}, {"iss": ""}):
            begun_again = at_provider(begun(opened), "sub-anna")
            parts = urlsplit(begun_again)
            query = {k: v[0] for k, v in parse_qs(parts.query).items()} | change
            altered = parts._replace(query=urlencode(query)).geturl()
            assert opened.get(altered).status_code == 401, change
        answer = at_provider(begun(opened), "sub-anna")
        assert opened.get(f"{answer}&state=x").status_code == 401
        answer = at_provider(begun(opened), "sub-anna")
        assert opened.get(answer).status_code == 303
        assert opened.get(answer).status_code == 401


def test_the_provider_s_no_and_its_silence_are_told_on_the_page(tmp_path: Path) -> None:
    with world(tmp_path) as w, browser(w.url) as opened:
        state = parse_qs(urlsplit(begun(opened)).query)["state"][0]
        said = urlencode({"state": state, "iss": w.issuer, "error": "access_denied"})
        refused = opened.get(f"/sign-in/provider/answer?{said}")
        assert refused.status_code == 401 and "not completed" in refused.text
        gone = OidcProvider(
            issuer="http://127.0.0.1:9",
            client_id="hub",
            client_secret="",
            name="Gone",
            clock=SystemClock(),
        )
        object.__setattr__(w.trial.hub.accounts, "provider", gone)
        silent = opened.get("/sign-in/provider")
        assert silent.status_code == 503 and "does not answer" in silent.text


def test_a_provider_without_https_or_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="https"):
        OidcProvider(
            issuer="http://login.example.org",
            client_id="hub",
            client_secret="",
            name="",
            clock=SystemClock(),
        )
    with world(tmp_path) as w, browser(w.url) as opened:
        # The same server under another name: what it says of itself is of another issuer.
        named = OidcProvider(
            issuer=w.issuer.replace("127.0.0.1", "localhost"),
            client_id="hub",
            client_secret="",
            name="",
            clock=SystemClock(),
        )
        object.__setattr__(w.trial.hub.accounts, "provider", named)
        assert opened.get("/sign-in/provider").status_code == 503


RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})
KEYS = public_keys(KeySet([RSA, EC, ED]).as_dict(private=False))
GOOD = {
    "iss": "https://login.example.org",
    "aud": "hub",
    "sub": "anna",
    "nonce": "n-1",
    "iat": int(NOW.timestamp()) - 5,
    "exp": int(NOW.timestamp()) + 300,
}


def checked(token: str) -> Any:
    return checked_claims(
        token,
        KEYS,
        issuer="https://login.example.org",
        client_id="hub",
        nonce="n-1",
        now=NOW,
    )


def signed(claims: dict[str, Any], alg: str = "RS256", key: Any = RSA, **header: str) -> str:
    full = {"alg": alg, "kid": key.kid, **header}
    return jwt.encode(full, claims, key, algorithms=[alg])


@pytest.mark.parametrize(
    ("alg", "key"), [("RS256", RSA), ("PS256", RSA), ("ES256", EC), ("Ed25519", ED)]
)
def test_a_good_token_is_taken(alg: str, key: Any) -> None:
    assert checked(signed(GOOD, alg, key))["sub"] == "anna"
    assert checked(signed({**GOOD, "aud": ["hub", "x"], "azp": "hub"}, alg, key))["sub"] == "anna"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "https://other.example.org"}, "another issuer"),
        ({"iss": "https://login.example.org/"}, "another issuer"),
        ({"aud": "other"}, "another audience"),
        ({"aud": ["other"]}, "another audience"),
        ({"aud": ["hub", "other"]}, "another party"),
        ({"azp": "other"}, "another party"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": int((NOW - timedelta(minutes=3)).timestamp())}, "expired"),
        ({"exp": "soon"}, "no exp"),
        ({"exp": 10**30}, "no exp"),
        ({"iat": int((NOW - timedelta(hours=1)).timestamp())}, "another time"),
        ({"iat": int((NOW + timedelta(hours=1)).timestamp())}, "another time"),
        ({"sub": ""}, "nobody"),
        ({"sub": 7}, "nobody"),
        ({"sub": "x" * 256}, "nobody"),
    ],
)
def test_a_wrong_claim_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(SignInRefused, match=reason):
        checked(signed({**GOOD, **change}))


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def test_a_token_without_a_signature_of_the_provider_is_refused() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "rsa"})
    good = signed(GOOD)
    head, body, _ = good.split(".")
    none = "eyJhbGciOiJub25lIn0"
    signing_input = ".".join((_b64(b'{"alg":"HS256","kid":"rsa"}'), body))
    mac = hmac.digest(RSA.as_pem(private=False), signing_input.encode(), "sha256")
    confused = f"{signing_input}.{_b64(mac)}"
    weak = jwt.encode({"alg": "RS384", "kid": "rsa"}, GOOD, RSA, algorithms=["RS384"])
    for token in (
        *(signed(GOOD, key=stranger), f"{none}.{body}.", f"{head}.{body}.", confused, weak),
        *(signed(GOOD, "ES256", EC, kid="rsa"), "", "a.b.c", good[:-4] + "AAAA"),
        *(signed(GOOD, key=RSAKey.generate_key(2048, {"kid": "new"})), "é", good + "."),
    ):
        with pytest.raises(SignInRefused):
            checked(token)


def test_keys_that_are_secret_weak_or_for_encryption_are_left_out() -> None:
    listed = [
        OctKey.generate_key(256, {"kid": "oct"}).as_dict(),
        RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"}).as_dict(private=False),
        {"kty": "RSA", "kid": "broken"},
        "nonsense",
        ED.as_dict(private=False),
    ]
    assert [key.kid for key in public_keys({"keys": listed}).keys] == ["ed"]
    assert public_keys({}).keys == [] and public_keys({"keys": "x"}).keys == []
