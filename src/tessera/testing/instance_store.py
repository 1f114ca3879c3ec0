"""The specification of InstanceStore and InstanceFiles, as tests to inherit."""

from abc import abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import pytest

from tessera.domain.errors import NotFound
from tessera.domain.ids import InstanceUid
from tessera.ports.intake import InstanceFiles, InstanceStore

ONE, TWO = InstanceUid("2.25.1"), InstanceUid("2.25.2")
BODY = bytes(range(256)) * 40


class Store(InstanceStore, InstanceFiles, Protocol):
    """Both ports; `staging` is where workers write, and `staged_name` how they name it."""

    staging: Path

    def staged_name(self, instance_uid: str, unique: str) -> str: ...


def staged(store: Store, uid: InstanceUid, body: bytes = BODY, unique: str = "a") -> str:
    name = store.staged_name(uid, unique)
    (store.staging / name).write_bytes(body)
    return name


class InstanceStoreContract:
    @abstractmethod
    def make(self) -> Store:
        """Open the store; opening it again gives the same store."""
        ...

    def published(self, uid: InstanceUid = ONE, body: bytes = BODY) -> tuple[Store, str]:
        store = self.make()
        store.publish({staged(store, uid, body): store.place(uid)})
        return store, store.place(uid)

    def test_what_is_published_is_read_back_as_it_was(self) -> None:
        _, place = self.published()
        store = self.make()
        assert store.path(place).read_bytes() == BODY
        assert store.digest(place) == sha256(BODY).hexdigest()
        assert b"".join(store.stream(place)) == BODY
        entry = store.find(place)
        assert entry is not None and (entry.place, entry.n_bytes) == (place, len(BODY))
        assert store.find(store.place(TWO)) is None

    def test_ranges_are_what_they_say(self) -> None:
        store, place = self.published()
        assert b"".join(store.stream(place, 7, 300)) == BODY[7:307]
        assert b"".join(store.stream(place, len(BODY) - 5)) == BODY[-5:]
        assert b"".join(store.stream(place, 3, 0)) == b""

    def test_nothing_is_left_in_staging(self) -> None:
        store, _ = self.published()
        assert (dict(store.leftovers()), list(store.staging.iterdir())) == ({}, [])

    def test_what_was_not_published_is_left_over_and_can_be_discarded(self) -> None:
        store = self.make()
        name = staged(store, ONE)
        assert self.make().leftovers() == {name: ONE}
        assert store.sha256(name) == sha256(BODY).hexdigest()
        assert not store.path(store.place(ONE)).exists()
        store.discard([name, "2.25.9_x.part"])
        assert store.leftovers() == {}

    def test_publishing_again_replaces(self) -> None:
        self.published()
        store, place = self.published(body=b"other")
        assert (store.path(place).read_bytes(), store.digest(place)) == (
            b"other",
            sha256(b"other").hexdigest(),
        )

    def test_everything_is_listed_by_place_with_its_size(self) -> None:
        store = self.make()
        uids = [InstanceUid(f"2.25.{number}") for number in range(1, 21)]
        store.publish({staged(store, uid, BODY[: int(uid[5:])]): store.place(uid) for uid in uids})
        found = [(one.place, one.n_bytes) for one in store.entries()]
        assert found == sorted((store.place(uid), int(uid[5:])) for uid in uids)

    def test_what_is_removed_is_gone_and_strangers_are_no_error(self) -> None:
        store, place = self.published()
        store.remove(place)
        store.remove(store.place(TWO))
        assert list(store.entries()) == []
        assert not self.make().path(place).exists()
        for read in (store.digest, lambda at: list(store.stream(at))):
            with pytest.raises(NotFound):
                read(place)

    def test_a_staged_file_that_is_gone_is_told(self) -> None:
        store = self.make()
        with pytest.raises(FileNotFoundError):
            store.publish({"2.25.1_gone.part": store.place(ONE)})
