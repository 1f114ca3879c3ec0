"""The specification of Sealing, as tests any implementation can inherit."""

from abc import abstractmethod

import pytest

from tessera.domain.errors import InvalidInput
from tessera.ports.sealing import Sealing
from tessera.wire.refusals import BadSeal


class SealingContract:
    @abstractmethod
    def make(self) -> Sealing: ...

    def test_only_the_owner_of_the_key_opens_it(self) -> None:
        sealing = self.make()
        reader, other = sealing.reader(), sealing.reader()
        sealed = sealing.seal(b"one", reader.public_key, "context")
        assert reader.open(sealed, "context") == b"one"
        with pytest.raises(BadSeal):
            other.open(sealed, "context")

    def test_the_context_belongs_to_it(self) -> None:
        sealing = self.make()
        reader = sealing.reader()
        with pytest.raises(BadSeal):
            reader.open(sealing.seal(b"one", reader.public_key, "this"), "that")

    def test_a_changed_byte_anywhere_is_seen(self) -> None:
        sealing = self.make()
        reader = sealing.reader()
        sealed = sealing.seal(b"one", reader.public_key, "")
        for place in (0, len(sealed) // 2, len(sealed) - 1):
            changed = bytearray(sealed)
            changed[place] ^= 1
            with pytest.raises(BadSeal):
                reader.open(bytes(changed), "")
        with pytest.raises(BadSeal):
            reader.open(b"", "")

    def test_the_same_twice_looks_different_and_shows_nothing(self) -> None:
        sealing = self.make()
        reader = sealing.reader()
        plain = b"a text that would be seen" * 40
        first, second = (sealing.seal(plain, reader.public_key, "") for _ in range(2))
        assert first != second
        assert plain[:20] not in first

    @pytest.mark.parametrize("key", ["", "x", "AAAA", "A" * 1622, "å" * 1622, "*" * 1622])
    def test_no_public_key(self, key: str) -> None:
        with pytest.raises(InvalidInput):
            self.make().seal(b"", key, "")
