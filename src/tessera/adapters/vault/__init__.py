"""The node's vault: its project key, encrypted at rest under a key that lies elsewhere."""

from tessera.adapters.vault.vault import ProjectKeys, Vault
from tessera.adapters.vault.wrapping import Wrapping, fresh_file, parse_wrapping, passphrase

__all__ = ["ProjectKeys", "Vault", "Wrapping", "fresh_file", "parse_wrapping", "passphrase"]
