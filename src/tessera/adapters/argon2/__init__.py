"""PasswordHasher: argon2id with the low-memory profile of RFC 9106 (64 MiB, 3 passes, 4 lanes)."""

from functools import cached_property
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_AT_ONCE: Final = 2
"""Each takes 64 MiB: a rush of sign-ins waits instead of filling the memory."""


class Argon2Hasher:
    """Implements `tessera.ports.accounts.PasswordHasher`."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turn = BoundedSemaphore(_AT_ONCE)

    def hashed(self, password: str) -> str:
        with self._turn:
            return self._hasher.hash(password)

    def matches(self, password_hash: str, password: str) -> bool:
        with self._turn:
            # Made at the first sign-in whoever it is, so that the time tells nothing.
            nobodys = self._nobodys
            try:
                self._hasher.verify(password_hash or nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("there is no such person")
