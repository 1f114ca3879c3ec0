"""A deliberate error as RFC 9457 problem details, and back. Pure.

`title` is the fixed text of the error's class. What is added (`detail`, `position`, `mend`,
`key`) says where in the caller's own request the fault is, and nothing about data.
"""

from collections.abc import Iterator
from typing import Final

from tessera.domain import errors
from tessera.domain.access.permit import PermitRefused, Reason
from tessera.domain.access.tool import InvalidTool
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.errors import InvalidQuery, TesseraError
from tessera.wire import fields, refusals
from tessera.wire.fields import Json
from tessera.wire.notice import notice_to_json
from tessera.wire.refusals import BadMessage, HubKeyRenewed, TooLarge
from tessera.wire.text import one_line

MEDIA_TYPE: Final = "application/problem+json"
_PREFIX: Final = "urn:tessera:error:"


def problem_to_json(error: TesseraError, status: int) -> dict[str, object]:
    body: dict[str, object] = {
        "type": f"{_PREFIX}{error.code}",
        "title": error.public,
        "status": status,
    }
    match error:
        case InvalidQuery():
            body |= {
                "detail": error.message,
                "position": error.position,
                "mend": error.mend,
            }
        case PermitRefused():
            body |= {"reason": error.reason.value, "detail": error.detail}
        case TooLarge() | InvalidTool():
            body |= {"detail": str(error)}
        case BadMessage():
            body |= {"detail": str(error), "key": error.key}
        case Withdrawn():
            body |= {"detail": str(error)} | notice_to_json(error.notice)
        case HubKeyRenewed():
            body |= {"renewals": list(error.renewals)}
    return body


def problem_from_json(body: Json, status: int) -> TesseraError:
    """Return the error that a problem stands for; an unknown code goes by its status."""
    code = fields.text(body, "type", "").removeprefix(_PREFIX)
    # Nobody has signed these words: they go into a log or onto a terminal as one line.
    title = one_line(fields.text(body, "title", ""))
    title = title or f"the other side answered with status {status}"
    detail = one_line(fields.text(body, "detail", ""))
    if code == InvalidQuery.code:
        position = fields.natural_or_none(body, "position") or 0
        mend = one_line(fields.text(body, "mend", ""))
        return InvalidQuery(detail or title, position=position, mend=mend)
    if code == PermitRefused.code:
        return PermitRefused(_reason(fields.text(body, "reason", "")), detail)
    if code == HubKeyRenewed.code:
        return HubKeyRenewed(fields.texts(body, "renewals"))
    cls = _PLAIN.get(code) or _by_status(status)
    return cls(f"{title} ({detail})" if detail else title)


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError:
        return Reason.UNKNOWN


def _by_status(status: int) -> type[TesseraError]:
    match status:
        case 404:
            return errors.NotFound
        case 409:
            return errors.Conflict
        case 401:
            return errors.NotSignedIn
        case 403 | 429:
            return errors.Refused
        case _ if 400 <= status < 500:
            return errors.InvalidInput
        case _:
            return errors.Unavailable


def _plain_classes() -> Iterator[type[TesseraError]]:
    """Yield the classes whose only argument is the message."""
    for module in (errors, refusals):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, TesseraError):
                takes_message_only = "__init__" not in vars(value)
                if takes_message_only and value is not TesseraError:
                    yield value


_PLAIN: Final = {cls.code: cls for cls in _plain_classes()} | {
    BadMessage.code: errors.InvalidInput,
    InvalidTool.code: InvalidTool,
}
