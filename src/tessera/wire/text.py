"""Text that another side wrote: what may be kept, and how it gets into a log line. Pure."""

import unicodedata
from typing import Final

_ALLOWED: Final = frozenset("\n\r\t\N{SOFT HYPHEN}\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
_WITHOUT_SHAPE: Final = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Unicode's categories of controls, of what turns text round, and of what is no character."""


def is_plain(text: str) -> bool:
    """Whether `text` has no control characters and nothing that shows it otherwise than it is."""
    return all(c in _ALLOWED or unicodedata.category(c) not in _WITHOUT_SHAPE for c in text)


def one_line(text: str, n_characters: int = 2000) -> str:
    """Return `text` so that in a log or on a terminal it can only ever be part of its line."""
    cut = text if len(text) <= n_characters else f"{text[:n_characters]}…"
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in cut)
