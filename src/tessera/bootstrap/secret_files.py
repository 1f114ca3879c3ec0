"""Secrets that a setting names: a file that is its owner's alone, or a systemd credential."""

import os
from pathlib import Path
from typing import Final

from tessera.domain.errors import InvalidSettings

_TOO_OPEN: Final = 0o077
_CREDENTIAL: Final = "credential:"


def secret_text(setting: str, where: str, home: Path) -> str:
    """Return what a secret file holds, without white space around it.

    `where` is a path, from `home` when it is relative, or `credential:NAME`. Raises
    InvalidSettings, which names the setting and the file and never what is in it.
    """
    path = home / where
    if where.startswith(_CREDENTIAL):
        folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
        if not folder:
            raise InvalidSettings(f"{setting}: {where}: systemd has passed no credentials here")
        path = Path(folder) / where.removeprefix(_CREDENTIAL)
    try:
        is_too_open = bool(path.stat().st_mode & _TOO_OPEN)
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidSettings(f"{setting}: {path} cannot be read") from err
    if is_too_open and not where.startswith(_CREDENTIAL):
        raise InvalidSettings(f"{path}: other users can read or change this secret; use chmod 600")
    if not text:
        raise InvalidSettings(f"{setting}: {path} is empty")
    return text
