"""The vault's file: the project key, sealed with AES-256-GCM under the wrapping key."""

import json
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tessera.adapters.vault.wrapping import Wrapping, parse_wrapping
from tessera.domain.errors import Conflict

_ABOUT = b"tessera vault 1"


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """The present project key and those that it took the place of."""

    key: bytes = field(repr=False)
    made: str
    """ISO 8601, UTC."""
    retired: tuple[tuple[bytes, str, str], ...] = field(default=(), repr=False)
    """Key, made, retired."""

    @classmethod
    def fresh(cls, now: datetime) -> "ProjectKeys":
        return cls(secrets.token_bytes(32), now.isoformat())

    def renewed(self, now: datetime) -> "ProjectKeys":
        """Return keys for a new project; the present one is kept as retired."""
        old = (*self.retired, (self.key, self.made, now.isoformat()))
        return ProjectKeys(secrets.token_bytes(32), now.isoformat(), old)


def key_name(key: bytes) -> str:
    """Return eight digits that name a key and tell nothing of it."""
    return sha256(b"tessera key name\x00" + key).hexdigest()[:8]


class Vault:
    """One file. It is written anew in one step, so that a kill leaves the old or the new."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        return self.path.exists()

    def read(self) -> ProjectKeys:
        """Open it. Raises Conflict when it is absent, damaged, or locked with another key."""
        wrapping, nonce, sealed = self._parts()
        try:
            plain = AESGCM(wrapping.key()).decrypt(nonce, sealed, _ABOUT)
        except InvalidTag as err:
            raise Conflict(
                f"{self.path} does not open: the key is another one, or the file is damaged; "
                "restore both from backup"
            ) from err
        raw = json.loads(plain)
        return ProjectKeys(
            bytes.fromhex(raw["key"]),
            raw["made"],
            tuple((bytes.fromhex(key), made, retired) for key, made, retired in raw["retired"]),
        )

    def wrapping(self) -> Wrapping:
        """Return how it is locked. Raises Conflict."""
        return self._parts()[0]

    def write(self, keys: ProjectKeys, wrapping: Wrapping) -> None:
        """Lock the keys with the wrapping key, durably."""
        plain = json.dumps(
            {
                "key": keys.key.hex(),
                "made": keys.made,
                "retired": [(key.hex(), made, retired) for key, made, retired in keys.retired],
            }
        ).encode()
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(wrapping.key()).encrypt(nonce, plain, _ABOUT)
        whole = {
            "tessera_vault": 1,
            "locked": wrapping.as_json(),
            "nonce": b64encode(nonce).decode(),
            "sealed": b64encode(sealed).decode(),
        }
        part = self.path.with_name(self.path.name + ".part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump(whole, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _parts(self) -> tuple[Wrapping, bytes, bytes]:
        try:
            raw = json.loads(self.path.read_text(encoding="ascii"))
            nonce, sealed = b64decode(raw["nonce"]), b64decode(raw["sealed"])
            return parse_wrapping(raw["locked"]), nonce, sealed
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise Conflict(
                f"the vault has no readable project key at {self.path}; restore it from backup"
            ) from err
