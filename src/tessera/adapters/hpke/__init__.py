"""Sealing with Hybrid Public Key Encryption (RFC 9180)."""
