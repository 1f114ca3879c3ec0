"""Every route of the real application: nobody comes in where somebody must be."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tessera.http.rules import RuledRoute
from tessera.hub.hub import Hub
from tests.accounts_trial import add_person, bearer
from tests.hub_trial import app_of, served, trial_hub

Door = tuple[RuledRoute, str, str]


def doors(hub: Hub) -> Iterator[Door]:
    """Yield (route, method, address) of every route, method by method."""
    for route in app_of(hub).routes:
        if isinstance(route, RuledRoute):
            for method in sorted(route.methods or ()):
                yield route, method, re.sub(r"\{[^}]+\}", "x", route.path)


@contextmanager
def opened(hub: Hub) -> Iterator[httpx.Client]:
    with served(hub) as url, httpx.Client(base_url=url, trust_env=False) as web:
        yield web


def test_no_route_but_the_public_ones_lets_anybody_in(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial, opened(trial.hub) as web:
        tried = 0
        for route, method, address in doors(trial.hub):
            if route.rule.is_public:
                continue
            tried += 1
            plain = web.request(method, address)
            assert plain.status_code == 401, (method, address, plain.status_code)
            assert "www-authenticate" in plain.headers
            page = web.request(method, address, headers={"Accept": "text/html"})
            is_page = not address.startswith("/api/")
            assert page.status_code == (303 if is_page else 401), (method, address)
            if is_page:
                assert page.headers["location"].startswith("/sign-in")
            wrong = web.request(method, address, headers={"Authorization": "Bearer tsr_x"})
            assert wrong.status_code == 401, (method, address)
        assert tried > 15


def test_who_lacks_the_role_is_refused_at_every_method(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial:
        without = bearer(trial.hub.accounts, add_person(trial.hub.accounts, "nobody"))
        with opened(trial.hub) as web:
            tried = 0
            for route, method, address in doors(trial.hub):
                if not route.rule.roles:
                    continue
                tried += 1
                refused = web.request(method, address, headers=without)
                assert refused.status_code == 403, (method, address, refused.status_code)
            assert tried >= 1


def test_what_a_session_s_cookie_can_change_asks_for_the_form_s_token(tmp_path: Path) -> None:
    with trial_hub(tmp_path / "hub") as trial:
        person = add_person(trial.hub.accounts, "all", "researcher", "committee")
        secret = trial.hub.accounts.sign_ins.begin(person, how="password")
        with opened(trial.hub) as web:
            web.cookies.set("tessera_session", secret)
            tried = 0
            for route, method, address in doors(trial.hub):
                roles = route.rule.roles
                may_come = not roles or any(person.has(role) for role in roles)
                if method in ("GET", "HEAD") or address.startswith("/link/") or not may_come:
                    continue
                tried += 1
                done = web.request(method, address)
                assert done.status_code == 403, (method, address, done.status_code)
                assert done.json()["type"] == "urn:tessera:error:form-not-ours", address
            assert tried > 8
