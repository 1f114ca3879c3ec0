"""The people of a hub: made by its operator, or at their first sign-in with a provider."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

from tessera.domain.access.passwords import plain_password, require_strong
from tessera.domain.access.people import (
    Grant,
    Person,
    Role,
    mail_address,
    person_name,
    user_name,
)
from tessera.domain.access.sign_in import LinkOver, SignInRefused
from tessera.domain.audit import events
from tessera.domain.errors import NotFound
from tessera.hub.person_keys import OnKey, PersonKeys
from tessera.hub.sign_in import SignIns, hashed
from tessera.hub.sign_in_limits import SignInLimits
from tessera.ports.accounts import (
    AccountRecord,
    Identity,
    IdentityProvider,
    InvitationRecord,
    PasswordHasher,
)
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.ports.signing import Signer, Verifier

INVITATION_DAYS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    store: HubStore
    clock: Clock
    audit: AuditLog
    hasher: PasswordHasher
    url: str
    """Where browsers reach the hub; `https://…` makes the cookies secure."""
    sign_ins: SignIns
    person_keys: PersonKeys
    provider: IdentityProvider | None = None
    default_grants: frozenset[Grant] = frozenset()
    """Of somebody who signs in with the provider for the first time."""

    @classmethod
    def assemble(
        cls,
        *,
        store: HubStore,
        clock: Clock,
        audit: AuditLog,
        hasher: PasswordHasher,
        verifier: Verifier,
        signer: Signer,
        url: str,
        provider: IdentityProvider | None = None,
        default_grants: frozenset[Grant] = frozenset(),
    ) -> "Accounts":
        """Put the use cases together; `signer` is the hub's."""
        sign_ins = SignIns(
            store=store, clock=clock, audit=audit, hasher=hasher, limits=SignInLimits()
        )
        person_keys = PersonKeys(
            store=store,
            clock=clock,
            audit=audit,
            verifier=verifier,
            signer=signer,
            sign_ins=sign_ins,
        )
        return cls(
            store=store,
            clock=clock,
            audit=audit,
            hasher=hasher,
            url=url.rstrip("/"),
            sign_ins=sign_ins,
            person_keys=person_keys,
            provider=provider,
            default_grants=default_grants,
        )

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def on_key(self) -> list[OnKey]:
        """Return the list of what is called, with a person's id, when a key was added."""
        return self.person_keys.on_key

    def person(self, person_id: str) -> Person:
        """Return a person, whether or not the account is open. Raises NotFound."""
        return self._account(person_id).person()

    def keys(self, person_id: str) -> tuple[str, ...]:
        """Return the active public keys, each as `PublicKey.x`; none of a closed account."""
        account = self.store.accounts.people.find(person_id)
        if account is None or account.disabled:
            return ()
        return tuple(key.public_key.x for key in self.person_keys.active(person_id))

    def people_with(self, role: Role, node_id: str | None = None) -> tuple[Person, ...]:
        """Return the people of open accounts who have the role, at that node where one is named."""
        people = (a.person() for a in self.store.accounts.people.all() if not a.disabled)
        return tuple(person for person in people if person.has(role, node_id))

    def all(self) -> Sequence[AccountRecord]:
        """Return every account, first made first."""
        return self.store.accounts.people.all()

    def named(self, name: str) -> AccountRecord:
        """Return the account by its user name or its person id. Raises NotFound."""
        people = self.store.accounts.people
        account = people.find_by_name(name.strip().lower()) or people.find(name.strip())
        if account is None:
            raise NotFound(f"no account {name!r}; `tessera hub user list` shows them")
        return account

    def add(
        self,
        *,
        name: str,
        user: str,
        organisation: str,
        email: str = "",
        grants: frozenset[Grant] = frozenset(),
        password: str | None = None,
    ) -> AccountRecord:
        """Make an account; without a password it waits for an invitation to be used.

        Raises InvalidInput, WeakPassword, NotFound for an unknown node, Conflict.
        """
        login = user_name(user)
        account = AccountRecord(
            person_id=str(uuid4()),
            user_name=login,
            name=person_name(name),
            organisation=person_name(organisation, "organisation"),
            email=mail_address(email),
            grants=grants,
            password_hash="" if password is None else self._hash(password, login, name),
            created_at=self.clock.now(),
        )
        with self.store.transaction():
            self._require_nodes(grants)
            self.store.accounts.people.add(account)
            self.audit.append(events.account_added(account.person_id), self.clock.now())
            self._audit_roles(account.person_id, frozenset(), grants)
        return account

    def invite(self, account: AccountRecord) -> str:
        """Return a link with which the person sets a password, once, within 7 days."""
        code = secrets.token_urlsafe(32)
        until = self.clock.now() + timedelta(days=INVITATION_DAYS)
        self.store.accounts.links.invite(
            InvitationRecord(
                code_sha256=hashed(code), person_id=account.person_id, expires_at=until
            )
        )
        return f"{self.url}/account/set-password?code={code}"

    def invited(self, code: str) -> AccountRecord:
        """Return whose link it is. Raises LinkOver."""
        found = self.store.accounts.links.find_invitation(hashed(code))
        account = found and self.store.accounts.people.find(found.person_id)
        if not found or not account or account.disabled or self.clock.now() >= found.expires_at:
            raise LinkOver("the link is used, replaced or too old")
        return account

    def accept(self, code: str, password: str) -> Person:
        """Set the password of the person who has the link. Slow.

        Raises LinkOver, WeakPassword; after the latter the link still serves.
        """
        account = self.invited(code)
        password_hash = self._hash(password, account.user_name, account.name)
        with self.store.transaction():
            account = self.invited(code)
            if not self.store.accounts.links.use_invitation(hashed(code)):
                raise LinkOver("the link is used")
            self._set_hash(account, password_hash)
        return account.person()

    def set_password(self, person_id: str, password: str, *, session_sha256: str = "") -> None:
        """Set a password. Every session but the named one ends, and every token. Slow.

        Raises WeakPassword, NotFound.
        """
        account = self._account(person_id)
        password_hash = self._hash(password, account.user_name, account.name)
        with self.store.transaction():
            self._set_hash(self._account(person_id), password_hash, session_sha256)

    def change_password(
        self, person_id: str, old: str, new: str, address: str, *, session_sha256: str
    ) -> None:
        """Set a new password for somebody who knows the old one. Slow.

        Raises SignInRefused, SignInLater, WeakPassword.
        """
        account = self._account(person_id)
        if not account.password_hash:
            raise SignInRefused("this account has no password here")
        self.sign_ins.by_password(account.user_name, old, address)
        self.set_password(person_id, new, session_sha256=session_sha256)

    def grant(self, account: AccountRecord, grant: Grant) -> None:
        """Give a role. Raises NotFound for an unknown node."""
        self._require_nodes({grant})
        self._set_grants(account.person_id, added=frozenset({grant}))

    def withdraw(self, account: AccountRecord, grant: Grant) -> None:
        """Take a role away. Raises NotFound when the person does not have it."""
        if grant not in account.grants:
            raise NotFound(f"{account.user_name or account.person_id} has no role {grant}")
        self._set_grants(account.person_id, removed=frozenset({grant}))

    def disable(self, account: AccountRecord) -> None:
        """Close an account: its sessions and tokens end at once, its keys count no more."""
        self._set_disabled(account.person_id, disabled=True)

    def enable(self, account: AccountRecord) -> None:
        """Open a closed account again."""
        self._set_disabled(account.person_id, disabled=False)

    def vouched(self, identity: Identity) -> Person:
        """Return the person of an identity at the provider; the first time, a new account.

        An account is found by issuer and subject, never by an e-mail address, which can
        change its owner. Raises SignInRefused for a closed account.
        """
        accounts = self.store.accounts
        with self.store.transaction():
            person_id = accounts.links.person_of(identity.issuer, identity.subject)
            account = accounts.people.find(person_id) if person_id else None
            if account is None:
                account = AccountRecord(
                    person_id=str(uuid4()),
                    user_name="",
                    name=identity.name,
                    organisation=identity.organisation,
                    email=identity.email,
                    grants=self.default_grants,
                    created_at=self.clock.now(),
                )
                accounts.people.add(account)
                accounts.links.link(identity.issuer, identity.subject, account.person_id)
                self.audit.append(events.account_added(account.person_id), self.clock.now())
                self._audit_roles(account.person_id, frozenset(), account.grants)
        if account.disabled:
            raise SignInRefused("the account is closed")
        return account.person()

    def _account(self, person_id: str) -> AccountRecord:
        account = self.store.accounts.people.find(person_id)
        if account is None:
            raise NotFound("no such person")
        return account

    def _hash(self, password: str, *names: str) -> str:
        require_strong(password, *names)
        return self.hasher.hashed(plain_password(password))

    def _set_hash(
        self, account: AccountRecord, password_hash: str, session_sha256: str = ""
    ) -> None:
        accounts = self.store.accounts
        accounts.people.change(replace(account, password_hash=password_hash))
        accounts.sessions.end_all(account.person_id, session_sha256)
        accounts.tokens.end_all(account.person_id)
        accounts.links.void_invitation(account.person_id)
        self.audit.append(events.password_set(account.person_id), self.clock.now())

    def _set_grants(
        self,
        person_id: str,
        *,
        added: frozenset[Grant] = frozenset(),
        removed: frozenset[Grant] = frozenset(),
    ) -> None:
        with self.store.transaction():
            account = self._account(person_id)
            grants = (account.grants | added) - removed
            self.store.accounts.people.change(replace(account, grants=grants))
            self._audit_roles(person_id, account.grants, grants)

    def _set_disabled(self, person_id: str, *, disabled: bool) -> None:
        accounts = self.store.accounts
        with self.store.transaction():
            account = self._account(person_id)
            accounts.people.change(replace(account, disabled=disabled))
            if disabled:
                accounts.sessions.end_all(person_id)
                accounts.tokens.end_all(person_id)
                accounts.links.void_invitation(person_id)
            if account.disabled != disabled:
                changed = events.account_closed if disabled else events.account_opened
                self.audit.append(changed(person_id), self.clock.now())

    def _require_nodes(self, grants: frozenset[Grant] | set[Grant]) -> None:
        for grant in grants:
            if grant.node_id and self.store.nodes.find(grant.node_id) is None:
                raise NotFound(f"no node {grant.node_id} has joined this hub")

    def _audit_roles(
        self, person_id: str, before: frozenset[Grant], after: frozenset[Grant]
    ) -> None:
        for grant in sorted(after - before, key=str):
            self.audit.append(events.role_given(person_id, str(grant)), self.clock.now())
        for grant in sorted(before - after, key=str):
            self.audit.append(events.role_taken(person_id, str(grant)), self.clock.now())
