"""One bucket (or a prefix in it): put whole files, read ranges, and wait for a store that is away.

Every object carries the SHA-256 of its content, which the store checks on the way in (the
checksum header) and readers check on the way out.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Final, TypeVar

import obstore
from obstore import exceptions
from obstore.store import S3Store

from tessera.domain.errors import Conflict, InvalidSettings, NotFound, Unavailable
from tessera.ports.intake import ObjectEntry

T = TypeVar("T")
PATIENCE_S: Final = 60.0
"""How long a call waits for a store that does not answer, before it raises Unavailable."""
PART_BYTES: Final = 8 << 20
"""Larger files go up in parts of this size, and come down in ranges of it."""
_PAGE = 1000
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 4.0
_HASH: Final = "sha256"
"""The object's own metadata: `x-amz-meta-sha256`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSettings:
    bucket: str
    prefix: str = ""
    endpoint: str = ""
    """Empty is Amazon's own."""
    region: str = ""
    access_key: str = ""
    """Empty: what the machine has (AWS_* variables, or the role of a cloud host)."""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    timeout_s: int = 30
    """For one request."""


class S3Bucket:
    def __init__(self, settings: BucketSettings, *, patience_s: float = PATIENCE_S) -> None:
        """Nothing is asked of the store yet. Raises InvalidSettings."""
        self._settings, self._patience_s = settings, patience_s
        options: dict[str, str] = {}
        if settings.region:
            options["region"] = settings.region
        if settings.access_key:
            options["access_key_id"] = settings.access_key
            options["secret_access_key"] = settings.secret_key
        if settings.session_token:
            options["session_token"] = settings.session_token
        if settings.endpoint:
            options["endpoint"] = settings.endpoint
        try:
            self._store = S3Store(
                settings.bucket,
                prefix=settings.prefix or None,
                client_options={
                    "allow_http": True,  # of an endpoint that says http:// itself
                    "timeout": f"{settings.timeout_s}s",
                    "connect_timeout": "5s",
                },
                retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
                virtual_hosted_style_request=False,
                checksum_algorithm="SHA256",
                **options,  # type: ignore[arg-type]
            )
        except (exceptions.BaseError, ValueError) as err:
            raise InvalidSettings(f"the S3 settings cannot be used: {type(err).__name__}") from None

    def __repr__(self) -> str:
        return f"S3Bucket({self._settings.bucket!r}, {self._settings.prefix!r})"

    def require(self) -> None:
        """Raise Conflict when there is no such bucket, or it may not be listed."""
        self._patiently(lambda: next(iter(obstore.list(self._store, chunk_size=1)), None))

    def put(self, key: str, path: Path) -> ObjectEntry:
        """Store a file whole or not at all, in place of what was there.

        Returns what the store then holds, read back from it. Raises FileNotFoundError when
        there is no such file, Conflict when the store has something else than was sent.
        """
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            n_bytes = file.tell()

            def send() -> None:
                file.seek(0)
                obstore.put(
                    self._store,
                    key,
                    file,
                    attributes={"Content-Type": "application/dicom", _HASH: digest},
                    use_multipart=n_bytes > PART_BYTES,
                    chunk_size=PART_BYTES,
                    max_concurrency=4,
                )

            self._patiently(send)
        found = self.find(key)
        if found is None or (found.n_bytes, found.sha256) != (n_bytes, digest):
            raise Conflict("the object store does not hold what was sent to it; try again")
        return found

    def find(self, key: str) -> ObjectEntry | None:
        """Return what the store says of an object, or None when there is none."""

        def ask() -> ObjectEntry | None:
            try:
                found = obstore.get(self._store, key, options={"head": True})
            except FileNotFoundError:
                return None
            digest = found.attributes.get(_HASH, "")
            return ObjectEntry(key, found.meta["size"], digest)

        return self._patiently(ask)

    def stream(self, key: str, offset: int = 0, n_bytes: int = -1) -> Iterator[bytes]:
        """Yield a range of an object, or all from `offset`; it goes on after a lost connection.

        Raises NotFound.
        """
        if n_bytes < 0:
            entry = self.find(key)
            if entry is None:
                raise NotFound("there is no such object in the store")
            n_bytes = entry.n_bytes - offset
        end = offset + n_bytes
        while offset < end:
            length = min(PART_BYTES, end - offset)
            piece = self._patiently(lambda at=offset, n=length: self._range(key, at, n))  # type: ignore[misc]
            yield piece
            offset += len(piece)

    def fetch(self, key: str, path: Path) -> str:
        """Write an object into a new file and return its SHA-256; a failure leaves no file.

        Raises NotFound, and Conflict when it is not what was once put there.
        """
        entry = self.find(key)
        if entry is None:
            raise NotFound("there is no such object in the store")
        try:
            with path.open("xb") as file:
                for piece in self.stream(key, 0, entry.n_bytes):
                    file.write(piece)
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            if entry.sha256 and digest != entry.sha256:
                raise Conflict(f"the object {key} has changed in the store; see tessera node fsck")
        except FileExistsError:
            raise
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return digest

    def entries(self) -> Iterator[ObjectEntry]:
        """Yield every object, by key ascending; their hashes are not told."""
        after: str | None = None
        while True:
            page = self._patiently(lambda at=after: self._page(at))  # type: ignore[misc]
            if not page:
                return
            yield from page
            after = page[-1].place

    def delete(self, key: str) -> None:
        """Remove an object; an unknown key is no error."""

        def send() -> None:
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                return

        self._patiently(send)

    def _range(self, key: str, offset: int, n_bytes: int) -> bytes:
        try:
            piece = bytes(obstore.get_range(self._store, key, start=offset, length=n_bytes))
        except FileNotFoundError as err:
            raise NotFound("there is no such object in the store") from err
        if len(piece) != n_bytes:
            raise NotFound(f"the object {key} is shorter than it was; see tessera node fsck")
        return piece

    def _page(self, after: str | None) -> list[ObjectEntry]:
        found = next(iter(obstore.list(self._store, offset=after, chunk_size=_PAGE)), [])
        return [ObjectEntry(one["path"], one["size"]) for one in found]

    def _patiently(self, attempt: Callable[[], T]) -> T:
        until, wait = time.monotonic() + self._patience_s, _FIRST_WAIT_S
        while True:
            try:
                return attempt()
            except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as err:
                raise Conflict(
                    f"the object store refuses this ({type(err).__name__}): look at the key and at "
                    "what it may do in the bucket"
                ) from None
            except FileNotFoundError as err:
                if err.filename:  # a file of ours
                    raise
                raise _no_bucket(self._settings.bucket) from None
            except exceptions.BaseError as err:
                if "NoSuchBucket" in str(err):
                    raise _no_bucket(self._settings.bucket) from None
                if time.monotonic() + wait > until:
                    raise Unavailable(
                        f"the object store does not answer ({type(err).__name__}); nothing is "
                        "lost. When it answers, the node goes on by itself, and a command goes "
                        "on when it is run again"
                    ) from None
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_S)


def _no_bucket(name: str) -> Conflict:
    return Conflict(f"the object store has no bucket {name}: is s3_bucket right?")
