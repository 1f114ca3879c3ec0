"""Port: bytes for one reader only, carried by somebody who may not read them."""

from typing import Protocol


class SealedReader(Protocol):
    """Holds a private key made for one conversation; it is in memory only."""

    @property
    def public_key(self) -> str:
        """Return the public half, base64url without padding."""
        ...

    def open(self, sealed: bytes, context: str) -> bytes:
        """Return what was sealed for this key and `context`. Raises BadSeal."""
        ...


class Sealing(Protocol):
    """Its implementations pass `tessera.testing.sealing.SealingContract`."""

    def reader(self) -> SealedReader:
        """Make a new key pair."""
        ...

    def seal(self, plain: bytes, public_key: str, context: str) -> bytes:
        """Return `plain` for the owner of `public_key`. Raises InvalidInput for no such key.

        `context` is not secret; with another one the reader cannot open it.
        """
        ...
