"""Port: signatures of link messages, and the memory that keeps a message from coming twice."""

from datetime import datetime
from typing import Protocol

from tessera.wire.keys import PublicKey


class Signer(Protocol):
    """Holds one private key. Its implementations pass `tessera.testing.SigningContract`."""

    @property
    def public_key(self) -> PublicKey:
        """Return the public half."""
        ...

    def sign(self, payload: bytes) -> str:
        """Return a compact JWS over `payload`: `alg` Ed25519, `kid` the key's fingerprint."""
        ...


class Verifier(Protocol):
    def key_name(self, token: str) -> str:
        """Return the `kid` that the token claims; proves nothing. Raises BadSignature."""
        ...

    def unverified(self, token: str) -> bytes:
        """Return the payload of a token that brings its own key; proves nothing.

        Raises BadSignature for what is not a compact JWS with `alg` Ed25519.
        """
        ...

    def verify(self, token: str, key: PublicKey) -> bytes:
        """Return the payload, signed by `key` with Ed25519. Raises BadSignature."""
        ...


class SeenIds(Protocol):
    def remember(self, sender: str, message_id: str, until: datetime) -> bool:
        """Return True the first time, False while the id is remembered; durable if the side is.

        Two callers at the same time never both get True.
        """
        ...

    def forget(self, until_before: datetime) -> None:
        """Drop the ids that need no longer be remembered."""
        ...
