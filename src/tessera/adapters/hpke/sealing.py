"""Sealing with HPKE (RFC 9180), base mode, HKDF-SHA-256 and AES-256-GCM.

The key exchange is X25519 together with ML-KEM-768 (X-Wing): images must stay secret for as
long as a patient lives, so that what is recorded today must not be readable by a quantum
computer of tomorrow. Base mode says nothing of the sender: what is sealed is signed inside.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from tessera.domain.errors import InvalidInput
from tessera.wire.refusals import BadSeal

_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_MLKEM_BYTES: Final = 1184
_X25519_BYTES: Final = 32


class HpkeReader:
    """One key pair of the hybrid, in memory only."""

    def __init__(self) -> None:
        mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        raw = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        self._public = urlsafe_b64encode(raw).decode().rstrip("=")

    @property
    def public_key(self) -> str:
        return self._public

    def open(self, sealed: bytes, context: str) -> bytes:
        try:
            return _SUITE.decrypt(sealed, self._private, info=context.encode())
        except (InvalidTag, ValueError) as err:
            raise BadSeal("sealed for another key or context, or changed on the way") from err


class HpkeSealing:
    def reader(self) -> HpkeReader:
        return HpkeReader()

    def seal(self, plain: bytes, public_key: str, context: str) -> bytes:
        try:
            return _SUITE.encrypt(plain, _public(public_key), info=context.encode())
        except ValueError as err:  # a point of small order, as all zeros
            raise InvalidInput("not a public key for sealing") from err


def _public(text: str) -> MLKEM768X25519PublicKey:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if len(raw) != _MLKEM_BYTES + _X25519_BYTES:
            raise ValueError(len(raw))
        mlkem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_BYTES])
        x25519 = X25519PublicKey.from_public_bytes(raw[_MLKEM_BYTES:])
    except ValueError as err:
        raise InvalidInput("not a public key for sealing") from err
    return MLKEM768X25519PublicKey(mlkem, x25519)
