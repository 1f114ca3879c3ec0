"""The specification of Signer and Verifier, as tests any implementation can inherit."""

from abc import abstractmethod
from pathlib import Path

import pytest

from tessera.ports.signing import Signer, Verifier
from tessera.wire.refusals import BadSignature


class SigningContract:
    @abstractmethod
    def make(self, folder: Path, name: str) -> tuple[Signer, Verifier]:
        """Return a signer with the key called `name` in `folder`, and a verifier."""

    def test_what_was_signed_is_read_with_the_signers_key(self, tmp_path: Path) -> None:
        signer, verifier = self.make(tmp_path, "a")
        token = signer.sign("Österlenλ".encode())
        assert verifier.verify(token, signer.public_key) == "Österlenλ".encode()
        assert verifier.unverified(token) == "Österlenλ".encode()
        assert verifier.key_name(token) == signer.public_key.fingerprint
        assert token.isascii()
        assert token.count(".") == 2

    def test_another_key_does_not_verify(self, tmp_path: Path) -> None:
        signer, verifier = self.make(tmp_path, "a")
        other, _ = self.make(tmp_path, "b")
        with pytest.raises(BadSignature):
            verifier.verify(signer.sign(b"x"), other.public_key)

    def test_a_changed_character_does_not_verify(self, tmp_path: Path) -> None:
        signer, verifier = self.make(tmp_path, "a")
        token = signer.sign(b"n_subjects 30")
        for place in (0, token.index(".") + 3, token.rindex(".") + 9):
            changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
            with pytest.raises(BadSignature):
                verifier.verify(changed, signer.public_key)

    @pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a.b", "é.é.é", "{}", "a.b.c.d"])
    def test_what_is_no_token_is_refused(self, tmp_path: Path, token: str) -> None:
        signer, verifier = self.make(tmp_path, "a")
        with pytest.raises(BadSignature):
            verifier.key_name(token)
        with pytest.raises(BadSignature):
            verifier.unverified(token)
        with pytest.raises(BadSignature):
            verifier.verify(token, signer.public_key)
