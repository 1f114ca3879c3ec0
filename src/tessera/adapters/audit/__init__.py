"""AuditLog as files: one line for each entry, stored hashes, signed heads one on each line."""
