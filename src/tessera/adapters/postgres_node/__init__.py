"""The node's operational state on PostgreSQL, in two schemas: one for each zone.

Same ports, same words, same contract tests as the SQLite adapters. What differs in SQL is in
`tables`; how a lost server is met is in `connection`.
"""

from tessera.adapters.postgres_node.clinical import PostgresClinicalStore
from tessera.adapters.postgres_node.connection import PostgresDatabase
from tessera.adapters.postgres_node.exclusions import PostgresExclusions
from tessera.adapters.postgres_node.instance_index import PostgresInstanceIndex
from tessera.adapters.postgres_node.ledger import PostgresLedger
from tessera.adapters.postgres_node.mirrored import MirroredInstanceIndex
from tessera.adapters.postgres_node.review import PostgresReviewQueue

__all__ = [
    "MirroredInstanceIndex",
    "PostgresClinicalStore",
    "PostgresDatabase",
    "PostgresExclusions",
    "PostgresInstanceIndex",
    "PostgresLedger",
    "PostgresReviewQueue",
]
