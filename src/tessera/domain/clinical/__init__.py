"""Source variables become coded concepts: the common data model, its vocabulary, the mapping."""
