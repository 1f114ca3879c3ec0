"""IdentityProvider: authorization code flow with PKCE at any OpenID Connect provider.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE, S256), RFC 9207 (issuer in
the answer, against mix-up), RFC 9700 (best current practice).
"""

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc.jwk import KeySet

from tessera.adapters.oidc.id_token import UnknownKey, checked_claims, public_keys
from tessera.domain.access.sign_in import SignInRefused
from tessera.domain.errors import InvalidInput, InvalidSettings, Unavailable
from tessera.ports.accounts import Identity, SignInAttempt
from tessera.ports.clock import Clock
from tessera.ports.trust import trusted, why
from tessera.wire import fields
from tessera.wire.text import is_plain, one_line

_TIMEOUT_S: Final = 10.0
_KEPT_S: Final = 3600.0
"""How long what the provider says of itself is kept."""
_KEYS_APART_S: Final = 30.0
"""A token with an unknown key makes the keys be read again, not more often than this."""
_MAX_BYTES: Final = 1_000_000
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class OidcProvider:
    """Speaks to one issuer; what it publishes is read when first needed."""

    def __init__(
        self, *, issuer: str, client_id: str, client_secret: str, name: str, clock: Clock
    ) -> None:
        """Raises InvalidSettings for an issuer without HTTPS, but on this machine."""
        if not _is_safe(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
            raise InvalidSettings(f"oidc_issuer {issuer!r}: expected https://…")
        self._issuer = issuer
        self._client_id = client_id
        self._secret = client_secret
        self._name = name
        self._clock = clock
        self._about: Mapping[str, Any] = {}
        self._about_at = -_KEPT_S
        self._keys = KeySet([])
        self._keys_at = -_KEPT_S

    @property
    def name(self) -> str:
        return self._name

    async def address(self, attempt: SignInAttempt) -> str:
        about = await self._metadata()
        challenge = urlsafe_b64encode(sha256(attempt.code_verifier.encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": attempt.return_url,
            "scope": self._scope(about),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        endpoint = str(about["authorization_endpoint"])
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(asked)}"

    async def identity(self, attempt: SignInAttempt, answer: dict[str, str]) -> Identity:
        # The state first: nothing of an answer that this browser did not ask for is looked at.
        given = answer.get("state", "")
        if not hmac.compare_digest(given.encode(), attempt.state.encode()):
            raise SignInRefused("the answer belongs to another sign-in (state)")
        about = await self._metadata()
        says_issuer = about.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", "" if says_issuer else self._issuer) != self._issuer:
            raise SignInRefused("the answer is of another issuer")
        if "error" in answer:
            raise SignInRefused(f"the provider said: {one_line(answer['error'], 100)}")
        if not answer.get("code"):
            raise SignInRefused("the answer has no code")
        async with self._client() as http:
            tokens = await self._tokens(http, about, attempt, answer["code"])
            claims = await self._claims(http, about, attempt, fields.text(tokens, "id_token", ""))
            more = await self._more(http, about, tokens, str(claims["sub"]))
        return _identity(self._issuer, {**more, **claims})

    async def _tokens(
        self,
        http: httpx.AsyncClient,
        about: Mapping[str, Any],
        attempt: SignInAttempt,
        code: str,
    ) -> fields.Json:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.return_url,
            "code_verifier": attempt.code_verifier,
        }
        basic = None
        methods = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._secret and "client_secret_basic" in methods:
            # RFC 6749, 2.3.1: each part is encoded before the two are joined.
            basic = httpx.BasicAuth(quote(self._client_id, safe=""), quote(self._secret, safe=""))
        else:
            form["client_id"] = self._client_id
            if self._secret:
                form["client_secret"] = self._secret
        request = http.build_request("POST", str(about["token_endpoint"]), data=form)
        return await _read(http, request, auth=basic)

    async def _claims(
        self,
        http: httpx.AsyncClient,
        about: Mapping[str, Any],
        attempt: SignInAttempt,
        token: str,
    ) -> Mapping[str, Any]:
        now = self._clock.now()
        if time.monotonic() - self._keys_at >= _KEPT_S:
            await self._read_keys(http, about)
        try:
            return self._checked(token, attempt, now)
        except UnknownKey:
            if time.monotonic() - self._keys_at < _KEYS_APART_S:
                raise
            await self._read_keys(http, about)
            return self._checked(token, attempt, now)

    def _checked(self, token: str, attempt: SignInAttempt, now: Any) -> Mapping[str, Any]:
        return checked_claims(
            token,
            self._keys,
            issuer=self._issuer,
            client_id=self._client_id,
            nonce=attempt.nonce,
            now=now,
        )

    async def _more(
        self,
        http: httpx.AsyncClient,
        about: Mapping[str, Any],
        tokens: fields.Json,
        subject: str,
    ) -> fields.Json:
        """Return name and address where the provider gives them apart; nothing on a failure."""
        address, access = about.get("userinfo_endpoint"), tokens.get("access_token")
        if not isinstance(address, str) or not isinstance(access, str) or not _is_safe(address):
            return {}
        headers = {"Authorization": f"Bearer {access}"}
        try:
            told = await _read(http, http.build_request("GET", address, headers=headers))
        except (Unavailable, SignInRefused):
            return {}
        if told.get("sub") != subject:
            raise SignInRefused("the provider told of another person than it vouched for")
        return told

    async def _metadata(self) -> Mapping[str, Any]:
        if time.monotonic() - self._about_at < _KEPT_S:
            return self._about
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        async with self._client() as http:
            about = await _read(http, http.build_request("GET", address))
        if about.get("issuer") != self._issuer:
            raise Unavailable(f"{address} is of another issuer: {about.get('issuer')!r}")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            value = about.get(name)
            if not isinstance(value, str) or not _is_safe(value):
                raise Unavailable(f"{address}: {name} is missing, or without HTTPS")
        self._about, self._about_at = about, time.monotonic()
        return about

    async def _read_keys(self, http: httpx.AsyncClient, about: Mapping[str, Any]) -> None:
        document = await _read(http, http.build_request("GET", str(about["jwks_uri"])))
        self._keys, self._keys_at = public_keys(document), time.monotonic()

    def _client(self) -> httpx.AsyncClient:
        is_local = urlsplit(self._issuer).hostname in _LOCAL
        return httpx.AsyncClient(
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            trust_env=not is_local,
            verify=trusted(),
            headers={"Accept": "application/json"},
        )

    @staticmethod
    def _scope(about: Mapping[str, Any]) -> str:
        known = about.get("scopes_supported")
        wanted = ("openid", "profile", "email")
        return " ".join(w for w in wanted if not isinstance(known, list) or w in known)


async def _read(
    http: httpx.AsyncClient, request: httpx.Request, *, auth: httpx.Auth | None = None
) -> fields.Json:
    """Send, and return the JSON object. Raises SignInRefused for a 4xx, Unavailable else."""
    try:
        response = await http.send(request, auth=auth)
    except httpx.HTTPError as err:
        raise Unavailable(f"the sign-in provider cannot be reached: {why(err)}") from err
    if 400 <= response.status_code < 500:
        raise SignInRefused(f"the provider refused with status {response.status_code}")
    if not response.is_success or len(response.content) > _MAX_BYTES:
        raise Unavailable(f"the sign-in provider answered with status {response.status_code}")
    try:
        return fields.decode(response.content)
    except InvalidInput as err:
        raise Unavailable("the sign-in provider did not answer with JSON") from err


def _identity(issuer: str, claims: Mapping[str, Any]) -> Identity:
    name = _said(claims, "name") or _said(claims, "preferred_username")
    email = _said(claims, "email") if claims.get("email_verified") is True else ""
    return Identity(issuer=issuer, subject=str(claims["sub"]), name=name or "–", email=email)


def _said(claims: Mapping[str, Any], key: str) -> str:
    value = claims.get(key)
    return one_line(value.strip(), 200) if isinstance(value, str) and is_plain(value) else ""


def _is_safe(address: str) -> bool:
    url = urlsplit(address)
    return bool(url.hostname) and (
        url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOCAL)
    )
