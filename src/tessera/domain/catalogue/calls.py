"""Open calls, and support that countries give: a list that a hub's operator keeps. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from tessera.domain.errors import InvalidInput

MOST: Final = 500
LONGEST_TITLE: Final = 200
_SLUG: Final = re.compile(r"[^a-z0-9]+")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


class CallKind(StrEnum):
    CALL = "call"
    """One applies for it until a day."""
    SUPPORT = "support"
    """Help for hospitals and researchers of a country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One line of the list. Raises InvalidInput."""

    call_id: str
    kind: CallKind
    title: Mapping[str, str]
    """Language → title; English at least."""
    address: str
    country: str = ""
    """ISO 3166-1 alpha-2, EU for the Union; empty for everywhere."""
    until: date | None = None
    """The last day; None for what goes on."""

    def __post_init__(self) -> None:
        if "en" not in self.title or any(
            not text.strip() or len(text) > LONGEST_TITLE or not text.isprintable()
            for text in self.title.values()
        ):
            raise InvalidInput(
                f"a call has a title in English (en) of at most {LONGEST_TITLE} characters"
            )
        if not self.address.startswith(("https://", "http://")) or len(self.address) > 2000:
            raise InvalidInput("the address of a call begins with https:// or http://")
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise InvalidInput(f"country {self.country[:20]!r}; use two letters as SE, or EU")


def call_id_of(title: str, taken: Sequence[str]) -> str:
    """Return a short name for a call that no other has."""
    slug = _SLUG.sub("-", title.casefold()).strip("-")[:40].strip("-") or "call"
    names = (slug, *(f"{slug}-{n}" for n in range(2, MOST + 2)))
    return next(name for name in names if name not in taken)


def open_calls(calls: Sequence[Call], today: date) -> tuple[Call, ...]:
    """Return those that are not past, calls before support, the first to end first."""
    left = [one for one in calls if one.until is None or one.until >= today]
    return tuple(
        sorted(left, key=lambda one: (one.kind, one.until or date.max, sorted(one.title.items())))
    )
