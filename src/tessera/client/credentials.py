"""What `tessera login` keeps on a person's computer: for each hub a token and a private key."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tessera.domain.errors import InvalidInput, InvalidSettings

_OWN_FOLDER: Final = 0o700
_OWN_FILE: Final = 0o600
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def hub_address(text: str, *, plain_http: bool = False) -> str:
    """Return a hub's address in its one form. Raises InvalidInput.

    A password goes there: plain HTTP is taken for this computer alone, unless it is wished.
    """
    url = urlsplit(text.strip().rstrip("/"))
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.username:
        raise InvalidInput(f"hub address {text!r}: expected https://…")
    if url.scheme == "http" and url.hostname not in _LOCAL and not plain_http:
        raise InvalidInput(
            f"{text} is not encrypted: whoever listens would read the password; use https://…, "
            "or --plain-http in a network where nobody else listens"
        )
    return f"{url.scheme}://{url.netloc.lower()}{url.path}"


def config_folder(named: str) -> Path:
    """Return the folder that TESSERA_CONFIG names, or the user's own for settings."""
    return Path(named) if named else Path.home() / ".config" / "tessera"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLogin:
    hub_url: str
    person_id: str
    name: str
    token: str
    expires_at: str
    """ISO 8601, UTC."""


class HubFolder:
    """The files of one hub, mode 0600 in folders of mode 0700; a login is whole or not there."""

    def __init__(self, config: Path, hub_url: str) -> None:
        self.hub_url = hub_url
        host = re.sub(r"[^a-z0-9.-]", "_", urlsplit(hub_url).netloc.lower())
        self._config = config
        self.path = config / "hubs" / f"{host[:80]}-{sha256(hub_url.encode()).hexdigest()[:8]}"

    @property
    def key_file(self) -> Path:
        return self.path / "person.key"

    def make(self) -> None:
        """Make the folder. Raises InvalidSettings when others can look into it."""
        for folder in (self._config, self._config / "hubs", self.path):
            folder.mkdir(mode=_OWN_FOLDER, parents=True, exist_ok=True)
        for folder in (self._config / "hubs", self.path):
            if folder.stat().st_mode & 0o077:
                raise InvalidSettings(f"{folder}: other users can look into it; use chmod 700")

    def keep(self, login: KeptLogin) -> None:
        """Write the login over the one before."""
        self.make()
        body = {
            "hub_url": login.hub_url,
            "person_id": login.person_id,
            "name": login.name,
            "token": login.token,
            "expires_at": login.expires_at,
        }
        _write(self.path / "login.json", json.dumps(body, ensure_ascii=False, indent=2) + "\n")

    def login(self) -> KeptLogin | None:
        """Return what was kept; None when nothing is. Raises InvalidSettings."""
        path = self.path / "login.json"
        if path.exists() and path.stat().st_mode & 0o077:
            raise InvalidSettings(f"{path}: other users can read this token; use chmod 600")
        try:
            body = json.loads(path.read_bytes())
            return KeptLogin(**{name: str(body[name]) for name in KeptLogin.__slots__})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as err:
            raise InvalidSettings(f"{path}: not readable; sign in again") from err

    def forget_login(self) -> None:
        """Remove the token; the key stays."""
        (self.path / "login.json").unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove token and key."""
        shutil.rmtree(self.path, ignore_errors=True)


def known_hubs(config: Path) -> Sequence[KeptLogin]:
    """Return every login that is kept, by address."""
    found = []
    for path in sorted((config / "hubs").glob("*/login.json")):
        try:
            body = json.loads(path.read_bytes())
            found.append(KeptLogin(**{name: str(body[name]) for name in KeptLogin.__slots__}))
        except (ValueError, KeyError, TypeError, OSError):
            continue
    return sorted(found, key=lambda login: login.hub_url)


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWN_FILE)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
