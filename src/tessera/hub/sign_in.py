"""Who is there: passwords, sessions in a browser, tokens of programs."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import uuid4

from tessera.domain.access.passwords import plain_password
from tessera.domain.access.people import Person
from tessera.domain.access.sign_in import (
    FRESH,
    SESSION_IDLE,
    SESSION_LONGEST,
    TOKEN_LONGEST_DAYS,
    TOKEN_PREFIX,
    SignInAgain,
    SignInRefused,
    is_session_over,
)
from tessera.domain.audit import events
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.hub.sign_in_limits import SignInLimits
from tessera.ports.accounts import AccountRecord, PasswordHasher, SessionRecord, TokenRecord
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.wire.text import one_line

_SECRET_BYTES: Final = 32
_MAX_TOKENS: Final = 50
_NOTED_EVERY: Final = timedelta(minutes=1)
"""Not each request is a write to the disk."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sent a request, and by what; exactly one of session and token."""

    person: Person
    session: SessionRecord | None = None
    token: TokenRecord | None = None

    @property
    def since(self) -> datetime:
        by = self.session or self.token
        if by is None:
            raise ValueError("signed in by nothing")
        return by.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    store: HubStore
    clock: Clock
    audit: AuditLog
    hasher: PasswordHasher
    limits: SignInLimits

    def by_password(self, user_name: str, password: str, address: str) -> Person:
        """Return the person. Slow: call it from a thread.

        Raises SignInRefused, and SignInLater after too many attempts.
        """
        name = user_name.strip().lower()[:100]
        self.limits.attempt(name, address, self.clock.now())
        account = self.store.accounts.people.find_by_name(name)
        known = account.password_hash if account and not account.disabled else ""
        plain = plain_password(password[:1000])
        if not self.hasher.matches(known, plain) or account is None:
            who = account.person_id if account else ""
            self.audit.append(events.sign_in_failed(who), self.clock.now())
            raise SignInRefused("wrong user name or password, or a closed account")
        self.limits.succeeded(name, address)
        if self.hasher.is_outdated(known):
            self._rehash(account, plain)
        return account.person()

    def begin(self, person: Person, *, how: str, browser: str = "") -> str:
        """Begin a session and return its id, which is kept nowhere here. `how`: by what."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = self.clock.now()
        with self.store.transaction():
            self._require_open(person.person_id)
            self.store.accounts.sessions.forget(
                last_used_before=now - SESSION_IDLE, created_before=now - SESSION_LONGEST
            )
            self.store.accounts.sessions.add(
                SessionRecord(
                    session_sha256=hashed(secret),
                    person_id=person.person_id,
                    browser=one_line(browser, 200),
                    created_at=now,
                    last_used=now,
                )
            )
            self.audit.append(events.signed_in(person.person_id, how), now)
        return secret

    def by_session(self, secret: str) -> SignedIn | None:
        """Return who has this session; None when it is over, ended or was never."""
        accounts, now = self.store.accounts, self.clock.now()
        session = accounts.sessions.find(hashed(secret))
        if session is None or is_session_over(session.created_at, session.last_used, now):
            return None
        account = accounts.people.find(session.person_id)
        if account is None or account.disabled:
            return None
        if now - session.last_used > _NOTED_EVERY:
            accounts.sessions.seen(session.session_sha256, now)
        return SignedIn(account.person(), session=session)

    def end(self, secret: str) -> None:
        """End a session; one that is over already is no error."""
        self.store.accounts.sessions.end(hashed(secret))

    def end_session(self, person_id: str, session_sha256: str) -> None:
        """End one of the person's own sessions. Raises NotFound."""
        session = self.store.accounts.sessions.find(session_sha256)
        if session is None or session.person_id != person_id:
            raise NotFound("no such session")
        self.store.accounts.sessions.end(session_sha256)

    def new_token(
        self, person: Person, name: str, days: int = TOKEN_LONGEST_DAYS, *, how: str = ""
    ) -> tuple[str, TokenRecord]:
        """Make a token and return it with its record; only its hash is kept.

        `how`: by what the person signed in for it, when this is a sign-in of its own.
        Raises InvalidInput, Conflict when the person has too many.
        """
        if not 1 <= days <= TOKEN_LONGEST_DAYS:
            raise InvalidInput(f"a token is valid for 1 to {TOKEN_LONGEST_DAYS} days")
        label = one_line(" ".join(name.split()), 100)
        if not label:
            raise InvalidInput("give the token a name, such as the computer it is for")
        secret = TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        now = self.clock.now()
        record = TokenRecord(
            token_id=str(uuid4()),
            token_sha256=hashed(secret),
            person_id=person.person_id,
            name=label,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        tokens = self.store.accounts.tokens
        with self.store.transaction():
            self._require_open(person.person_id)
            tokens.forget(now)
            if len(tokens.of(person.person_id)) >= _MAX_TOKENS:
                raise Conflict(f"at most {_MAX_TOKENS} tokens: revoke one that is not used")
            tokens.add(record)
            if how:
                self.audit.append(events.signed_in(person.person_id, how), now)
            self.audit.append(events.token_made(person.person_id, record.token_id, days), now)
        return secret, record

    def by_token(self, secret: str) -> SignedIn | None:
        """Return who has this token; None when it has run out, was revoked or never was."""
        accounts, now = self.store.accounts, self.clock.now()
        token = accounts.tokens.find(hashed(secret))
        if token is None or now >= token.expires_at:
            return None
        account = accounts.people.find(token.person_id)
        if account is None or account.disabled:
            return None
        if token.last_used is None or now - token.last_used > _NOTED_EVERY:
            accounts.tokens.seen(token.token_id, now)
        return SignedIn(account.person(), token=token)

    def revoke_token(self, person_id: str, token_id: str) -> None:
        """Revoke one of the person's own tokens. Raises NotFound."""
        with self.store.transaction():
            if not self.store.accounts.tokens.end(person_id, token_id):
                raise NotFound("no such token")
            self.audit.append(events.token_revoked(person_id, token_id), self.clock.now())

    def require_fresh(self, by: SignedIn) -> None:
        """Raise SignInAgain unless the sign-in, or the token, is of the last minutes."""
        if self.clock.now() - by.since > FRESH:
            raise SignInAgain("sign in again, or make a new token: this one is too old for that")

    def _require_open(self, person_id: str) -> None:
        """Between the check of a password and this, the account may have been closed."""
        account = self.store.accounts.people.find(person_id)
        if account is None or account.disabled:
            raise SignInRefused("the account is closed")

    def _rehash(self, account: AccountRecord, password: str) -> None:
        stronger = self.hasher.hashed(password)
        with self.store.transaction():
            now = self.store.accounts.people.find(account.person_id)
            if now is not None and now.password_hash == account.password_hash:
                self.store.accounts.people.change(replace(now, password_hash=stronger))


def hashed(secret: str) -> str:
    """Return the form in which a random secret of 256 bits is kept: it needs no slow hash."""
    return sha256(secret.encode()).hexdigest()
