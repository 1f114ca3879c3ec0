"""joserfc through the suite of the signing port; keys as files."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.domain.errors import Conflict, InvalidSettings
from tessera.ports.renewal import signed_renewal
from tessera.ports.signing import Signer, Verifier
from tessera.testing.signing import SigningContract
from tessera.wire.envelope import OVERLAP

AT = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)


class TestEd25519(SigningContract):
    def make(self, folder: Path, name: str) -> tuple[Ed25519Signer, Ed25519Verifier]:
        return Ed25519Signer.create(folder / f"{name}.key"), Ed25519Verifier()


def test_a_key_file_is_private_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    made = Ed25519Signer.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Ed25519Signer.load(path).public_key == made.public_key
    with pytest.raises(FileExistsError):
        Ed25519Signer.create(path)


@pytest.mark.parametrize("content", [b"", b"not a key", b"\x30\x2e\x02\x01"])
def test_what_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "node.key"
    path.write_bytes(content)
    with pytest.raises(InvalidSettings, match=r"node\.key"):
        Ed25519Signer.load(path)


class TestKeyFolder(SigningContract):
    def make(self, folder: Path, name: str) -> tuple[Signer, Verifier]:
        return KeyFolder.create(folder / name), Ed25519Verifier()


def test_a_key_file_that_is_damaged_meanwhile_stops_no_running_program(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    running = KeyFolder.create(path)
    whole, name = path.read_bytes(), running.public_key
    for damaged in (b"no key", b"", None):
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        assert Ed25519Verifier().verify(running.sign(b"x"), name) == b"x"
        with pytest.raises((InvalidSettings, OSError)):
            KeyFolder(path)
        path.touch(mode=0o600)
    path.write_bytes(whole)
    assert running.public_key == KeyFolder(path).public_key == name


def test_a_renewal_that_was_cut_off_in_the_file_is_no_renewal(tmp_path: Path) -> None:
    ring = KeyFolder.create(tmp_path / "hub.key")
    first = ring.public_key
    tokens = []
    for n in range(3):
        token = signed_renewal(ring, ring.prepare(), party="hub", at=AT + n * OVERLAP * 2)
        append(tmp_path / "hub.key.renewals", b"torn" if n else b"")
        ring.adopt(token, keeps_former=True)
        tokens.append(token)
    again = KeyFolder(tmp_path / "hub.key")
    assert list(again.renewals(first.fingerprint)) == tokens
    assert list(again.renewals(again.keys().former[1].key.fingerprint)) == tokens[1:]
    assert again.renewals(again.public_key.fingerprint) == ()
    assert again.renewals("a" * 16) == ()
    # What led nowhere, as after a kill, does not count.
    other = Ed25519Signer.create(tmp_path / "other")
    lost = signed_renewal(again, other, party="hub", at=AT)
    append(tmp_path / "hub.key.renewals", lost.encode() + b"\n")
    assert list(KeyFolder(tmp_path / "hub.key").renewals(first.fingerprint)) == tokens
    with pytest.raises(Conflict, match="no key is prepared"):
        again.adopt(lost, keeps_former=True)
    again.prepare()
    with pytest.raises(Conflict, match="of other keys"):
        again.adopt(lost, keeps_former=True)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
