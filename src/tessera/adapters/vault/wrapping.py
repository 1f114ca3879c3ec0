"""Where the key lies that opens a vault: a file elsewhere, a credential of systemd, or a head."""

import os
import secrets
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from tessera.domain.errors import Conflict, InvalidSettings

_BYTES: Final = 32
_COST: Final = {"time_cost": 3, "memory_cost": 64 * 1024, "parallelism": 4}
"""Argon2id as RFC 9106 section 4 recommends where memory is scarce: 64 MiB, three passes."""
_LEAST: Final = 12


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How a vault is locked. Holds no secret."""

    kind: str
    """file, credential or passphrase."""
    place: str = ""
    """The file's path, or the credential's name."""
    salt: str = ""
    """Of a passphrase, hexadecimal."""

    def key(self) -> bytes:
        """Return the 32 bytes that open the vault.

        Raises Conflict when they are not where they should be, InvalidSettings when others
        could read them.
        """
        if self.kind == "passphrase":
            return _derived(_asked(), bytes.fromhex(self.salt))
        path = Path(self.place)
        if self.kind == "credential":
            path = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/run/credentials")) / self.place
        try:
            return _hex_file(path)
        except FileNotFoundError as err:
            raise Conflict(
                f"the key that opens the vault is not at {path}; put it back there, or restore "
                "the vault from its backup: tessera node key restore"
            ) from err

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "place": self.place, "salt": self.salt}


def parse_wrapping(raw: Mapping[str, object]) -> Wrapping:
    """Read what `as_json` gave. Raises Conflict."""
    kind = str(raw.get("kind", ""))
    if kind not in ("file", "credential", "passphrase"):
        raise Conflict("the vault says of no known kind of key how it is locked")
    return Wrapping(kind, str(raw.get("place", "")), str(raw.get("salt", "")))


def fresh_file(path: Path) -> Wrapping:
    """Make a new key in a file that only its owner can read. Raises Conflict when it is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_secret(path, secrets.token_bytes(_BYTES))
    return Wrapping("file", str(path.absolute()))


def passphrase() -> Wrapping:
    """Lock by a passphrase: read from the file that the environment names, or asked for."""
    return Wrapping("passphrase", salt=secrets.token_bytes(16).hex())


def write_secret(path: Path, key: bytes) -> None:
    """Write a key as hexadecimal digits into a new file of mode 0600. Raises Conflict."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as err:
        raise Conflict(f"{path} is there already; name a file that is not") from err
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")


def _hex_file(path: Path) -> bytes:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidSettings(f"{path} can be read by others; chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError as err:
        raise InvalidSettings(f"{path} holds no key: 64 hexadecimal digits are wanted") from err
    if len(key) != _BYTES:
        raise InvalidSettings(f"{path} holds no key of {_BYTES} bytes")
    return key


def _asked() -> str:
    named = os.environ.get("TESSERA_VAULT_PASSPHRASE_FILE", "")
    if named:
        path = Path(named)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InvalidSettings(f"{path} can be read by others; chmod 600 {path}")
        return path.read_text(encoding="utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise Conflict(
            "the vault wants its passphrase; name its file in TESSERA_VAULT_PASSPHRASE_FILE"
        )
    return getpass("Passphrase of the vault: ")


def _derived(words: str, salt: bytes) -> bytes:
    if len(words) < _LEAST:
        raise InvalidSettings(f"a passphrase has at least {_LEAST} characters")
    return hash_secret_raw(words.encode(), salt, hash_len=_BYTES, type=Type.ID, **_COST)
