"""Ports: people of the hub, their sessions, tokens and keys. No secret is kept in the clear."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tessera.domain.access.people import Grant, Person
from tessera.wire.keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    person_id: str
    user_name: str
    """As typed to sign in; empty for somebody who signs in at an OpenID provider only."""
    name: str
    organisation: str
    email: str
    grants: frozenset[Grant] = frozenset()
    password_hash: str = field(default="", repr=False)
    """Empty: there is no password to sign in with."""
    disabled: bool = False
    created_at: datetime

    def person(self) -> Person:
        return Person(
            person_id=self.person_id,
            name=self.name,
            organisation=self.organisation,
            email=self.email,
            grants=self.grants,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRecord:
    """A one-time link with which a person sets a password."""

    code_sha256: str
    person_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    session_sha256: str
    """The id itself is in the browser's cookie and nowhere else."""
    person_id: str
    browser: str
    created_at: datetime
    last_used: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    token_id: str
    token_sha256: str
    person_id: str
    name: str
    created_at: datetime
    expires_at: datetime
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    public_key: PublicKey
    person_id: str
    label: str
    created_at: datetime
    revoked_at: datetime | None = None


class PeopleStore(Protocol):
    def add(self, account: AccountRecord) -> None:
        """Add an account. Raises Conflict when its id or its user name is taken."""
        ...

    def find(self, person_id: str) -> AccountRecord | None: ...

    def find_by_name(self, user_name: str) -> AccountRecord | None: ...

    def all(self) -> Sequence[AccountRecord]:
        """Return every account, first made first."""
        ...

    def change(self, account: AccountRecord) -> None:
        """Replace the account with the same id. Raises NotFound."""
        ...


class LinkStore(Protocol):
    """How a person gets in without a password: invitations, and identities elsewhere."""

    def invite(self, invitation: InvitationRecord) -> None:
        """Keep an invitation; earlier ones of the same person are void."""
        ...

    def find_invitation(self, code_sha256: str) -> InvitationRecord | None: ...

    def use_invitation(self, code_sha256: str) -> bool:
        """Remove it; True for the one caller who did."""
        ...

    def void_invitation(self, person_id: str) -> None:
        """Remove the person's invitation, when there is one."""
        ...

    def link(self, issuer: str, subject: str, person_id: str) -> None:
        """Bind an identity of an OpenID provider to a person. Raises Conflict when bound."""
        ...

    def person_of(self, issuer: str, subject: str) -> str | None: ...


class SessionStore(Protocol):
    def add(self, session: SessionRecord) -> None: ...

    def find(self, session_sha256: str) -> SessionRecord | None: ...

    def seen(self, session_sha256: str, at: datetime) -> None: ...

    def of(self, person_id: str) -> Sequence[SessionRecord]:
        """Return a person's sessions, last used first."""
        ...

    def end(self, session_sha256: str) -> bool:
        """Remove it; False when there is none."""
        ...

    def end_all(self, person_id: str, but: str = "") -> None:
        """Remove every session of the person, except the one with the hash `but`."""
        ...

    def forget(self, *, last_used_before: datetime, created_before: datetime) -> None:
        """Remove what has run out."""
        ...


class TokenStore(Protocol):
    def add(self, token: TokenRecord) -> None: ...

    def find(self, token_sha256: str) -> TokenRecord | None: ...

    def seen(self, token_id: str, at: datetime) -> None: ...

    def of(self, person_id: str) -> Sequence[TokenRecord]:
        """Return a person's tokens, newest first."""
        ...

    def end(self, person_id: str, token_id: str) -> bool:
        """Remove it; False when this person has none with that id."""
        ...

    def end_all(self, person_id: str) -> None: ...

    def forget(self, expired_before: datetime) -> None: ...


class KeyStore(Protocol):
    def add(self, key: KeyRecord) -> None:
        """Add a key. Raises Conflict when it is known, whoever has it."""
        ...

    def find(self, fingerprint: str) -> KeyRecord | None: ...

    def of(self, person_id: str) -> Sequence[KeyRecord]:
        """Return a person's keys, revoked ones too, first added first."""
        ...

    def revoke(self, person_id: str, fingerprint: str, at: datetime) -> bool:
        """Revoke it; False when this person has no such key that is active."""
        ...


class AccountStore(Protocol):
    @property
    def people(self) -> PeopleStore: ...

    @property
    def links(self) -> LinkStore: ...

    @property
    def sessions(self) -> SessionStore: ...

    @property
    def tokens(self) -> TokenStore: ...

    @property
    def keys(self) -> KeyStore: ...


class PasswordHasher(Protocol):
    """Slow on purpose: call it from a thread."""

    def hashed(self, password: str) -> str:
        """Return a hash with its own salt and parameters."""
        ...

    def matches(self, password_hash: str, password: str) -> bool:
        """Whether it is the password. An empty hash takes as long as another, and never fits."""
        ...

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than are used now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, as an OpenID provider vouches for them."""

    issuer: str
    subject: str
    name: str = ""
    email: str = ""
    organisation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """What binds the answer of a provider to the browser that began. Secret but `state`."""

    state: str
    nonce: str
    code_verifier: str
    return_url: str


class IdentityProvider(Protocol):
    """An OpenID Connect provider."""

    @property
    def name(self) -> str:
        """Return what people call it."""
        ...

    async def address(self, attempt: SignInAttempt) -> str:
        """Return where the browser signs in. Raises Unavailable."""
        ...

    async def identity(self, attempt: SignInAttempt, answer: dict[str, str]) -> Identity:
        """Check the answer that the browser brings, and return who it is.

        Raises SignInRefused, Unavailable.
        """
        ...
