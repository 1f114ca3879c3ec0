"""Protocols the use cases need; each has a contract suite in `tessera.testing`."""
