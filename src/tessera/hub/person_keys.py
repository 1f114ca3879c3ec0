"""The keys with which people sign what they ask of a node."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from tessera.domain.access.people import Person
from tessera.domain.audit import events
from tessera.domain.errors import Conflict, NotFound
from tessera.hub.sign_in import SignedIn, SignIns
from tessera.ports.accounts import KeyRecord
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.ports.signing import Signer, Verifier
from tessera.wire.accounts import KeyProof
from tessera.wire.refusals import BadSignature, WrongRecipient, WrongTime

_VALID: Final = timedelta(minutes=5)
_MAX_KEYS: Final = 20
_MAX_CHALLENGES: Final = 1000
_MAX_OF_ONE: Final = 5
"""Challenges of one person: nobody pushes out those of others."""

OnKey = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKeys:
    store: HubStore
    clock: Clock
    audit: AuditLog
    verifier: Verifier
    signer: Signer
    """The hub's: a proof names its key."""
    sign_ins: SignIns
    on_key: list[OnKey] = field(default_factory=list)
    """Each is called with a person's id after a key of that person was added."""
    _challenges: OrderedDict[str, tuple[str, datetime]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def hub_key(self) -> str:
        """Return the fingerprint of the hub's key."""
        return self.signer.public_key.fingerprint

    def challenge(self, by: SignedIn) -> str:
        """Return a text to sign within 5 minutes, once. Raises SignInAgain."""
        self.sign_ins.require_fresh(by)
        text = secrets.token_urlsafe(32)
        with self._lock:
            mine = [t for t, (who, _) in self._challenges.items() if who == by.person.person_id]
            for old in mine[: 1 - _MAX_OF_ONE]:
                del self._challenges[old]
            self._challenges[text] = (by.person.person_id, self.clock.now() + _VALID)
            while len(self._challenges) > _MAX_CHALLENGES:
                self._challenges.popitem(last=False)
        return text

    def add(self, person: Person, token: str) -> KeyRecord:
        """Register the key that signed the proof `token`. The same key again changes nothing.

        Raises BadSignature, BadMessage, WrongType, WrongRecipient, WrongTime, Conflict.
        """
        claimed = KeyProof.read(self.verifier.unverified(token))
        proof = KeyProof.read(self.verifier.verify(token, claimed.public_key))
        if proof.hub != self.hub_key:
            raise WrongRecipient("the proof is for another hub")
        if proof.person_id != person.person_id:
            raise BadSignature("the proof is of another person")
        self._use(proof.challenge, person)
        now = self.clock.now()
        record = KeyRecord(
            public_key=proof.public_key,
            person_id=person.person_id,
            label=proof.label or "key",
            created_at=now,
        )
        with self.store.transaction():
            known = self.store.accounts.keys.find(record.public_key.fingerprint)
            if known and known.person_id == person.person_id and known.revoked_at is None:
                return known
            if len(self.active(person.person_id)) >= _MAX_KEYS:
                raise Conflict(f"at most {_MAX_KEYS} keys: revoke one that is not used")
            self.store.accounts.keys.add(record)
            added = events.person_key_added(person.person_id, record.public_key.fingerprint)
            self.audit.append(added, now)
        for told in tuple(self.on_key):
            told(person.person_id)
        return record

    def active(self, person_id: str) -> Sequence[KeyRecord]:
        """Return the keys that count, first added first."""
        return [key for key in self.store.accounts.keys.of(person_id) if key.revoked_at is None]

    def revoke(self, person_id: str, fingerprint: str) -> None:
        """Revoke one of the person's own keys for new permits. Raises NotFound."""
        now = self.clock.now()
        with self.store.transaction():
            if not self.store.accounts.keys.revoke(person_id, fingerprint, now):
                raise NotFound("no such key")
            self.audit.append(events.person_key_revoked(person_id, fingerprint), now)

    def _use(self, challenge: str, person: Person) -> None:
        with self._lock:
            whose, until = self._challenges.pop(challenge, ("", self.clock.now()))
        if whose != person.person_id or self.clock.now() >= until:
            raise WrongTime("the challenge is unknown, used or too old: ask for a new one")
