"""How a use of a permit names the one request to a Beacon that it is signed for. Pure."""

from hashlib import sha256
from typing import Final

USE_HEADER: Final = "Tessera-Use"
"""Carries the signed use, a compact JWS."""


def what_is_asked(path: str, sent: bytes) -> str:
    """Return the use's `what`. `path`: below the Beacon; `sent`: the body, or the query string."""
    return f"beacon {path.strip('/')} {sha256(sent).hexdigest()}"
