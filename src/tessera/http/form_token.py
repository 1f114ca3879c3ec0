"""Forms come from our own pages: a token in each form, and what the browser says of its origin.

Source: OWASP, Cross-Site Request Forgery Prevention: synchroniser token bound to the session
(here an HMAC under the session's id, so nothing is stored), with Sec-Fetch-Site and Origin.
"""

import hmac
import re
import secrets
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from tessera.domain.access.sign_in import FormNotOurs
from tessera.wire.refusals import BadMessage

FIELD: Final = "form_token"
HEADER: Final = "X-Form-Token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_UTF_8 = re.compile(r'\s*charset\s*=\s*"?utf-8"?\s*', re.IGNORECASE)
_MAX_FIELDS: Final = 1000


def form_token(request: Request) -> str:
    """Return the token for the forms of this browser; empty where it has no secret yet."""
    secret = getattr(request.state, "form_secret", "")
    return _token_of(secret) if secret else ""


def form_field(request: Request) -> Markup:
    """Return the hidden field that every form holds."""
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(FIELD, form_token(request))


def has_session(request: Request) -> bool:
    """Whether the browser sent a session by its cookie, which it does for any site's form."""
    return getattr(request.state, "by_cookie", False) is True


async def require_plain_form(request: Request) -> None:
    """Raise BadMessage for a form that is not in UTF-8, or has too many fields to be read.

    A strange encoding gives text that can be written nowhere, and a megabyte of separators
    keeps the parser busy.
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() not in _FORMS:
        return
    named = [part for part in parameters.split(";") if "charset" in part.lower()]
    if len(named) > 1 or not all(map(_UTF_8.fullmatch, named)):
        raise BadMessage("body", "a form in UTF-8")
    if kind.strip().lower() == _FORMS[0]:
        body = await request.body()
        if body.count(b"&") + body.count(b";") >= _MAX_FIELDS:
            raise BadMessage("body", f"a form of at most {_MAX_FIELDS} fields")


async def require_own_form(request: Request) -> None:
    """Raise FormNotOurs unless the request comes from a page of this hub."""
    _require_own_origin(request)
    given = request.headers.get(HEADER, "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not given and kind in _FORMS:
        # Kept by the request, so that the endpoint can read body or form again.
        await request.body()
        value = (await request.form()).get(FIELD, "")
        given = value if isinstance(value, str) else ""
    wanted = form_token(request)
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise FormNotOurs("no token in the form, or that of another session")


def secret_from_cookie(value: str) -> str:
    """Return the secret of a browser that is not signed in; empty when it is none of ours."""
    return value if _SECRET.fullmatch(value) else ""


def give_form_secret(request: Request) -> str:
    """Return the browser's secret for forms, made now when it has none."""
    secret = getattr(request.state, "form_secret", "")
    if not secret:
        secret = secrets.token_urlsafe(32)
        request.state.form_secret = secret
    return str(secret)


def set_cookie(
    response: Response, name: str, value: str, *, is_https: bool, max_age_s: int | None = None
) -> None:
    """Set a cookie that no script reads and no other site's form brings."""
    response.set_cookie(
        name, value, max_age=max_age_s, path="/", secure=is_https, httponly=True, samesite="lax"
    )


def _token_of(secret: str) -> str:
    return hmac.new(secret.encode(), b"tessera form", sha256).hexdigest()


def _require_own_origin(request: Request) -> None:
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise FormNotOurs("sent from another site")
    origin = request.headers.get("origin")
    if origin is None:
        return
    own = urlsplit(getattr(request.state, "hub_url", ""))
    theirs = urlsplit(origin)
    is_own = theirs[:2] == own[:2] or theirs.netloc == request.headers.get("host", "")
    if not theirs.netloc or not is_own:
        raise FormNotOurs("sent from another origin")
