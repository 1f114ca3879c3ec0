"""Public keys, their short names, and invite codes as people type them. Pure.

Source: Ed25519 is RFC 8032; a 32-byte public key is written as in RFC 8037 (`x`, base64url).
"""

import binascii
import re
from base64 import b32encode, urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from tessera.domain.errors import InvalidInput

KEY_BYTES: Final = 32
_FINGERPRINT_BYTES: Final = 10
"""80 bits: what a person can compare, and far beyond what can be searched for."""
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_CODE = re.compile(r"[a-z2-7]{32}")
_OF_SMALL_ORDER: Final = frozenset(
    map(
        bytes.fromhex,
        (
            "00" * 32,
            "01" + "00" * 31,
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "ec" + "ff" * 30 + "7f",
            "ed" + "ff" * 30 + "7f",
            "ee" + "ff" * 30 + "7f",
        ),
    )
)
"""Every encoding of the eight points whose order divides 8, without the bit of the sign.

Source: the curve of RFC 8032, section 5.1; each is a point multiplied by the order L.
"""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key; `x` is its 32 bytes in base64url without padding."""

    x: str

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.x):
            raise InvalidInput("public key: expected base64url")
        try:
            raw = urlsafe_b64decode(self.x + "=" * (-len(self.x) % 4))
        except (binascii.Error, ValueError) as err:
            raise InvalidInput("public key: expected base64url") from err
        if len(raw) != KEY_BYTES:
            raise InvalidInput(f"public key: expected {KEY_BYTES} bytes")
        if raw[:-1] + bytes([raw[-1] & 0x7F]) in _OF_SMALL_ORDER:
            raise InvalidInput("public key: signatures under this one need no private key")

    @property
    def fingerprint(self) -> str:
        """16 base32 characters of the key's SHA-256: the `kid` of its signatures."""
        return _fingerprint(self.x)


@lru_cache(maxsize=4096)
def _fingerprint(x: str) -> str:
    raw = urlsafe_b64decode(x + "=" * (-len(x) % 4))
    return b32encode(sha256(raw).digest()[:_FINGERPRINT_BYTES]).decode().lower()


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that a party had before."""

    key: PublicKey
    until: datetime
    """Until then messages signed by it are accepted, UTC."""
    is_revoked: bool = False
    """Then nothing that it signed is accepted any more, whenever it was signed."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The key of a party now, and those before it, the newest last.

    A document that was signed by a former key, as a permit, stays what it is; a message says
    something now, and a former key speaks only for a short overlap.
    """

    current: PublicKey
    former: tuple[FormerKey, ...] = ()

    def all(self) -> tuple[PublicKey, ...]:
        return (*(one.key for one in self.former), self.current)

    def known(self, fingerprint: str) -> PublicKey | None:
        """Return the key of that name, also a revoked one."""
        return next((key for key in self.all() if key.fingerprint == fingerprint), None)

    def signing(self, fingerprint: str) -> PublicKey:
        """Return the key to check a document with: the named one, else the key of now."""
        for one in self.former:
            if one.key.fingerprint == fingerprint and not one.is_revoked:
                return one.key
        return self.current

    def speaks(self, fingerprint: str, now: datetime) -> bool:
        """Whether a message signed by the key of that name is accepted at `now`."""
        if fingerprint == self.current.fingerprint:
            return True
        return any(
            one.key.fingerprint == fingerprint and not one.is_revoked and now <= one.until
            for one in self.former
        )

    def renewed(self, key: PublicKey, until: datetime) -> "Keys":
        """Return these keys after `key` has taken the place of the current one."""
        return Keys(key, (*self.former, FormerKey(self.current, until)))


@dataclass(frozen=True, slots=True)
class InviteCode:
    """A one-time secret and the fingerprint of the hub it belongs to, 16 characters each.

    The fingerprint lets the node check the hub's key at the very first message.
    """

    secret: str
    hub: str

    @classmethod
    def parse(cls, typed: str) -> "InviteCode":
        """Read a code in any case, with or without hyphens and spaces. Raises InvalidInput."""
        plain = re.sub(r"[\s-]", "", typed).lower()
        if not _CODE.fullmatch(plain):
            raise InvalidInput(
                "invite code: expected 32 letters and digits 2 to 7 in groups of four; "
                "copy it again from the hub"
            )
        return cls(plain[:16], plain[16:])

    def __str__(self) -> str:
        plain = (self.secret + self.hub).upper()
        return "-".join(plain[i : i + 4] for i in range(0, len(plain), 4))
