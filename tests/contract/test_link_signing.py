"""joserfc through the suite of the signing port; keys as files."""

from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.errors import InvalidSettings
from tessera.testing.signing import SigningContract


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
