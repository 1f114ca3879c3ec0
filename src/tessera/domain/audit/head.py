"""A tree head: what a party says, signed, about its log at one moment. Pure."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tessera.domain.audit.entry import canonical, moment, moment_text
from tessera.domain.errors import InvalidInput

KIND: Final = "tessera-audit-head/1"
"""Said inside the signed bytes, so that no other message of the same key can pass for a head."""
_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    log_id: str
    """The fingerprint of the key that signs it. A log goes on under the next key of its owner."""
    size: int
    """Entries."""
    root: bytes
    """SHA-256, 32 bytes."""
    at: datetime
    """When it was signed, UTC."""

    def encode(self) -> bytes:
        """Return the bytes to sign."""
        return canonical(
            {
                "kind": KIND,
                "log": self.log_id,
                "size": self.size,
                "root": self.root.hex(),
                "at": moment_text(self.at),
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> "TreeHead":
        """Read signed bytes. Raises InvalidInput."""
        try:
            body = json.loads(payload)
            size, root = body["size"], body["root"]
            if body["kind"] != KIND or type(size) is not int or size < 0:
                raise ValueError("kind or size")
            if not _HEX.fullmatch(root) or not isinstance(body["log"], str):
                raise ValueError("root or log")
            return cls(
                log_id=body["log"], size=size, root=bytes.fromhex(root), at=moment(body["at"])
            )
        except (ValueError, TypeError, KeyError, RecursionError) as err:
            raise InvalidInput("not the head of an audit log") from err
