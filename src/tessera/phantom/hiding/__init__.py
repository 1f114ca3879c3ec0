"""A corpus that tests de-identification: people hidden wherever a file can hold them, with a key.

`generate_hiding_places` writes it. No person in it exists.
"""

from tessera.phantom.hiding.corpus import HidingSummary, generate_hiding_places

__all__ = ["HidingSummary", "generate_hiding_places"]
