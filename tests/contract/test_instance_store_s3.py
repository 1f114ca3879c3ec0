"""The instance store in a bucket, against the specification of a folder's, and its own."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any
from uuid import uuid4

import pytest

pytest.importorskip("obstore", reason="the extra `s3` is not installed")

import obstore

from tessera.adapters.s3 import BucketSettings, S3Bucket, S3InstanceStore
from tessera.adapters.s3 import bucket as bucket_module
from tessera.domain.errors import Conflict, Unavailable
from tessera.testing.instance_store import BODY, ONE, TWO, InstanceStoreContract, staged
from tests.s3_server import S3Server, running_s3


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as running:
        yield running


@pytest.fixture(autouse=True)
def _way_is_open(server: S3Server) -> Iterator[None]:
    yield
    server.way.mode = "open"


def bucket_of(server: S3Server, *, patience_s: float = 20, **changed: Any) -> S3Bucket:
    settings: dict[str, Any] = {**server.settings(), "timeout_s": 5, **changed}
    return S3Bucket(BucketSettings(**settings), patience_s=patience_s)


@pytest.fixture
def store(server: S3Server, tmp_path: Path) -> S3InstanceStore:
    return S3InstanceStore(tmp_path, bucket_of(server), cache_bytes=1 << 30)


class TestS3InstanceStore(InstanceStoreContract):
    @pytest.fixture(autouse=True)
    def _bucket(self, server: S3Server, tmp_path: Path) -> None:
        self.folder, self.bucket = tmp_path, bucket_of(server)

    def make(self) -> S3InstanceStore:
        """Each with a cache of its own, so that all is read from the bucket."""
        made = S3InstanceStore(self.folder, self.bucket, cache_bytes=1 << 30)
        made.instances = self.folder / uuid4().hex
        made.instances.mkdir()
        return made


def test_a_large_file_goes_up_in_parts_and_comes_down_in_ranges(store: S3InstanceStore) -> None:
    body = bytes(range(251)) * 70_000
    assert len(body) > 2 * (8 << 20)
    store.publish({staged(store, ONE, body): store.place(ONE)})
    assert b"".join(store.stream(store.place(ONE), 8_388_600, 20)) == body[8_388_600:8_388_620]
    store.path(store.place(ONE)).unlink()
    assert store.path(store.place(ONE)).read_bytes() == body
    meta = obstore.head(store.bucket._store, store.place(ONE))
    assert str(meta["e_tag"]).strip('"').endswith("-3"), "three parts"


@pytest.mark.parametrize("mode", ["500", "silent", "cut"])
def test_a_store_that_fails_for_a_while_is_waited_for(
    server: S3Server, tmp_path: Path, mode: str
) -> None:
    bucket = bucket_of(server, timeout_s=1)
    store = S3InstanceStore(tmp_path, bucket, cache_bytes=1 << 30)
    server.way.cut_after, server.way.n_refused = 40, 0
    server.way.mode = mode
    mended = Timer(0.5, setattr, (server.way, "mode", "open"))
    mended.start()
    store.publish({staged(store, ONE): store.place(ONE)})
    assert server.way.n_refused, "it was in the way"
    assert store.digest(store.place(ONE)) == sha256(BODY).hexdigest()
    mended.join()


def test_a_store_that_stays_away_is_told_and_nothing_is_lost(
    server: S3Server, tmp_path: Path
) -> None:
    settings = server.settings()
    store = S3InstanceStore(
        tmp_path, bucket_of(server, patience_s=0.3, **settings), cache_bytes=1 << 30
    )
    name = staged(store, ONE)
    server.way.mode = "500"
    with pytest.raises(Unavailable, match="nothing is lost") as told:
        store.publish({name: store.place(ONE)})
    assert settings["secret_key"] not in f"{told.value}{store.bucket!r}{store.bucket._settings!r}"
    with pytest.raises(Unavailable):
        store.path(store.place(TWO))
    assert store.leftovers() == {name: ONE}
    server.way.mode = "open"
    store.publish({name: store.place(ONE)})
    assert [one.place for one in store.entries()] == [store.place(ONE)]


def test_an_object_that_was_changed_is_not_handed_out(store: S3InstanceStore) -> None:
    store.publish({staged(store, ONE): store.place(ONE)})
    store.path(store.place(ONE)).unlink()
    found = obstore.get(store.bucket._store, store.place(ONE), options={"head": True})
    obstore.put(store.bucket._store, store.place(ONE), b"other", attributes=found.attributes)
    with pytest.raises(Conflict, match="has changed"):
        store.path(store.place(ONE))
    assert list(store.instances.glob("*/*")) == []


def test_the_cache_keeps_to_its_room_and_gives_up_the_oldest(
    server: S3Server, tmp_path: Path
) -> None:
    store = S3InstanceStore(tmp_path, bucket_of(server), cache_bytes=50_000)
    uids = [type(ONE)(f"2.25.{number}") for number in range(20)]
    for uid in uids:
        store.publish({staged(store, uid): store.place(uid)})
    kept = list(store.instances.glob("*/*"))
    assert sum(path.stat().st_size for path in kept) <= 50_000
    assert (store.instances / store.place(uids[-1])).exists()
    assert len(list(store.entries())) == 20
    assert store.path(store.place(uids[0])).read_bytes() == BODY


def test_a_bucket_that_is_not_there_is_told(server: S3Server, tmp_path: Path) -> None:
    bucket = bucket_of(server, bucket="no-such-bucket", patience_s=0.2)
    with pytest.raises(Conflict, match="no bucket"):
        bucket.require()
    store = S3InstanceStore(tmp_path, bucket, cache_bytes=1)
    name = staged(store, ONE)
    with pytest.raises(Conflict, match="no bucket"):
        store.publish({name: store.place(ONE)})
    assert store.leftovers() == {name: ONE}


def test_more_objects_than_one_answer_holds_are_listed(
    store: S3InstanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "_PAGE", 4)
    for number in range(9):
        obstore.put(store.bucket._store, f"00/{number}.dcm", b"x")
    assert [one.place for one in store.entries()] == [f"00/{n}.dcm" for n in range(9)]
