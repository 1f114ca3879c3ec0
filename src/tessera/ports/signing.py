"""Port: signatures of link messages, and the memory that keeps a message from coming twice."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from tessera.wire.keys import Keys, PublicKey


class Signer(Protocol):
    """Holds one private key. Its implementations pass `tessera.testing.SigningContract`."""

    @property
    def public_key(self) -> PublicKey:
        """Return the public half."""
        ...

    def sign(self, payload: bytes) -> str:
        """Return a compact JWS over `payload`: `alg` Ed25519, `kid` the key's fingerprint."""
        ...


class KeyRing(Signer, Protocol):
    """A Signer whose key may be renewed while the program runs: it signs with the newest."""

    def keys(self) -> Keys:
        """Return the public halves of the key of now and of those before it."""
        ...

    def speaking(self, fingerprint: str, now: datetime) -> Signer | None:
        """Return the signer of that name, also a former one in its overlap; else None."""
        ...

    def renewals(self, fingerprint: str) -> Sequence[str]:
        """Return the signed renewals that lead from the key of that name to the one of now.

        Empty for the key of now, and for one that was never this party's.
        """
        ...

    def renewing(self) -> AbstractContextManager[None]:
        """Be the only one who renews this key. Raises Conflict when another does."""
        ...

    def is_prepared(self) -> bool:
        """Whether a renewal has begun and is not done."""
        ...

    def prepare(self) -> Signer:
        """Make the key that comes next, durable on return; the one made before when there is."""
        ...

    def adopt(self, renewal: str, *, keeps_former: bool) -> None:
        """Make the prepared key the one of now, by the signed `renewal` that names it.

        `keeps_former`: it answers for this party until the end of its overlap.

        A kill leaves the former key with the next one prepared, or the new key.
        """
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

    def verify(self, token: str, key: PublicKey | Keys) -> bytes:
        """Return the payload, signed by `key` with Ed25519. Raises BadSignature.

        Of `Keys`, by the one that the token names, also a former one that is not revoked:
        for documents, not for messages.
        """
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
