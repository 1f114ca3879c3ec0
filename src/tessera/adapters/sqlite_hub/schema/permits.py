"""Migration 4: tools, permits, tasks for nodes, runs and what they released."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE task (
            place INTEGER PRIMARY KEY AUTOINCREMENT,
            task_id TEXT NOT NULL UNIQUE,
            node_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            body TEXT NOT NULL,
            subject TEXT NOT NULL,
            put_at TEXT NOT NULL,
            given_at TEXT,
            done_at TEXT
        )
        """,
    "CREATE INDEX task_open ON task (node_id, place) WHERE done_at IS NULL",
    """
        CREATE TABLE permit (
            permit_id TEXT PRIMARY KEY,
            issued_at TEXT NOT NULL,
            payload TEXT NOT NULL,
            token TEXT NOT NULL,
            revoked_at TEXT,
            revoked_reason TEXT NOT NULL DEFAULT ''
        )
        """,
    """
        CREATE TABLE permit_person (
            permit_id TEXT NOT NULL REFERENCES permit (permit_id),
            person_id TEXT NOT NULL,
            PRIMARY KEY (person_id, permit_id)
        )
        """,
    """
        CREATE TABLE permit_node (
            permit_id TEXT NOT NULL REFERENCES permit (permit_id),
            place INTEGER NOT NULL,
            node_id TEXT NOT NULL,
            state TEXT NOT NULL,
            at TEXT NOT NULL,
            detail TEXT NOT NULL,
            token TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (permit_id, node_id)
        )
        """,
    """
        CREATE TABLE tool (
            digest TEXT PRIMARY KEY,
            listing TEXT NOT NULL,
            bundle TEXT NOT NULL,
            added_by TEXT NOT NULL,
            added_at TEXT NOT NULL
        )
        """,
    """
        CREATE TABLE run (
            use_id TEXT PRIMARY KEY,
            permit_id TEXT NOT NULL REFERENCES permit (permit_id),
            node_id TEXT NOT NULL,
            person_id TEXT NOT NULL,
            action TEXT NOT NULL,
            tool TEXT NOT NULL,
            datasets TEXT NOT NULL,
            asked_at TEXT NOT NULL,
            state TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            detail TEXT NOT NULL,
            announced TEXT,
            stop_asked_at TEXT
        )
        """,
    "CREATE INDEX run_of_permit ON run (permit_id, asked_at)",
    """
        CREATE TABLE run_file (
            use_id TEXT NOT NULL REFERENCES run (use_id),
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            n_parts INTEGER NOT NULL,
            is_whole INTEGER NOT NULL,
            PRIMARY KEY (use_id, name)
        )
        """,
    """
        CREATE TABLE run_part (
            use_id TEXT NOT NULL,
            name TEXT NOT NULL,
            part INTEGER NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (use_id, name, part),
            FOREIGN KEY (use_id, name) REFERENCES run_file (use_id, name)
        )
        """,
)
