"""Migration 2: people, their sessions, tokens and keys.

Of sessions, tokens and invitations only hashes are here; of passwords, argon2id.
"""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE person (
            person_id TEXT PRIMARY KEY,
            user_name TEXT UNIQUE,
            name TEXT NOT NULL,
            organisation TEXT NOT NULL,
            email TEXT NOT NULL,
            grants TEXT NOT NULL,
            password_hash TEXT NOT NULL,
            disabled INTEGER NOT NULL,
            created_at TEXT NOT NULL
        )
        """,
    """
        CREATE TABLE invitation (
            code_sha256 TEXT PRIMARY KEY,
            person_id TEXT NOT NULL UNIQUE REFERENCES person (person_id),
            expires_at TEXT NOT NULL
        )
        """,
    """
        CREATE TABLE identity (
            issuer TEXT NOT NULL,
            subject TEXT NOT NULL,
            person_id TEXT NOT NULL REFERENCES person (person_id),
            PRIMARY KEY (issuer, subject)
        )
        """,
    """
        CREATE TABLE session (
            session_sha256 TEXT PRIMARY KEY,
            person_id TEXT NOT NULL REFERENCES person (person_id),
            browser TEXT NOT NULL,
            created_at TEXT NOT NULL,
            last_used TEXT NOT NULL
        )
        """,
    "CREATE INDEX session_person ON session (person_id)",
    """
        CREATE TABLE token (
            token_id TEXT PRIMARY KEY,
            token_sha256 TEXT NOT NULL UNIQUE,
            person_id TEXT NOT NULL REFERENCES person (person_id),
            name TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            last_used TEXT
        )
        """,
    "CREATE INDEX token_person ON token (person_id)",
    """
        CREATE TABLE person_key (
            fingerprint TEXT PRIMARY KEY,
            public_key TEXT NOT NULL,
            person_id TEXT NOT NULL REFERENCES person (person_id),
            label TEXT NOT NULL,
            created_at TEXT NOT NULL,
            revoked_at TEXT
        )
        """,
    "CREATE INDEX person_key_person ON person_key (person_id)",
)
