"""Checking an ID token: signature, then every claim that binds it to this sign-in.

Source: OpenID Connect Core 1.0, 3.1.3.7; RFC 8725 (algorithms are chosen here, not by the token).
"""

import hmac
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from json import loads
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tessera.domain.access.sign_in import SignInRefused

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""Asymmetric only: with a shared secret, the public key of a provider would be one."""
_SKEW: Final = timedelta(minutes=2)
_OLDEST: Final = timedelta(minutes=15)
"""Since the token was issued: it comes straight from the provider."""


class _Registry(JWSRegistry):
    """Takes `EdDSA`, which providers use, without the library's advice to prefer its new name."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(f"{name} is not taken here")
        return self.algorithms[name]


_REGISTRY: Final = _Registry(algorithms=list(ALGORITHMS))
_MAKERS: Final[Mapping[str, Any]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_MIN_RSA_BITS: Final = 2048


class UnknownKey(SignInRefused):
    """The provider has changed its keys since they were read, or the token is not its own."""

    code = "unknown-provider-key"
    public = "The provider signed with a key that it does not publish."


def public_keys(document: Mapping[str, object]) -> KeySet:
    """Return the keys of a JWK Set that may sign; others in it are left out."""
    listed = document.get("keys")
    keys = []
    for raw in listed if isinstance(listed, list) else []:
        maker = _MAKERS.get(raw.get("kty", "")) if isinstance(raw, dict) else None
        if maker is None or raw.get("use", "sig") != "sig":
            continue
        try:
            key = maker.import_key(raw)
        except (JoseError, ValueError, KeyError, TypeError):
            continue
        if not (isinstance(key, RSAKey) and key.public_key.key_size < _MIN_RSA_BITS):
            keys.append(key)
    return KeySet(keys)


def checked_claims(
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    """Return the claims of a token that is right in every respect. Raises SignInRefused."""
    try:
        claims = jwt.decode(token, keys, registry=_REGISTRY).claims
    except (JoseError, ValueError, KeyError, TypeError) as err:
        raise _not_verified(token, keys, err) from err
    if claims.get("iss") != issuer:
        raise SignInRefused("the ID token is of another issuer")
    audience = claims.get("aud")
    named: Sequence[object] = audience if isinstance(audience, list) else [audience]
    if client_id not in named:
        raise SignInRefused("the ID token is for another audience")
    party = claims.get("azp")
    if (len(named) > 1 or party is not None) and party != client_id:
        raise SignInRefused("the ID token was given to another party")
    if _moment(claims, "exp") <= now - _SKEW:
        raise SignInRefused("the ID token has expired")
    if not now - _OLDEST <= _moment(claims, "iat") <= now + _SKEW:
        raise SignInRefused("the ID token was issued at another time")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise SignInRefused("the ID token belongs to another sign-in (nonce)")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise SignInRefused("the ID token names nobody")
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SignInRefused(f"the ID token has no {name}")
    try:
        return datetime.fromtimestamp(value, tz=UTC)
    except (ValueError, OverflowError, OSError) as err:
        raise SignInRefused(f"the ID token has no {name}") from err


def _not_verified(token: str, keys: KeySet, err: Exception) -> SignInRefused:
    """A key that is not known may be new: then it is worth reading the keys again."""
    try:
        header = jwt_header(token)
    except ValueError:
        return SignInRefused("the ID token cannot be read")
    known = {key.kid for key in keys.keys}
    if header.get("alg") in ALGORITHMS and header.get("kid") not in known:
        return UnknownKey("the ID token is signed with a key that is not known")
    return SignInRefused(f"the signature of the ID token does not verify ({type(err).__name__})")


def jwt_header(token: str) -> Mapping[str, Any]:
    """Return the header of a compact JWS, unchecked. Raises ValueError."""
    first = token.partition(".")[0]
    header = loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    if not isinstance(header, dict):
        raise ValueError("header")
    return header
