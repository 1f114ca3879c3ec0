"""Make and check renewals of a key with any Signer and Verifier."""

from collections.abc import Sequence
from datetime import datetime

from tessera.ports.signing import Signer, Verifier
from tessera.wire.refusals import BadSignature
from tessera.wire.renewal import HUB, MOST, Renewal


def signed_renewal(former: Signer, new: Signer, *, party: str, at: datetime) -> str:
    """Return the word of `former` that `new` takes its place, with the proof by `new`."""
    bare = Renewal(party=party, former=former.public_key, key=new.public_key, at=at)
    whole = Renewal(
        party=party, former=bare.former, key=bare.key, at=at, proof=new.sign(bare.to_prove())
    )
    return former.sign(whole.to_sign())


def read_renewal(verifier: Verifier, token: str, *, party: str) -> Renewal:
    """Return a renewal of `party` that both of its keys have signed.

    It says nothing about whether `former` is that party's key: the caller compares it.
    Raises BadSignature, BadMessage, WrongType.
    """
    claimed = Renewal.read(verifier.unverified(token))
    renewal = Renewal.read(verifier.verify(token, claimed.former))
    if verifier.verify(renewal.proof, renewal.key) != renewal.to_prove():
        raise BadSignature("the proof of the new key is of another renewal")
    if renewal.party != party:
        raise BadSignature(f"the renewal of a key of {renewal.party}, not of {party}")
    if renewal.former == renewal.key:
        raise BadSignature("the renewal names the same key twice")
    return renewal


def followed(verifier: Verifier, tokens: Sequence[str], fingerprint: str) -> tuple[Renewal, ...]:
    """Return the hub's renewals from the key of that name on, each signed by the key before.

    Raises BadSignature when they do not begin there, or one does not go on from the last.
    """
    if not 0 < len(tokens) <= MOST:
        raise BadSignature(f"expected 1 to {MOST} renewals of the hub's key")
    found = []
    for token in tokens:
        renewal = read_renewal(verifier, token, party=HUB)
        if renewal.former.fingerprint != fingerprint:
            raise BadSignature("the renewals do not go on from the hub's key that is pinned here")
        fingerprint = renewal.key.fingerprint
        found.append(renewal)
    return tuple(found)
