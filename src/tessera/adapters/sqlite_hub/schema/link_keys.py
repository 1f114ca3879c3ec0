"""Migration: the keys that each node has and had, and invites for a node that joins anew.

The key of now has no `until`, and stands in `node` too: most nodes have no other, and a list of
nodes reads none.
"""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE node_key (
            place INTEGER PRIMARY KEY,
            fingerprint TEXT NOT NULL UNIQUE,
            node_id TEXT NOT NULL REFERENCES node (node_id),
            public_key TEXT NOT NULL,
            since TEXT NOT NULL,
            until TEXT,
            is_revoked INTEGER NOT NULL DEFAULT 0,
            renewal TEXT NOT NULL
        )
        """,
    "CREATE INDEX node_key_former ON node_key (node_id, place) WHERE until IS NOT NULL",
    """
        INSERT INTO node_key (fingerprint, node_id, public_key, since, renewal)
        SELECT fingerprint, node_id, public_key, joined_at, '' FROM node
        """,
    "ALTER TABLE node ADD COLUMN key_since TEXT NOT NULL DEFAULT ''",
    "UPDATE node SET key_since = joined_at",
    "ALTER TABLE invite ADD COLUMN node_id TEXT NOT NULL DEFAULT ''",
)
