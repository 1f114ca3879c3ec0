"""InstanceStore on S3: staged on the node's own disk, published to a bucket, read through a cache.

`research/staging` is as with a folder, so a kill or an outage between index and bucket leaves the
staged file, and the next run publishes it. `research/cache` holds copies of what was read or
written last; it can be removed at any time.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

from tessera.adapters.files.instance_store import FolderInstanceStore
from tessera.adapters.s3.bucket import S3Bucket
from tessera.domain.errors import NotFound
from tessera.ports.intake import ObjectEntry

_AT_ONCE: Final = 8
"""Files that go up at the same time."""
_LOW_WATER: Final = 0.8
"""Of the cache's room, after it was swept."""


class S3InstanceStore(FolderInstanceStore):
    """`bucket` holds what a folder store has in `instances/`, under the same names."""

    def __init__(self, research: Path, bucket: S3Bucket, *, cache_bytes: int) -> None:
        super().__init__(research)
        self.instances = research / "cache"
        self.instances.mkdir(exist_ok=True)
        self.bucket = bucket
        self._cache_bytes = cache_bytes
        self._fetched_bytes = cache_bytes  # sweeps at first use: another process may have filled it

    def path(self, place: str) -> Path:
        """Return a local copy, fetched and checked when there is none; it may not exist.

        Raises Unavailable, Conflict.
        """
        kept = self.instances / place
        try:
            os.utime(kept)
        except FileNotFoundError:
            self._fetch(place, kept)
        return kept

    def publish(self, staged: Mapping[str, str]) -> None:
        """Put staged files into the bucket, each whole, and keep them in the cache.

        Raises Unavailable: the files stay staged, and `recover` of the next run takes them up.
        """
        if len(staged) < 2:
            for name, place in staged.items():
                self._publish(name, place)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for done in [pool.submit(self._publish, *one) for one in staged.items()]:
                done.result()

    def entries(self) -> Iterator[ObjectEntry]:
        """Yield what the bucket holds: place and size, by place."""
        return self.bucket.entries()

    def find(self, place: str) -> ObjectEntry | None:
        """Return what the bucket says of a place, or None."""
        return self.bucket.find(place)

    def digest(self, place: str) -> str:
        """Return the SHA-256 of an object's content, read whole. Raises NotFound."""
        whole = sha256()
        for piece in self.bucket.stream(place):
            whole.update(piece)
        return whole.hexdigest()

    def stream(self, place: str, offset: int = 0, n_bytes: int = -1) -> Iterator[bytes]:
        """Yield a range without keeping a copy. Raises NotFound."""
        return self.bucket.stream(place, offset, n_bytes)

    def remove(self, place: str) -> None:
        """Remove an instance file; an unknown place is no error."""
        self.bucket.delete(place)
        (self.instances / place).unlink(missing_ok=True)

    def _publish(self, name: str, place: str) -> None:
        source, kept = self.staging / name, self.instances / place
        entry = self.bucket.put(place, source)
        kept.parent.mkdir(exist_ok=True)
        source.replace(kept)
        self._made_room(entry.n_bytes)

    def _fetch(self, place: str, kept: Path) -> None:
        kept.parent.mkdir(exist_ok=True)
        part = kept.with_name(f".{kept.name}.{uuid4().hex}")
        try:
            self.bucket.fetch(place, part)
        except NotFound:
            return
        part.replace(kept)
        self._made_room(kept.stat().st_size)

    def _made_room(self, n_bytes: int) -> None:
        """Remove what was used longest ago, once in a while, when the cache is too large."""
        self._fetched_bytes += n_bytes
        if self._fetched_bytes < self._cache_bytes // 10:
            return
        self._fetched_bytes = 0
        kept = [
            (status.st_mtime_ns, status.st_size, path)
            for path in self.instances.glob("*/*")
            for status in (path.stat(),)
        ]
        total = sum(size for _, size, _ in kept)
        if total <= self._cache_bytes:
            return
        for _, size, path in sorted(kept)[:-1]:  # the newest is in use now
            if total <= self._cache_bytes * _LOW_WATER:
                break
            path.unlink(missing_ok=True)
            total -= size
