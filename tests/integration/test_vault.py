"""The vault: encrypted at rest, opened by what lies elsewhere, never printed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tessera.adapters.vault import ProjectKeys, Vault
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.vault import back_up, new_project, restore, rotate, vault_of
from tessera.domain.errors import Conflict, InvalidSettings

TESSERA = Path(sys.executable).with_name("tessera")
SETTINGS = NodeSettings(name="Vault trial", country="SE")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setenv("TESSERA_CONFIG", str(tmp_path / "config"))
    return init_node(tmp_path / "home", SETTINGS)


def opener(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "config" / "vault").iterdir()
    return found


def every_byte(folder: Path) -> bytes:
    return b"\x00".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_the_home_alone_holds_no_key(node: Node, tmp_path: Path) -> None:
    key = node.key()
    held = every_byte(node.home)
    assert key not in held
    assert key.hex().encode() not in held.lower()
    for secret in (vault_of(node.home).path, opener(tmp_path)):
        assert secret.stat().st_mode & 0o077 == 0
    opener(tmp_path).unlink()
    with pytest.raises(Conflict, match="tessera node key restore"):
        open_node(node.home).key()


def test_a_key_file_that_others_can_read_is_refused(node: Node, tmp_path: Path) -> None:
    opener(tmp_path).chmod(0o644)
    with pytest.raises(InvalidSettings, match="chmod 600"):
        node.key()


@pytest.mark.parametrize("where", ["sealed", "nonce"])
def test_a_changed_vault_does_not_open(node: Node, where: str) -> None:
    path = vault_of(node.home).path
    raw = json.loads(path.read_text())
    raw[where] = ("A" if raw[where][0] != "A" else "B") + raw[where][1:]
    path.write_text(json.dumps(raw))
    with pytest.raises(Conflict, match="does not open"):
        node.key()


def test_locking_anew_keeps_the_project_key(node: Node, tmp_path: Path) -> None:
    key, before = node.key(), opener(tmp_path)
    old = vault_of(node.home).path.read_bytes()
    rotate(node.home, str(tmp_path / "elsewhere" / "new.key"))
    assert node.key() == key
    assert not before.exists()
    assert vault_of(node.home).path.read_bytes() != old


def test_a_new_project_has_another_key_and_an_empty_home(node: Node) -> None:
    key = node.key()
    before = node.pseudonymiser().pseudonym("19121212-1212")
    with pytest.raises(Conflict, match="7 instances"):
        new_project(node.home, 7)
    new_project(node.home, 0)
    assert node.key() != key
    assert node.pseudonymiser().pseudonym("19121212-1212") != before
    assert [old for old, _, _ in vault_of(node.home).read().retired] == [key]


def test_a_backup_brings_a_lost_vault_back(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "words"
    words.write_text("a horse that nobody staples\n")
    words.chmod(0o600)
    monkeypatch.setenv("TESSERA_VAULT_PASSPHRASE_FILE", str(words))
    key = node.key()
    back_up(node.home, tmp_path / "copy.json")
    assert key.hex() not in (tmp_path / "copy.json").read_text()
    opener(tmp_path).unlink()
    restore(node.home, tmp_path / "copy.json", "")
    assert node.key() == key
    other = init_node(tmp_path / "other", SETTINGS)
    with pytest.raises(Conflict, match="another project key"):
        restore(other.home, tmp_path / "copy.json", "")


def test_a_passphrase_opens_and_a_wrong_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = tmp_path / "words"
    words.write_text("correct horse battery\n")
    words.chmod(0o600)
    monkeypatch.setenv("TESSERA_VAULT_PASSPHRASE_FILE", str(words))
    node = init_node(tmp_path / "home", SETTINGS, vault_key="passphrase")
    assert len(node.key()) == 32
    words.write_text("correct horse pattery\n")
    with pytest.raises(Conflict, match="does not open"):
        node.key()


def test_a_credential_of_systemd_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "credentials" / "tessera-vault"
    given.parent.mkdir()
    given.write_text(os.urandom(32).hex())
    given.chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given.parent))
    node = init_node(tmp_path / "home", SETTINGS, vault_key="credential:tessera-vault")
    assert len(node.key()) == 32


def test_a_kill_while_writing_leaves_the_old_vault(node: Node) -> None:
    vault, key = vault_of(node.home), node.key()
    vault.path.with_name("vault.json.part").write_text("half of a new va")
    assert node.key() == key
    vault.write(ProjectKeys(key, "2026-01-01T00:00:00+00:00"), vault.wrapping())
    assert Vault(vault.path).read().key == key


def test_no_command_prints_a_key(node: Node) -> None:
    key = node.key().hex()
    for arguments in (["show"], ["show", "--json"], ["rotate"], ["new-project"]):
        command = [str(TESSERA), "node", "key", arguments[0]]
        done = subprocess.run(
            [*command, str(node.home), *arguments[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert key not in done.stdout + done.stderr
    log = every_byte(node.home / "audit")
    assert b"vault-locked-anew" in log
    assert b"project-key-renewed" in log
    assert key.encode() not in log
