"""A renewal: the signed word of a party that it has a new key. Pure.

A compact JWS by the former key over the new one; inside it a proof, a JWS by the new key over
the same facts, which says that the sender has the new key's private half. Whoever pinned the
former key can follow it to the new one, also long after, and needs to trust nobody else.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.keys import PublicKey
from tessera.wire.refusals import BadMessage, WrongType

KIND: Final = "tessera-key-renewal/1"
PROOF_KIND: Final = "tessera-key-possession/1"
"""Said inside the signed bytes, so that no other message of the same key can pass for these."""
HUB: Final = "hub"
"""The party of a hub's renewals; a node is named by its id."""
MOST: Final = 100
"""Renewals that are followed one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    party: str
    former: PublicKey
    key: PublicKey
    at: datetime
    """When it was signed, UTC."""
    proof: str = ""
    """Compact JWS by `key` over `to_prove`."""

    def to_prove(self) -> bytes:
        """Return what the new key signs."""
        return fields.encode({"kind": PROOF_KIND, **self._facts()})

    def to_sign(self) -> bytes:
        """Return what the former key signs."""
        return fields.encode({"kind": KIND, **self._facts(), "proof": self.proof})

    @classmethod
    def read(cls, payload: bytes) -> "Renewal":
        """Read signed bytes. Raises BadMessage, WrongType."""
        body = fields.decode(payload)
        if fields.text(body, "kind") != KIND:
            raise WrongType("not the renewal of a key")
        return cls(
            party=fields.text(body, "party"),
            former=_key(body, "former"),
            key=_key(body, "key"),
            at=fields.moment(body, "at"),
            proof=fields.text(body, "proof"),
        )

    def _facts(self) -> dict[str, object]:
        return {
            "party": self.party,
            "former": self.former.x,
            "key": self.key.x,
            "at": fields.moment_text(self.at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewKey:
    """A node tells its hub that it has a new key."""

    renewal: str

    def to_json(self) -> dict[str, object]:
        return {"renewal": self.renewal}

    @classmethod
    def from_json(cls, body: Json) -> "RenewKey":
        return cls(renewal=fields.text(body, "renewal"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRenewed:
    """The hub's reply: the key by which it knows the node from now on."""

    fingerprint: str
    former_until: datetime
    """Until then it accepts messages signed by the former key, UTC."""

    def to_json(self) -> dict[str, object]:
        return {
            "fingerprint": self.fingerprint,
            "former_until": fields.moment_text(self.former_until),
        }

    @classmethod
    def from_json(cls, body: Json) -> "KeyRenewed":
        return cls(
            fingerprint=fields.text(body, "fingerprint"),
            former_until=fields.moment(body, "former_until"),
        )


def _key(body: Json, key: str) -> PublicKey:
    try:
        return PublicKey(fields.text(body, key))
    except BadMessage:
        raise
    except InvalidInput as err:
        raise BadMessage(key, "an Ed25519 public key") from err
