"""Pages of a sign-in with an OpenID Connect provider: away, and back.

State, nonce and code verifier come from one secret in a cookie of this browser, so that the
hub keeps nothing meanwhile, and nobody else's answer fits.
"""

import hmac
import logging
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tessera.domain.access.sign_in import SignInRefused, next_page
from tessera.domain.errors import NotFound, Unavailable
from tessera.http.accounts import begin_session, sign_in_page
from tessera.http.form_token import secret_from_cookie, set_cookie
from tessera.http.pages import Clock, utc_now
from tessera.http.rules import PUBLIC, RuledRoute
from tessera.hub.accounts import Accounts
from tessera.ports.accounts import IdentityProvider, SignInAttempt
from tessera.wire.text import one_line

_log = logging.getLogger(__name__)
_COOKIE: Final = "tessera_provider"
_ANSWER: Final = "/sign-in/provider/answer"
_VALID_S: Final = 600
"""So long may a person take at the provider."""


def routes(accounts: Accounts, *, now: Clock = utc_now) -> list[RuledRoute]:
    """Return the routes; where no provider is set they answer 404."""
    pages = _Pages(accounts, now)
    return [
        RuledRoute("/sign-in/provider", pages.away, PUBLIC),
        RuledRoute(_ANSWER, pages.back, PUBLIC),
    ]


@dataclass(frozen=True, slots=True)
class _Pages:
    accounts: Accounts
    now: Clock

    async def away(self, request: Request) -> Response:
        secret = secrets.token_urlsafe(32)
        try:
            address = await self._provider().address(self._attempt(secret))
        except (Unavailable, SignInRefused) as err:
            return self._failed(request, err)
        response = RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
        wished = next_page(request.query_params.get("next", ""), "")
        set_cookie(
            response,
            self._cookie(),
            f"{secret}.{int(time.time())}.{quote(wished, safe='')}",
            is_https=self.accounts.is_https,
            max_age_s=_VALID_S,
        )
        return response

    async def back(self, request: Request) -> Response:
        provider = self._provider()
        secret, begun, wished = (request.cookies.get(self._cookie(), "").split(".", 2) + [""] * 3)[
            :3
        ]
        try:
            is_late = not begun.isdecimal() or not 0 <= time.time() - int(begun[:12]) <= _VALID_S
            if not secret_from_cookie(secret) or is_late:
                raise SignInRefused("no sign-in was begun in this browser, or too long ago")
            answer = dict(request.query_params)
            if len(answer) != len(request.query_params.multi_items()):
                raise SignInRefused("the answer says something twice")
            identity = await provider.identity(self._attempt(secret), answer)
            person = self.accounts.vouched(identity)
        except (Unavailable, SignInRefused) as err:
            response = self._failed(request, err)
        else:
            response = begin_session(self.accounts, request, person, "provider", unquote(wished))
        # The secret serves once.
        set_cookie(response, self._cookie(), "", is_https=self.accounts.is_https, max_age_s=0)
        return response

    def _failed(self, request: Request, err: Exception) -> Response:
        _log.info("sign-in with the provider failed: %s", one_line(str(err)))
        is_away = isinstance(err, Unavailable)
        return sign_in_page(
            self.accounts,
            request,
            self.now,
            trouble="away" if is_away else "provider",
            status=503 if is_away else 401,
        )

    def _provider(self) -> IdentityProvider:
        if self.accounts.provider is None:
            raise NotFound("this hub has no sign-in provider")
        return self.accounts.provider

    def _attempt(self, secret: str) -> SignInAttempt:
        return SignInAttempt(
            state=_derived(secret, "state"),
            nonce=_derived(secret, "nonce"),
            code_verifier=_derived(secret, "verifier"),
            return_url=f"{self.accounts.url}{_ANSWER}",
        )

    def _cookie(self) -> str:
        return f"__Host-{_COOKIE}" if self.accounts.is_https else _COOKIE


def _derived(secret: str, what: str) -> str:
    digest = hmac.digest(secret.encode(), f"tessera {what}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")
