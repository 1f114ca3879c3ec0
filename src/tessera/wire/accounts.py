"""Accounts over REST, and the proof that a person holds a key. Pure.

Source: proof of possession by a signed challenge, as in RFC 7800 section 3 and FIDO2.
"""

from dataclasses import dataclass
from typing import Final

from tessera.domain.access.people import Person
from tessera.wire import fields
from tessera.wire.keys import PublicKey
from tessera.wire.refusals import WrongType
from tessera.wire.text import one_line

KEY_PROOF: Final = "tessera-key-proof"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProof:
    """Signed by the very key that it brings: its holder wants it registered."""

    hub: str
    """Fingerprint of the hub's key."""
    person_id: str
    challenge: str
    public_key: PublicKey
    label: str

    def payload(self) -> bytes:
        return fields.encode(
            {
                "typ": KEY_PROOF,
                "v": _VERSION,
                "hub": self.hub,
                "person_id": self.person_id,
                "challenge": self.challenge,
                "public_key": self.public_key.x,
                "label": self.label,
            }
        )

    @classmethod
    def read(cls, payload: bytes) -> "KeyProof":
        """Read a proof. Raises BadMessage, WrongType."""
        body = fields.decode(payload)
        if fields.text(body, "typ", "") != KEY_PROOF or fields.integer(body, "v") != _VERSION:
            raise WrongType(f"expected a {KEY_PROOF}")
        return cls(
            hub=fields.text(body, "hub"),
            person_id=fields.text(body, "person_id"),
            challenge=fields.text(body, "challenge"),
            public_key=PublicKey(fields.text(body, "public_key")),
            label=one_line(fields.text(body, "label", ""), 100),
        )


def person_to_json(person: Person) -> dict[str, object]:
    """Return what a person may read of their own account."""
    return {
        "person_id": person.person_id,
        "name": person.name,
        "organisation": person.organisation,
        "email": person.email,
        "roles": sorted(map(str, person.grants)),
    }
