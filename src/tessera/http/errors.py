"""The one place where an error becomes a status code (RFC 9457 problem details)."""

import logging
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.dicomweb.refusals import NotAcceptable, UnsupportedMedia
from tessera.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    NotSignedIn,
    Refused,
    TesseraError,
    Unavailable,
)
from tessera.wire.problem import MEDIA_TYPE, problem_to_json
from tessera.wire.refusals import TooLarge, TooManyRequests
from tessera.wire.text import one_line

_log = logging.getLogger(__name__)
STATUS: Final[dict[type[TesseraError], int]] = {
    Withdrawn: 410,
    NotFound: 404,
    InvalidInput: 400,
    NotAcceptable: 406,
    UnsupportedMedia: 415,
    TooLarge: 413,
    Conflict: 409,
    Refused: 403,
    NotSignedIn: 401,
    TooManyRequests: 429,
    Unavailable: 503,
}
"""A subclass has the status of its nearest ancestor here; anything else is 500."""
RETRY_AFTER_S: Final = 2
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="tessera"'}
"""RFC 6750, section 3."""


def status_of(error: type[BaseException]) -> int:
    return next((STATUS[c] for c in error.__mro__ if c in STATUS), 500)


async def problem(request: Request, exc: Exception) -> JSONResponse:
    """Answer with what the caller may know; log the rest."""
    if isinstance(exc, HTTPException):
        body: dict[str, object] = {
            "type": "about:blank",
            "title": exc.detail,
            "status": exc.status_code,
        }
        return JSONResponse(body, exc.status_code, exc.headers, MEDIA_TYPE)
    error = exc if isinstance(exc, TesseraError) else TesseraError()
    status = status_of(type(exc))
    # Neither parameters nor the words of a wrong request are logged: a query stays with who asked.
    detail = "" if isinstance(exc, InvalidInput) else f" ({exc})"
    _log.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "%s %s: %s%s",
        request.method,
        one_line(request.scope["path"]),
        error.code,
        one_line(detail),
        exc_info=exc if status == 500 else None,
    )
    headers = {429: {"Retry-After": str(RETRY_AFTER_S)}, 401: _CHALLENGE}.get(status)
    return JSONResponse(problem_to_json(error, status), status, headers, MEDIA_TYPE)
