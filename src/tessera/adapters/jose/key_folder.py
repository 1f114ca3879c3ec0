"""KeyRing: a party's private key as a file that may be renewed while programs use it.

NAME            the key of now
NAME.next       the key that comes next, while a renewal is under way
NAME.former     the key before, as long as it still answers for this party
NAME.renewals   the signed renewals, oldest first; public
NAME.lock       held by the one process that renews

The key of now changes when NAME.next is renamed to NAME, in one step, and last.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock

from tessera.adapters.audit.lines import LineFile, sync_folder
from tessera.adapters.jose.ed25519 import Ed25519Signer, Ed25519Verifier
from tessera.domain.errors import Conflict, InvalidInput, InvalidSettings
from tessera.ports.signing import Signer
from tessera.wire.envelope import OVERLAP
from tessera.wire.keys import FormerKey, Keys, PublicKey
from tessera.wire.refusals import BadSignature
from tessera.wire.renewal import Renewal

_log = logging.getLogger(__name__)
_VERIFIER = Ed25519Verifier()


class KeyFolder:
    def __init__(self, path: Path) -> None:
        """Read the key pair. Raises InvalidSettings when it cannot be read."""
        self.path = path
        self._guard = Lock()
        self._stamp = (0, 0)
        self._signer = Ed25519Signer.load(path)
        self._chain: tuple[tuple[str, Renewal], ...] = ()
        self._now()

    @classmethod
    def create(cls, path: Path) -> "KeyFolder":
        """Make the first key pair. Raises FileExistsError."""
        Ed25519Signer.create(path)
        return cls(path)

    @property
    def public_key(self) -> PublicKey:
        return self._now()[0].public_key

    def sign(self, payload: bytes) -> str:
        return self._now()[0].sign(payload)

    def keys(self) -> Keys:
        signer, chain = self._now()
        former = (FormerKey(one.former, one.at + OVERLAP) for _, one in chain)
        return Keys(signer.public_key, tuple(former))

    def speaking(self, fingerprint: str, now: datetime) -> Signer | None:
        signer, _ = self._now()
        if signer.public_key.fingerprint == fingerprint:
            return signer
        if not self.keys().speaks(fingerprint, now):
            self._drop_former(now)
            return None
        try:
            former = Ed25519Signer.load(self._beside("former"))
        except InvalidSettings:
            return None
        return former if former.public_key.fingerprint == fingerprint else None

    def renewals(self, fingerprint: str) -> Sequence[str]:
        _, chain = self._now()
        names = [one.former.fingerprint for _, one in chain]
        if fingerprint not in names:
            return ()
        return tuple(token for token, _ in chain[names.index(fingerprint) :])

    def is_prepared(self) -> bool:
        return self._beside("next").exists()

    def prepare(self) -> Signer:
        path, half = self._beside("next"), self._beside("tmp")
        if not path.exists():
            half.unlink(missing_ok=True)
            Ed25519Signer.create(half)
            half.rename(path)
            sync_folder(path.parent)
        return Ed25519Signer.load(path)

    def adopt(self, renewal: str, *, keeps_former: bool) -> None:
        """As the port says. Raises Conflict unless `renewal` leads from now's key to the next."""
        if not self.is_prepared():
            raise Conflict("no key is prepared")
        said = Renewal.read(_VERIFIER.unverified(renewal))
        if (said.former, said.key) != (self.public_key, self.prepare().public_key):
            raise Conflict("the renewal is of other keys than those here")
        self._write_down(renewal)
        former = self._beside("former")
        former.unlink(missing_ok=True)
        if keeps_former:
            os.link(self.path, former)
        self._beside("next").rename(self.path)
        sync_folder(self.path.parent)

    @contextmanager
    def renewing(self) -> Iterator[None]:
        descriptor = os.open(self._beside("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise Conflict("this key is being renewed already") from err
            yield
        finally:
            os.close(descriptor)

    def _now(self) -> tuple[Ed25519Signer, tuple[tuple[str, Renewal], ...]]:
        """Return the key of now and the renewals that lead to it; read anew when it changed."""
        with self._guard:
            stamp = self._seen()
            if stamp != self._stamp:
                try:
                    signer = Ed25519Signer.load(self.path)
                    self._chain = _leading_to(signer.public_key, self._written())
                    self._signer = signer
                except (OSError, InvalidSettings) as err:
                    # A file that was damaged meanwhile stops no program that has read it.
                    _log.error("%s; going on with the key that was read before", err)
                self._stamp = stamp
            return self._signer, self._chain

    def _seen(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return -1, -1
        return found.st_mtime_ns, found.st_ino

    def _drop_former(self, now: datetime) -> None:
        """Delete the private half of the key before this one once it answers for nobody."""
        if not any(now <= one.until for one in self.keys().former):
            self._beside("former").unlink(missing_ok=True)

    def _write_down(self, renewal: str) -> None:
        file = LineFile(self._beside("renewals"))
        file.mend(file.ends()[1])
        file.append(renewal.encode("ascii"))

    def _written(self) -> list[str]:
        return [line.decode("ascii") for line in LineFile(self._beside("renewals")).lines()]

    def _beside(self, what: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{what}")


def _leading_to(key: PublicKey, tokens: Sequence[str]) -> tuple[tuple[str, Renewal], ...]:
    """Return the renewals that lead to `key`, oldest first; others were never finished."""
    by_key: dict[PublicKey, tuple[str, Renewal]] = {}
    for token in tokens:
        with suppress(BadSignature, InvalidInput):
            renewal = Renewal.read(_VERIFIER.unverified(token))
            by_key[renewal.key] = (token, renewal)
    chain: list[tuple[str, Renewal]] = []
    while key in by_key:
        chain.append(by_key.pop(key))
        key = chain[-1][1].former
    return tuple(reversed(chain))
