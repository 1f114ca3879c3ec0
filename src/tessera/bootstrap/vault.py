"""Wire the vault of a node: made with the home, opened when a key is asked for."""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from tessera.adapters.vault import ProjectKeys, Vault, Wrapping, fresh_file, passphrase
from tessera.adapters.vault.vault import key_name
from tessera.bootstrap.audit import write_down
from tessera.client.credentials import config_folder
from tessera.domain.audit.events import key_changed
from tessera.domain.errors import Conflict, InvalidSettings, NotFound


def vault_of(home: Path) -> Vault:
    return Vault(home / "identified" / "vault" / "vault.json")


def project_key(home: Path) -> bytes:
    """Return the project key. Raises Conflict and InvalidSettings."""
    return vault_of(home).read().key


def lock_of(vault_key: str) -> Wrapping:
    """Return how to lock a new vault, by what `--vault-key` says.

    "" is a new file in the user's own settings folder, outside every home, so that a copy of
    the home alone opens nothing. Raises Conflict when a file to be made is there.
    """
    if not vault_key:
        folder = config_folder(os.environ.get("TESSERA_CONFIG", ""))
        return fresh_file(folder / "vault" / f"{secrets.token_hex(6)}.key")
    if vault_key == "passphrase":
        return passphrase()
    kind, _, name = vault_key.partition(":")
    if kind == "credential" and name:
        if "/" in name:
            raise InvalidSettings("--vault-key credential:NAME: a name without slashes")
        return Wrapping("credential", name)
    return fresh_file(Path(vault_key))


def make_vault(home: Path, vault_key: str) -> Wrapping:
    """Put a new project key into a new vault. Raises Conflict."""
    wrapping = lock_of(vault_key)
    vault_of(home).write(ProjectKeys.fresh(datetime.now(UTC)), wrapping)
    return wrapping


def described(home: Path) -> dict[str, object]:
    """Return what may be told of the vault: names of keys, days, and how it is locked."""
    vault = vault_of(home)
    keys, wrapping = vault.read(), vault.wrapping()
    return {
        "vault": str(vault.path),
        "locked_by": wrapping.kind,
        "place": wrapping.place,
        "key": key_name(keys.key),
        "made": keys.made,
        "retired": [
            {"key": key_name(key), "made": made, "retired": retired}
            for key, made, retired in keys.retired
        ],
    }


def rotate(home: Path, vault_key: str) -> Wrapping:
    """Lock the vault with a new key; pseudonyms stay. The old file of a key is removed."""
    vault = vault_of(home)
    keys, before = vault.read(), vault.wrapping()
    wrapping = lock_of(vault_key)
    vault.write(keys, wrapping)
    if before.kind == "file" and before.place != wrapping.place:
        Path(before.place).unlink(missing_ok=True)
    write_down(home, key_changed("vault-locked-anew", key_name(keys.key)))
    return wrapping


def new_project(home: Path, n_instances: int) -> str:
    """Begin a new project: new key, pseudonyms that cannot be linked. Return the key's name.

    Raises Conflict when instances are stored: they would mix two projects in one home.
    """
    if n_instances:
        raise Conflict(
            f"{n_instances} instances are stored under the present key, and two projects must not "
            "mix; make a home for the new project: tessera node init"
        )
    vault = vault_of(home)
    keys = vault.read().renewed(datetime.now(UTC))
    vault.write(keys, vault.wrapping())
    write_down(home, key_changed("project-key-renewed", key_name(keys.key)))
    return key_name(keys.key)


def back_up(home: Path, file: Path) -> None:
    """Write the keys into a new file that a passphrase opens, wherever it is."""
    if file.exists():
        raise Conflict(f"{file} is there already; name a file that is not")
    Vault(file).write(vault_of(home).read(), passphrase())


def restore(home: Path, file: Path, vault_key: str) -> str:
    """Put the keys of a backup into the vault; return the present key's name.

    Raises NotFound, and Conflict when the vault opens and holds another key.
    """
    if not file.is_file():
        raise NotFound(f"{file} is no backup of a vault")
    keys, vault = Vault(file).read(), vault_of(home)
    try:
        present = vault.read()
    except Conflict:
        pass
    else:
        if present.key != keys.key:
            raise Conflict("the vault opens and holds another project key; it stays as it is")
    vault.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    vault.write(keys, lock_of(vault_key))
    write_down(home, key_changed("vault-restored", key_name(keys.key)))
    return key_name(keys.key)
