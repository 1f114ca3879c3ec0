"""Signer and Verifier: compact JWS with the one algorithm Ed25519 (RFC 7515, RFC 9864)."""

import os
from functools import lru_cache
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from tessera.domain.errors import InvalidSettings
from tessera.wire.keys import Keys, PublicKey
from tessera.wire.refusals import BadSignature

_ALGORITHM = "Ed25519"
_TOO_OPEN = 0o027
"""A group may read the key, as where a container's platform hands it out."""
_MAX_BYTES = 4_000_000
"""Of a message; what a hub accepts over HTTP is less. The library's own limit is 128,000."""


class _Registry(JWSRegistry):
    max_payload_length = _MAX_BYTES


_REGISTRY = _Registry(algorithms=[_ALGORITHM])


class Ed25519Signer:
    """A private key in memory, read from a PEM file that only its owner can read."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key
        self._public = PublicKey(str(key.as_dict(private=False)["x"]))

    @classmethod
    def create(cls, path: Path) -> "Ed25519Signer":
        """Make a key pair and write it to `path`, mode 0600. Raises FileExistsError."""
        key = OKPKey.generate_key("Ed25519")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(key.as_pem(private=True))
            file.flush()
            os.fsync(file.fileno())
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> "Ed25519Signer":
        """Read a key pair. Raises InvalidSettings when it is no Ed25519 private key of its own."""
        try:
            is_too_open = bool(path.stat().st_mode & _TOO_OPEN)
            key = OKPKey.import_key(path.read_bytes())
            is_private = key.is_private and key.as_dict(private=False).get("crv") == "Ed25519"
        except (OSError, JoseError, ValueError, KeyError, TypeError) as err:
            raise InvalidSettings(f"{path}: not a readable Ed25519 private key") from err
        if is_too_open:
            raise InvalidSettings(
                f"{path}: other users can read or change this private key; use chmod 600, and "
                "make a new key if somebody may have read it"
            )
        if not is_private:
            raise InvalidSettings(f"{path}: not an Ed25519 private key")
        return cls(key)

    @property
    def public_key(self) -> PublicKey:
        return self._public

    def sign(self, payload: bytes) -> str:
        header = {"alg": _ALGORITHM, "kid": self._public.fingerprint}
        return jws.serialize_compact(header, payload, self._key, registry=_REGISTRY)


@lru_cache(maxsize=4096)
def _imported(x: str) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})


class Ed25519Verifier:
    """Accepts nothing but Ed25519, whatever the token's header asks for."""

    def key_name(self, token: str) -> str:
        return self._parse(token)[0]

    def unverified(self, token: str) -> bytes:
        return self._parse(token)[1]

    def verify(self, token: str, key: PublicKey | Keys) -> bytes:
        name, _ = self._parse(token)
        if isinstance(key, Keys):
            key = key.signing(name)
        public = _imported(key.x)
        try:
            verified = jws.deserialize_compact(token, public, registry=_REGISTRY)
        except (JoseError, ValueError) as err:
            raise BadSignature("the signature does not verify") from err
        return verified.payload

    def _parse(self, token: str) -> tuple[str, bytes]:
        try:
            parsed = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
            header = parsed.headers()
        except (JoseError, ValueError, TypeError) as err:
            raise BadSignature("not a compact JWS") from err
        kid = header.get("kid")
        if header.keys() != {"alg", "kid"} or header["alg"] != _ALGORITHM:
            raise BadSignature(f"the header of the signature is not alg {_ALGORITHM} with kid")
        if not isinstance(kid, str):
            raise BadSignature("kid is not text")
        return kid, parsed.payload
