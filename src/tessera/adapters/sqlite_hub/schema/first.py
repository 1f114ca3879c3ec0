"""Migration 1: nodes, invites, datasets, searches.

Times are ISO 8601 in UTC, so that text order is time order.
"""

from typing import Final

STATEMENTS: Final = (
    """
        CREATE TABLE node (
            node_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            country TEXT NOT NULL,
            public_key TEXT NOT NULL,
            fingerprint TEXT NOT NULL UNIQUE,
            software TEXT NOT NULL,
            state TEXT NOT NULL,
            joined_at TEXT NOT NULL,
            decided_at TEXT,
            last_seen TEXT
        )
        """,
    """
        CREATE TABLE invite (
            code_sha256 TEXT PRIMARY KEY,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            used_at TEXT
        )
        """,
    """
        CREATE TABLE dataset (
            node_id TEXT NOT NULL REFERENCES node (node_id),
            dataset_id TEXT NOT NULL,
            version INTEGER NOT NULL,
            manifest_sha256 TEXT NOT NULL,
            description TEXT NOT NULL,
            published_at TEXT NOT NULL,
            PRIMARY KEY (node_id, dataset_id, version)
        )
        """,
    """
        CREATE TABLE search (
            search_id TEXT PRIMARY KEY,
            query TEXT NOT NULL,
            query_json TEXT NOT NULL,
            explained TEXT NOT NULL,
            asked_at TEXT NOT NULL,
            deadline TEXT NOT NULL
        )
        """,
    """
        CREATE TABLE answer (
            search_id TEXT NOT NULL REFERENCES search (search_id) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            node_id TEXT NOT NULL,
            dataset_id TEXT NOT NULL,
            version INTEGER NOT NULL,
            title TEXT NOT NULL,
            data_created TEXT NOT NULL,
            node_online INTEGER NOT NULL,
            given_at TEXT,
            answered_at TEXT,
            outcome TEXT,
            n_subjects INTEGER,
            n_studies INTEGER,
            not_supported TEXT NOT NULL,
            policy TEXT NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (search_id, node_id, dataset_id, version)
        )
        """,
    "CREATE INDEX answer_open ON answer (node_id, outcome)",
    "CREATE INDEX search_asked ON search (asked_at)",
    """
        CREATE TABLE seen_id (
            sender TEXT NOT NULL,
            message_id TEXT NOT NULL,
            until TEXT NOT NULL,
            PRIMARY KEY (sender, message_id)
        )
        """,
)
