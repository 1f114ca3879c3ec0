"""A person's account at a hub, from the person's own computer."""

from dataclasses import dataclass
from urllib.parse import quote

from tessera.client.client import Client
from tessera.ports.signing import Signer
from tessera.wire import fields
from tessera.wire.accounts import KeyProof
from tessera.wire.fields import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    token: str
    expires_at: str
    person_id: str
    name: str


class AccountClient(Client):
    """Signs in, registers keys, signs out. Raises what `Client` raises, and NotSignedIn."""

    def sign_in(self, user: str, password: str, label: str) -> NewToken:
        """Return a token of 90 days, named `label`. Raises NotSignedIn for a wrong password."""
        body = {"user": user, "password": password, "name": label}
        answer = self._call("POST", "api/v1/sign-in", body=body)
        person = fields.child(answer, "person")
        return NewToken(
            token=fields.text(answer, "token"),
            expires_at=fields.text(answer, "expires_at"),
            person_id=fields.text(person, "person_id"),
            name=fields.text(person, "name"),
        )

    def account(self) -> Json:
        """Return person, keys and token as the hub has them."""
        return self._call("GET", "api/v1/account")

    def register_key(self, signer: Signer, person_id: str, label: str) -> None:
        """Prove that this side holds the key, and have it registered."""
        answer = self._call("POST", "api/v1/account/keys/challenge", body={})
        proof = KeyProof(
            hub=fields.text(answer, "hub"),
            person_id=person_id,
            challenge=fields.text(answer, "challenge"),
            public_key=signer.public_key,
            label=label,
        )
        token = signer.sign(proof.payload())
        self._call("POST", "api/v1/account/keys", body={"proof": token})

    def revoke_key(self, fingerprint: str) -> None:
        """Revoke one of the person's keys. Raises NotFound."""
        self._call("DELETE", f"api/v1/account/keys/{quote(fingerprint, safe='')}")

    def sign_out(self) -> None:
        """Revoke the token."""
        self._call("POST", "api/v1/account/sign-out")
