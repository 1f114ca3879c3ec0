"""Which passwords are accepted. Pure.

Length and a list of the commonest, and no rules of composition. Source: NIST SP 800-63B-4,
section 3.1.1.2 (which asks for 15 characters where a password is the only factor, and for 8
beside another; 12 is between, with argon2id and slowed guessing).
"""

import unicodedata
from typing import Final

from tessera.domain.errors import InvalidInput

MIN_LENGTH: Final = 12
"""Characters."""
MAX_LENGTH: Final = 256
"""Characters; a longer one would only make the hub work."""
_COMMON: Final = frozenset(
    "password password1 passw0rd welcome welcome1 qwerty qwertyuiop qwerty123 letmein iloveyou "
    "admin administrator monkey dragon football baseball sunshine princess superman batman "
    "trustno1 whatever starwars computer internet hospital radiology oncology cancer tessera "
    "changeme default secret master abc123 abcdefghijkl qwertyuiopas asdfghjklzxc qazwsxedcrfv "
    "1q2w3e4r5t6y 1qaz2wsx3edc zaq12wsxcde3 correcthorsebatterystaple thequickbrownfox "
    "losenord losenordet hemligt valkommen sjukhus sjukhuset fotboll sverige hejsan "
    "sommar vinter sommar2024 vinter2024 passwordpassword iloveyouforever "
    "mypassword yourpassword newpassword temppassword testpassword adminadmin qwertyqwerty".split()
)
"""Words at the head of published lists, and of this field."""
_RUNS: Final = (
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertyuiopaasdfghjkloazxcvbnm",
)


class WeakPassword(InvalidInput):
    """Too short, too long, or among the first that somebody would try."""

    code = "weak-password"
    public = "This password is too easy to guess; use at least 12 characters, such as a few words."


def plain_password(text: str) -> str:
    """Return the one form of a password that is hashed: the same on every keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", text)


def require_strong(password: str, user_name: str, *names: str) -> None:
    """Raise WeakPassword unless the password may be used by the person of that name."""
    plain = plain_password(password)
    if len(plain) < MIN_LENGTH:
        raise WeakPassword(f"the password has fewer than {MIN_LENGTH} characters")
    if len(plain) > MAX_LENGTH:
        raise WeakPassword(f"the password has more than {MAX_LENGTH} characters")
    bare = _bare(plain)
    if len(set(bare)) < 4:
        raise WeakPassword("the password repeats a few characters")
    own = {_bare(name) for name in (user_name, user_name.partition("@")[0], *names)}
    if bare in own or _without_tail(bare) in own - {""}:
        raise WeakPassword("the password is the user's own name")
    if bare in _COMMON or _without_tail(bare) in _COMMON or any(bare in run for run in _RUNS):
        raise WeakPassword("the password is among the commonest")
    half = len(bare) // 2
    if bare[:half] == bare[half:] and _without_tail(bare[:half]) in _COMMON:
        raise WeakPassword("the password is among the commonest")


def _bare(text: str) -> str:
    """Small letters without marks: `Lösen ord` is `losenord`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c) and not c.isspace())


def _without_tail(text: str) -> str:
    """`welcome2024!!` is as easy as `welcome`."""
    return text.rstrip("0123456789!?.*#-_+")
