"""Download what a permit allows: every file checked against the manifest that the permit names.

What is there and right is not asked for again, so that the same call goes on where it stopped.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import file_digest
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import uuid4

from tessera.domain.access.permit import Action, PermittedDataset, Use
from tessera.domain.catalogue.manifest import InstanceEntry, Manifest, parse_manifest
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.ports.sealing import SealedReader
from tessera.ports.signing import Signer, Verifier
from tessera.ports.view import place_in_view
from tessera.wire.fetch import FetchReply, Part, unpack
from tessera.wire.keys import PublicKey
from tessera.wire.permit import use_payload
from tessera.wire.refusals import BadMessage, BadSeal, TooManyRequests, WrongRecipient

_WINDOW: Final = timedelta(seconds=280)
"""How long one question may wait for its node."""
_AT_ONCE: Final = 4
_RANGE: Final = 500
"""Instances that one worker asks for in a row."""
_TRIES: Final = 4
_SUFFIX: Final = ".part"
MANIFEST: Final = "manifest.json"
TABLES: Final = "tables"

Ask = Callable[[str], bytes]
"""Hands a signed use to the hub and returns the sealed answer of the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under what the questions are asked."""

    permit_id: str
    permit_sha256: str
    signer: Signer
    """The person's key."""
    verifier: Verifier
    reader: SealedReader
    """Made for this download."""
    now: Callable[[], datetime]


@dataclass(slots=True, kw_only=True)
class Fetched:
    """What one dataset version came to, in this call and before."""

    folder: Path
    n_files: int = 0
    n_bytes: int = 0
    n_there: int = 0
    """Files that an earlier call had brought."""
    n_left_out: int = 0
    """Instances of subjects who have opted out since."""
    filtered: list[str] = field(default_factory=list)
    """Tables without the rows of such subjects."""
    failed: list[str] = field(default_factory=list)
    """Files that did not come out right, each with its cause."""


class Fetch:
    """One dataset version of one node, into one folder."""

    def __init__(
        self,
        dataset: PermittedDataset,
        node_key: PublicKey,
        terms: Terms,
        ask: Ask,
        folder: Path,
        *,
        on_total: Callable[[int], None] = lambda n_bytes: None,
        on_bytes: Callable[[int], None] = lambda n_bytes: None,
    ) -> None:
        self._dataset = dataset
        self._node_key = node_key
        self._terms = terms
        self._ask = ask
        self._folder = folder
        self._on_total = on_total
        self._on_bytes = on_bytes
        self._lock = Lock()
        self.result = Fetched(folder=folder)

    def run(self) -> Fetched:
        """Bring what is missing. Raises what the hub or the node refuses with, Unavailable.

        A file that comes out wrong is in `failed`; the others go on.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest = self._manifest()
        self._on_total(sum(entry.n_bytes for entry in manifest.instances))
        for name, entry in manifest.tables.items():
            self._table(name, entry.sha256)
        missing = list(self._missing(manifest.instances))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            running = {
                pool.submit(self._range, manifest.instances, first, end)
                for first, end in _ranges(missing)
            }
            try:
                _raise_first(running)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return self.result

    def _manifest(self) -> Manifest:
        path = self._folder / MANIFEST
        if path.exists():
            manifest = parse_manifest(path.read_bytes())
        else:
            manifest = parse_manifest(self._part(Part()).content)
        if manifest.sha256 != self._dataset.manifest_sha256:
            raise InvalidInput(
                f"{path}: not the manifest that the permit names; use another folder"
            )
        _write(path, manifest.raw)
        return manifest

    def _table(self, name: str, expected: str) -> None:
        path = self._folder / TABLES / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        if path.exists() and _sha256(path) == expected:
            self.result.n_there += 1
            return
        content, part = bytearray(), Part(table=name)
        while True:
            reply = self._part(part)
            content += reply.content
            if reply.following is None:
                break
            part = reply.following
        _write(path, bytes(content))
        if reply.is_filtered:
            self.result.filtered.append(name)
        elif _sha256(path) != expected:
            path.unlink()
            self.result.failed.append(f"{path.name}: not the content that the manifest names")
            return
        self.result.n_files += 1
        self.result.n_bytes += len(content)

    def _missing(self, instances: Sequence[InstanceEntry]) -> Iterator[int]:
        for index, entry in enumerate(instances):
            path = self._place(entry)
            if path.is_file() and path.stat().st_size == entry.n_bytes:
                if _sha256(path) == entry.sha256:
                    self.result.n_there += 1
                    self._on_bytes(entry.n_bytes)
                    continue
                path.unlink()
            yield index

    def _range(self, instances: Sequence[InstanceEntry], first: int, end: int) -> None:
        begun = self._begun(instances[first])
        part: Part | None = Part(first=first, offset=begun, end=end)
        while part is not None:
            reply = self._part(part)
            place = 0
            for piece in reply.pieces:
                if not first <= piece.index < end:
                    raise WrongRecipient("the node answered with other files than were asked for")
                self._take(
                    instances[piece.index],
                    piece.offset,
                    reply.content[place : place + piece.n_bytes],
                )
                place += piece.n_bytes
            if reply.following == part:
                raise Unavailable("the node does not get on with its answer")
            with self._lock:
                self.result.n_left_out += len(reply.left_out)
            part = reply.following

    def _begun(self, entry: InstanceEntry) -> int:
        part = self._partial(entry)
        size = part.stat().st_size if part.exists() else 0
        if size < entry.n_bytes:
            return size
        part.unlink()
        return 0

    def _take(self, entry: InstanceEntry, offset: int, content: bytes) -> None:
        target, partial = self._place(entry), self._partial(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("ab" if offset else "wb") as file:
            if file.tell() != offset:
                raise BadMessage("offset", "the place where the file had stopped")
            file.write(content)
        self._on_bytes(len(content))
        if offset + len(content) < entry.n_bytes:
            return
        is_right = _sha256(partial) == entry.sha256
        if is_right:
            partial.replace(target)
        else:
            partial.unlink()
        with self._lock:
            if is_right:
                self.result.n_files += 1
                self.result.n_bytes += entry.n_bytes
            else:
                self.result.failed.append(f"{entry.path}: not the content that the manifest names")

    def _part(self, part: Part) -> FetchReply:
        """Ask for one part, again when the way there fails."""
        for turn in range(1, _TRIES + 1):
            try:
                return self._asked(part)
            except (Unavailable, TooManyRequests, BadSeal):
                if turn == _TRIES:
                    raise
                time.sleep(2**turn / 2)
        raise Unavailable("not asked")

    def _asked(self, part: Part) -> FetchReply:
        terms, now = self._terms, self._terms.now()
        use = Use(
            use_id=str(uuid4()),
            permit_id=terms.permit_id,
            permit_sha256=terms.permit_sha256,
            node_id=self._dataset.node_id,
            action=Action.FETCH,
            datasets=((self._dataset.dataset_id, self._dataset.version),),
            tool="",
            at=now,
            until=now + _WINDOW,
            reply_key=terms.reader.public_key,
            what=str(part),
        )
        sealed = self._ask(terms.signer.sign(use_payload(use)))
        token, content = unpack(terms.reader.open(sealed, use.use_id))
        reply = FetchReply.read(terms.verifier.verify(token, self._node_key), content)
        if reply.use_id != use.use_id or reply.part != part:
            raise WrongRecipient("the node answered another question")
        return reply

    def _place(self, entry: InstanceEntry) -> Path:
        return self._folder / place_in_view(entry.path)

    def _partial(self, entry: InstanceEntry) -> Path:
        place = self._place(entry)
        return place.with_name(place.name + _SUFFIX)


def _ranges(missing: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of runs without a gap, none longer than `_RANGE`."""
    first: int | None = None
    for place, index in enumerate(missing):
        first = index if first is None else first
        is_last = place + 1 == len(missing) or missing[place + 1] != index + 1
        if is_last or index + 1 - first >= _RANGE:
            yield first, index + 1
            first = None


def _raise_first(running: set[Future[None]]) -> None:
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for one in done:
            if isinstance(error := one.exception(), TesseraError | OSError):
                raise error
            one.result()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + _SUFFIX)
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
