"""Migration 5: federated trainings and their models."""

from typing import Final

STATEMENTS: Final[tuple[str, ...]] = (
    """
        CREATE TABLE learning (
            learn_id TEXT PRIMARY KEY,
            permit_id TEXT NOT NULL REFERENCES permit (permit_id),
            person_id TEXT NOT NULL,
            title TEXT NOT NULL,
            tool TEXT NOT NULL,
            rounds INTEGER NOT NULL,
            min_nodes INTEGER NOT NULL,
            round_s INTEGER NOT NULL,
            asked_at TEXT NOT NULL,
            state TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            detail TEXT NOT NULL,
            model_sha256 TEXT NOT NULL DEFAULT '',
            rounds_done INTEGER NOT NULL DEFAULT 0
        )
        """,
    "CREATE INDEX learning_state ON learning (state, asked_at)",
    """
        CREATE TABLE learning_site (
            learn_id TEXT NOT NULL REFERENCES learning (learn_id),
            place INTEGER NOT NULL,
            use_id TEXT NOT NULL UNIQUE REFERENCES run (use_id),
            kit_key TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (learn_id, place)
        )
        """,
    """
        CREATE TABLE learning_update (
            learn_id TEXT NOT NULL REFERENCES learning (learn_id),
            round INTEGER NOT NULL,
            node_id TEXT NOT NULL,
            n_samples INTEGER NOT NULL,
            metrics TEXT NOT NULL,
            PRIMARY KEY (learn_id, round, node_id)
        )
        """,
    """
        CREATE TABLE run_input (
            sha256 TEXT NOT NULL,
            use_id TEXT NOT NULL REFERENCES run (use_id),
            PRIMARY KEY (sha256, use_id)
        )
        """,
)
