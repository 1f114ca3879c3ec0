"""AccountStore on SQLite."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tessera.adapters.sqlite_hub.database import (
    Database,
    Row,
    time_of,
    time_of_or_none,
    time_text,
    time_text_or_none,
)
from tessera.domain.access.people import Grant
from tessera.domain.errors import Conflict, NotFound
from tessera.ports.accounts import (
    AccountRecord,
    InvitationRecord,
    KeyRecord,
    SessionRecord,
    TokenRecord,
)
from tessera.wire.keys import PublicKey

_PERSON = """
SELECT person_id, user_name, name, organisation, email, grants, password_hash, disabled, created_at
FROM person
"""
_SESSION = "SELECT session_sha256, person_id, browser, created_at, last_used FROM session"
_OF_PROGRAM = """
SELECT token_id, token_sha256, person_id, name, created_at, expires_at, last_used FROM token
"""
_KEY = "SELECT public_key, person_id, label, created_at, revoked_at FROM person_key"


class SqliteAccounts:
    def __init__(self, db: Database) -> None:
        self.people = SqlitePeople(db)
        self.links = SqliteLinks(db)
        self.sessions = SqliteSessions(db)
        self.tokens = SqliteTokens(db)
        self.keys = SqliteKeys(db)


class SqlitePeople:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, account: AccountRecord) -> None:
        try:
            self._db.change(
                "INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (account.person_id, *_values(account), time_text(account.created_at)),
            )
        except sqlite3.IntegrityError as err:
            raise Conflict(f"the user name {account.user_name!r} is taken") from err

    def find(self, person_id: str) -> AccountRecord | None:
        row = self._db.row(f"{_PERSON} WHERE person_id = ?", (person_id,))
        return None if row is None else _account(row)

    def find_by_name(self, user_name: str) -> AccountRecord | None:
        row = self._db.row(f"{_PERSON} WHERE user_name = ?", (user_name,))
        return None if row is None else _account(row)

    def all(self) -> Sequence[AccountRecord]:
        return [_account(row) for row in self._db.rows(f"{_PERSON} ORDER BY created_at, person_id")]

    def change(self, account: AccountRecord) -> None:
        changed = self._db.change(
            """
            UPDATE person SET user_name = ?, name = ?, organisation = ?, email = ?, grants = ?,
            password_hash = ?, disabled = ? WHERE person_id = ?
            """,
            (*_values(account), account.person_id),
        )
        if not changed:
            raise NotFound(f"no person {account.person_id}")


class SqliteLinks:
    def __init__(self, db: Database) -> None:
        self._db = db

    def invite(self, invitation: InvitationRecord) -> None:
        self._db.change(
            "INSERT INTO invitation VALUES (?, ?, ?) ON CONFLICT (person_id) DO UPDATE "
            "SET code_sha256 = excluded.code_sha256, expires_at = excluded.expires_at",
            (invitation.code_sha256, invitation.person_id, time_text(invitation.expires_at)),
        )

    def find_invitation(self, code_sha256: str) -> InvitationRecord | None:
        row = self._db.row(
            "SELECT code_sha256, person_id, expires_at FROM invitation WHERE code_sha256 = ?",
            (code_sha256,),
        )
        if row is None:
            return None
        return InvitationRecord(code_sha256=row[0], person_id=row[1], expires_at=time_of(row[2]))

    def use_invitation(self, code_sha256: str) -> bool:
        sql = "DELETE FROM invitation WHERE code_sha256 = ?"
        return self._db.change(sql, (code_sha256,)) == 1

    def void_invitation(self, person_id: str) -> None:
        self._db.change("DELETE FROM invitation WHERE person_id = ?", (person_id,))

    def link(self, issuer: str, subject: str, person_id: str) -> None:
        try:
            self._db.change("INSERT INTO identity VALUES (?, ?, ?)", (issuer, subject, person_id))
        except sqlite3.IntegrityError as err:
            raise Conflict("this identity belongs to a person already") from err

    def person_of(self, issuer: str, subject: str) -> str | None:
        row = self._db.row(
            "SELECT person_id FROM identity WHERE issuer = ? AND subject = ?", (issuer, subject)
        )
        return None if row is None else str(row[0])


class SqliteSessions:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, session: SessionRecord) -> None:
        self._db.change(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?)",
            (
                *(session.session_sha256, session.person_id, session.browser),
                *(time_text(session.created_at), time_text(session.last_used)),
            ),
        )

    def find(self, session_sha256: str) -> SessionRecord | None:
        row = self._db.row(f"{_SESSION} WHERE session_sha256 = ?", (session_sha256,))
        return None if row is None else _session(row)

    def seen(self, session_sha256: str, at: datetime) -> None:
        sql = "UPDATE session SET last_used = ? WHERE session_sha256 = ?"
        self._db.change(sql, (time_text(at), session_sha256))

    def of(self, person_id: str) -> Sequence[SessionRecord]:
        sql = f"{_SESSION} WHERE person_id = ? ORDER BY last_used DESC, session_sha256"
        return [_session(row) for row in self._db.rows(sql, (person_id,))]

    def end(self, session_sha256: str) -> bool:
        sql = "DELETE FROM session WHERE session_sha256 = ?"
        return self._db.change(sql, (session_sha256,)) == 1

    def end_all(self, person_id: str, but: str = "") -> None:
        sql = "DELETE FROM session WHERE person_id = ? AND session_sha256 <> ?"
        self._db.change(sql, (person_id, but))

    def forget(self, *, last_used_before: datetime, created_before: datetime) -> None:
        sql = "DELETE FROM session WHERE last_used < ? OR created_at < ?"
        self._db.change(sql, (time_text(last_used_before), time_text(created_before)))


class SqliteTokens:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, token: TokenRecord) -> None:
        self._db.change(
            "INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(token.token_id, token.token_sha256, token.person_id, token.name),
                *(time_text(token.created_at), time_text(token.expires_at)),
                time_text_or_none(token.last_used),
            ),
        )

    def find(self, token_sha256: str) -> TokenRecord | None:
        row = self._db.row(f"{_OF_PROGRAM} WHERE token_sha256 = ?", (token_sha256,))
        return None if row is None else _token(row)

    def seen(self, token_id: str, at: datetime) -> None:
        self._db.change(
            "UPDATE token SET last_used = ? WHERE token_id = ?", (time_text(at), token_id)
        )

    def of(self, person_id: str) -> Sequence[TokenRecord]:
        sql = f"{_OF_PROGRAM} WHERE person_id = ? ORDER BY created_at DESC, token_id"
        return [_token(row) for row in self._db.rows(sql, (person_id,))]

    def end(self, person_id: str, token_id: str) -> bool:
        sql = "DELETE FROM token WHERE person_id = ? AND token_id = ?"
        return self._db.change(sql, (person_id, token_id)) == 1

    def end_all(self, person_id: str) -> None:
        self._db.change("DELETE FROM token WHERE person_id = ?", (person_id,))

    def forget(self, expired_before: datetime) -> None:
        self._db.change("DELETE FROM token WHERE expires_at < ?", (time_text(expired_before),))


class SqliteKeys:
    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, key: KeyRecord) -> None:
        try:
            self._db.change(
                "INSERT INTO person_key VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(key.public_key.fingerprint, key.public_key.x, key.person_id, key.label),
                    *(time_text(key.created_at), time_text_or_none(key.revoked_at)),
                ),
            )
        except sqlite3.IntegrityError as err:
            raise Conflict("this key is known already; make a new one") from err

    def find(self, fingerprint: str) -> KeyRecord | None:
        row = self._db.row(f"{_KEY} WHERE fingerprint = ?", (fingerprint,))
        return None if row is None else _key(row)

    def of(self, person_id: str) -> Sequence[KeyRecord]:
        sql = f"{_KEY} WHERE person_id = ? ORDER BY created_at, fingerprint"
        return [_key(row) for row in self._db.rows(sql, (person_id,))]

    def revoke(self, person_id: str, fingerprint: str, at: datetime) -> bool:
        changed = self._db.change(
            "UPDATE person_key SET revoked_at = ? "
            "WHERE person_id = ? AND fingerprint = ? AND revoked_at IS NULL",
            (time_text(at), person_id, fingerprint),
        )
        return changed == 1


def _values(account: AccountRecord) -> tuple[object, ...]:
    return (
        account.user_name or None,
        *(account.name, account.organisation, account.email),
        " ".join(sorted(map(str, account.grants))),
        *(account.password_hash, int(account.disabled)),
    )


def _account(row: Row) -> AccountRecord:
    return AccountRecord(
        person_id=row[0],
        user_name=row[1] or "",
        name=row[2],
        organisation=row[3],
        email=row[4],
        grants=frozenset(Grant.parse(word) for word in row[5].split()),
        password_hash=row[6],
        disabled=bool(row[7]),
        created_at=time_of(row[8]),
    )


def _session(row: Row) -> SessionRecord:
    return SessionRecord(
        session_sha256=row[0],
        person_id=row[1],
        browser=row[2],
        created_at=time_of(row[3]),
        last_used=time_of(row[4]),
    )


def _token(row: Row) -> TokenRecord:
    return TokenRecord(
        token_id=row[0],
        token_sha256=row[1],
        person_id=row[2],
        name=row[3],
        created_at=time_of(row[4]),
        expires_at=time_of(row[5]),
        last_used=time_of_or_none(row[6]),
    )


def _key(row: Row) -> KeyRecord:
    return KeyRecord(
        public_key=PublicKey(row[0]),
        person_id=row[1],
        label=row[2],
        created_at=time_of(row[3]),
        revoked_at=time_of_or_none(row[4]),
    )
