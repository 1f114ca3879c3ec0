"""AuditLog in a folder.

log.jsonl    one canonical JSON line for each entry; the log itself, synced at each append
tree.bin     the hashes of the tree (`tessera.domain.audit.stored`); made again when it is lost
heads.jws    the heads that this party has signed, oldest first
lock         held while one of them is changed
KEPT/PARTY.jws, KEPT/PARTY.forked.jws   heads of another party, and those against them
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tessera.adapters.audit.kept import KeptHeads
from tessera.adapters.audit.lines import LineFile
from tessera.domain.audit.entry import Entry, Event
from tessera.domain.audit.head import TreeHead
from tessera.domain.audit.stored import StoredTree, stored_count, stored_size
from tessera.domain.audit.tree import HASH_BYTES, consistency_proof, leaf_hash
from tessera.domain.errors import Conflict, InvalidInput, InvalidSettings
from tessera.ports.audit_log import Verdict
from tessera.ports.signing import Signer, Verifier
from tessera.wire.heads import ShownHead
from tessera.wire.keys import Keys, PublicKey
from tessera.wire.refusals import BadSignature


class AuditFolder:
    def __init__(
        self, folder: Path, *, kept: Path, signer: Signer | None, verifier: Verifier
    ) -> None:
        """`signer` is None while the party has no key yet: then it writes and signs nothing."""
        self.folder = folder
        self._kept_folder = kept
        self._signer = signer
        self._verifier = verifier
        self._log = LineFile(folder / "log.jsonl")
        self._heads = LineFile(folder / "heads.jws")
        self._tree_file = folder / "tree.bin"
        for path in (folder, kept):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def append(self, event: Event, at: datetime) -> Entry:
        (entry,) = self._append((event,), at)
        return entry

    def append_all(self, events: Sequence[Event], at: datetime) -> None:
        if events:
            self._append(events, at)

    def _append(self, events: Sequence[Event], at: datetime) -> list[Entry]:
        with self._locked():
            tree = self._tree()
            entries = [
                Entry(index=index, at=at, event=event)
                for index, event in enumerate(events, start=tree.size)
            ]
            lines = [entry.encode() for entry in entries]
            self._log.append(b"\n".join(lines))
            for line in lines:
                # After the log, so that it never holds more than the log; it needs no sync.
                _append(self._tree_file, tree.added(leaf_hash(line)))
                tree = StoredTree(tree.size + 1, self._hash)
        return entries

    def entries(self, since: int = 0) -> Iterator[Entry]:
        for index, line in enumerate(self._log.lines()):
            if index >= since:
                try:
                    yield Entry.decode(line)
                except InvalidInput as err:
                    raise self._damaged(f"entry {index} cannot be read") from err

    def show(self, at: datetime, *, party: str, kept_there: int) -> ShownHead:
        kept = self._kept(party).size
        with self._locked():
            tree = self._tree()
            if tree.size == 0:
                return ShownHead(kept=kept)
            token = self._newest_head(tree, at)
            since = kept_there if 0 < kept_there <= tree.size else 0
            proof = consistency_proof(since, tree.size, tree.hash_of)
        return ShownHead(head=token, since=since, proof=proof, kept=kept)

    def keep(self, party: str, key: PublicKey | Keys, shown: ShownHead) -> Verdict:
        with self._locked():
            return self._kept(party).keep(key, shown)

    def _kept(self, party: str) -> KeptHeads:
        return KeptHeads(self._kept_folder, party, self._verifier)

    def _newest_head(self, tree: StoredTree, at: datetime) -> str:
        """Return the last head when it covers the log, else a new one that goes on from it."""
        if self._signer is None:
            raise InvalidSettings(f"{self.folder}: no key to sign the head with")
        line, torn = self._heads.ends()
        # Nobody was told a torn head: it is shown only after it has been synced.
        self._heads.mend(torn)
        if line:
            last = self._read_head(line)
            if last.size > tree.size or tree.root(last.size) != last.root:
                raise self._damaged(f"it does not go on from the head of {last.size} entries")
            if last.size == tree.size:
                return line.decode("ascii")
        token = self._signed(self._signer, tree, at)
        with self._tree_file.open("rb") as file:
            os.fsync(file.fileno())
        self._heads.append(token.encode("ascii"))
        return token

    def _signed(self, signer: Signer, tree: StoredTree, at: datetime) -> str:
        """Return a head that names the key by which it is signed, also while that changes."""
        while True:
            log_id = signer.public_key.fingerprint
            head = TreeHead(log_id=log_id, size=tree.size, root=tree.root(tree.size), at=at)
            token = signer.sign(head.encode())
            if self._verifier.key_name(token) == log_id:
                return token

    def _read_head(self, line: bytes) -> TreeHead:
        try:
            return TreeHead.decode(self._verifier.unverified(line.decode("ascii")))
        except (ValueError, BadSignature) as err:
            raise self._damaged("the last line of heads.jws cannot be read") from err

    def _tree(self) -> StoredTree:
        """Return the tree over the log after mending what a kill left. Raises Conflict."""
        line, torn = self._log.ends()
        try:
            size = Entry.decode(line).index + 1 if line else 0
        except InvalidInput as err:
            raise self._damaged("its last line cannot be read") from err
        if torn:
            newest, _ = self._heads.ends()
            if newest and self._read_head(newest).size > size:
                raise self._damaged(f"entry {size} is cut off, and a signed head covers it")
            self._log.mend(torn)
        self._tree_file.touch(mode=0o600)
        n_hashes = self._tree_file.stat().st_size // HASH_BYTES
        if n_hashes > stored_count(size) and stored_size(n_hashes) > size:
            raise self._damaged(f"it has {size} entries and had more")
        tree = StoredTree(size, self._hash)
        if n_hashes != stored_count(size):
            tree = self._catch_up(stored_size(n_hashes), size)
        if line and tree.leaf(size - 1) != leaf_hash(line):
            raise self._damaged(f"entry {size - 1} is not what was written")
        return tree

    def _catch_up(self, done: int, size: int) -> StoredTree:
        """Add the hashes that a kill kept from being written; those there stay as they are."""
        os.truncate(self._tree_file, stored_count(done) * HASH_BYTES)
        tree = StoredTree(done, self._hash)
        with self._tree_file.open("ab", buffering=0) as file:
            for index, line in enumerate(self._log.lines()):
                if index >= done:
                    file.write(b"".join(tree.added(leaf_hash(line))))
                    tree = StoredTree(index + 1, self._hash)
        if tree.size != size:
            raise self._damaged(f"it has {tree.size} lines and its last entry is {size - 1}")
        return tree

    def _hash(self, place: int) -> bytes:
        with self._tree_file.open("rb", buffering=0) as file:
            file.seek(place * HASH_BYTES)
            return file.read(HASH_BYTES)

    def _damaged(self, what: str) -> Conflict:
        return Conflict(
            f"the audit log in {self.folder} is damaged: {what}; see `tessera audit verify "
            f"{self.folder.parent}`, and restore the folder from a backup"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _append(path: Path, hashes: tuple[bytes, ...]) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(b"".join(hashes))
