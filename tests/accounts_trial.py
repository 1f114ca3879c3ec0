"""People at a trial hub: made and signed in as in life, with real passwords and cookies."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.people import Grant, Person
from tessera.hub.accounts import Accounts
from tessera.hub.sign_in import SignedIn
from tessera.wire.accounts import KeyProof

PASSWORD = "four quiet tiles in a row"
TOKEN = re.compile(r'name="form_token" value="(\w+)"')


def add_person(accounts: Accounts, user: str, *roles: str) -> Person:
    """Make an account with `PASSWORD`."""
    account = accounts.add(
        name=f"Person {user}",
        user=user,
        organisation="Test university",
        email=f"{user}@example.org",
        grants=frozenset(map(Grant.parse, roles)),
        password=PASSWORD,
    )
    return account.person()


def bearer(accounts: Accounts, person: Person) -> dict[str, str]:
    """Return the header of a program that has a new token of the person."""
    token, _ = accounts.sign_ins.new_token(person, "trial")
    return {"Authorization": f"Bearer {token}"}


def register_key(accounts: Accounts, person: Person, signer: Ed25519Signer) -> None:
    """Register the key with its proof, as `tessera login` does."""
    token, _ = accounts.sign_ins.new_token(person, "for a key")
    by = accounts.sign_ins.by_token(token)
    assert isinstance(by, SignedIn)
    proof = KeyProof(
        hub=accounts.person_keys.hub_key,
        person_id=person.person_id,
        challenge=accounts.person_keys.challenge(by),
        public_key=signer.public_key,
        label="trial",
    )
    accounts.person_keys.add(person, signer.sign(proof.payload()))


class Browser:
    """Keeps cookies and fills in the hidden field of forms; follows no redirect by itself."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, headers={"Accept": "text/html"})

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def post(self, path: str, page: str, **form: str) -> httpx.Response:
        """Send a form that stands on `page`."""
        return self.http.post(path, data={"form_token": self.form_token(page), **form})

    def form_token(self, page: str) -> str:
        found = TOKEN.search(self.get(page).text)
        assert found is not None, f"no form on {page}"
        return found[1]

    def sign_in(self, user: str, password: str = PASSWORD, wished: str = "") -> httpx.Response:
        return self.post("/sign-in", "/sign-in", user=user, password=password, next=wished)


@contextmanager
def browser(url: str, user: str = "") -> Iterator[Browser]:
    """Open a browser, signed in as `user` where one is named."""
    opened = Browser(url)
    try:
        if user:
            done = opened.sign_in(user)
            assert done.status_code == 303, done.text
        yield opened
    finally:
        opened.http.close()
