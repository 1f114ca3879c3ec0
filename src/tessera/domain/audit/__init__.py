"""The audit log as values: entries, the Merkle tree over them, its heads, and what is wrong."""
