"""Why somebody is not let in at the hub, and how long somebody stays in. Pure."""

from datetime import datetime, timedelta
from typing import Final

from tessera.domain.errors import InvalidInput, NotSignedIn, Refused

SESSION_IDLE: Final = timedelta(hours=2)
"""Unused for so long, a session is over."""
SESSION_LONGEST: Final = timedelta(hours=12)
"""However much it is used."""
TOKEN_LONGEST_DAYS: Final = 90
FRESH: Final = timedelta(minutes=15)
"""A new key asks for a sign-in, or a token, that is no older."""
TOKEN_PREFIX: Final = "tsr_"  # noqa: S105 - the opening that scanners for leaked secrets look for


class SignInRefused(NotSignedIn):
    """Wrong name or password, a closed account, or an answer of a provider that is not right.

    The cases are not told apart to the one who tries.
    """

    code = "sign-in-refused"
    public = "The user name or the password is wrong, or the account is closed."


class LinkOver(Refused):
    """A link to set a password is used, replaced or too old."""

    code = "link-over"
    public = "This link has been used or is too old; ask the hub's operator for a new one."


class FormNotOurs(Refused):
    """A form came without the mark of this hub's own page, or from another site."""

    code = "form-not-ours"
    public = "The form did not come from a page of this hub, or the page was too old: try again."


class SignInAgain(Refused):
    """This needs proof that the person is here now."""

    code = "sign-in-again"
    public = "Sign in again first: this needs a sign-in of the last 15 minutes."


def is_session_over(created_at: datetime, last_used: datetime, now: datetime) -> bool:
    """Whether a session has run out, by rest or by age."""
    return now - last_used > SESSION_IDLE or now - created_at > SESSION_LONGEST


def token_days(text: str) -> int:
    """Read how many days a token is valid. Raises InvalidInput."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 3):
        raise InvalidInput("days: expected a whole number")
    days = int(text)
    if not 1 <= days <= TOKEN_LONGEST_DAYS:
        raise InvalidInput(f"days: expected 1 to {TOKEN_LONGEST_DAYS}")
    return days


def next_page(wished: str, default: str = "/account") -> str:
    """Return a path of this hub to go to after a sign-in; `default` for anything else.

    Browsers read a backslash as a slash and leave out tabs and line ends, so that `/\\\\host`
    is another site.
    """
    is_plain = wished.isascii() and wished.isprintable() and len(wished) <= 2000
    if not is_plain or "\\" in wished or not wished.startswith("/") or wished.startswith("//"):
        return default
    return default if wished.split("?")[0] in ("/sign-in", "/sign-out") else wished
