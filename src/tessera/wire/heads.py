"""What each side of a link shows of its audit log, inside a poll and its reply. Pure.

Added after the first version of the messages: an older program leaves the key `log` out and
ignores it.
"""

import re
from dataclasses import dataclass

from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.refusals import BadMessage

_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST_PROOF = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHead:
    """The sender's newest tree head, and what it keeps of the reader's log."""

    head: str = ""
    """A compact JWS over `tessera.domain.audit.head.TreeHead`; empty while the log is."""
    since: int = 0
    """Entries of the earlier head from which `proof` goes on to this one; 0 without a proof."""
    proof: tuple[bytes, ...] = ()
    """A consistency proof (RFC 9162, 2.1.4)."""
    kept: int = 0
    """Entries of the newest head of the reader's log that the sender keeps; 0 for none."""

    def to_json(self) -> dict[str, object]:
        return {
            "head": self.head,
            "since": self.since,
            "proof": [step.hex() for step in self.proof],
            "kept": self.kept,
        }

    @classmethod
    def from_json(cls, body: Json) -> "ShownHead":
        proof = fields.texts(body, "proof")
        if len(proof) > _LONGEST_PROOF or not all(_HASH.fullmatch(step) for step in proof):
            raise BadMessage("proof", "SHA-256 hashes as hexadecimal digits")
        return cls(
            head=fields.text(body, "head", ""),
            since=fields.natural_or_none(body, "since") or 0,
            proof=tuple(bytes.fromhex(step) for step in proof),
            kept=fields.natural_or_none(body, "kept") or 0,
        )


def shown_or_none(body: Json) -> ShownHead | None:
    """Return the `log` of a poll or its reply; None from a program that has none."""
    return None if body.get("log") is None else ShownHead.from_json(fields.child(body, "log"))
