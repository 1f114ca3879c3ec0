"""A QIDO-RS query as a value: what must match, what to include, which page. Pure; PS3.18 8.3.4."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.dicomweb.levels import (
    MATCHED,
    ORDER,
    SERIES_UID,
    STUDY_UID,
    Level,
    Matched,
)
from tessera.domain.errors import InvalidInput

MOST_RESULTS: Final = 5000
"""Of one page; a query that asks for more gets so many and a warning."""
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_DATE: Final = re.compile(r"\d{8}")
_TIME: Final = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these: single value matching, or a list of UIDs (PS3.4 C.2.2.2)."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """Wildcard matching: "*" for any text, "?" for one character. Case counts."""

    pattern: str

    @property
    def prefix(self) -> str:
        """Return what stands before the first wildcard."""
        return re.split(r"[*?]", self.pattern, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class Between:
    """Range matching, both ends included; "" is open. Ends are compared as texts."""

    low: str
    high: str


Criterion = OneOf | Like | Between


@dataclass(frozen=True, slots=True)
class Condition:
    matched: Matched
    criterion: Criterion


@dataclass(frozen=True, slots=True, kw_only=True)
class WebQuery:
    """`level` is what is asked for. Conditions are of that level or above it."""

    level: Level
    conditions: tuple[Condition, ...] = ()
    include: frozenset[int] = frozenset()
    include_all: bool = False
    limit: int = MOST_RESULTS
    offset: int = 0
    wants_fuzzy: bool = False
    """Asked for; only literal matching is done, and the answer says so."""


def web_query(
    level: Level,
    parameters: Sequence[tuple[str, str]],
    *,
    study_uid: str = "",
    series_uid: str = "",
) -> WebQuery:
    """Return the query of a request. Raises InvalidInput for what cannot be answered rightly.

    `study_uid` and `series_uid` are those of the address.
    """
    conditions: list[Condition] = []
    seen: set[tuple[int, ...]] = set()
    for uid, tag in ((study_uid, STUDY_UID), (series_uid, SERIES_UID)):
        if uid:
            conditions.append(Condition(MATCHED[tag,], OneOf((checked_uid(uid),))))
            seen.add((tag,))
    include: set[int] = set()
    include_all = wants_fuzzy = False
    limit, offset = MOST_RESULTS, 0
    for name, value in parameters:
        if name == "limit":
            limit = min(_number(name, value), MOST_RESULTS)
        elif name == "offset":
            offset = _number(name, value)
        elif name == "fuzzymatching":
            if value not in ("true", "false"):
                raise InvalidInput("fuzzymatching is true or false")
            wants_fuzzy = value == "true"
        elif name == "includefield":
            for word in value.split(","):
                if word == "all":
                    include_all = True
                elif word:
                    include.add(path_of(word)[-1])
        elif name not in _NOT_MATCHED:
            path = path_of(name)
            matched = MATCHED.get(path)
            if matched is None or ORDER[matched.level] > ORDER[level]:
                raise InvalidInput(f"{name} is not searched by at the level of {level} here")
            if path in seen and path not in ((STUDY_UID,), (SERIES_UID,)):
                raise InvalidInput(f"{name} stands there twice")
            seen.add(path)
            criterion = _criterion(matched, name, value)
            if criterion is not None:
                conditions.append(Condition(matched, criterion))
    return WebQuery(
        level=level,
        conditions=tuple(conditions),
        include=frozenset(include),
        include_all=include_all,
        limit=limit,
        offset=offset,
        wants_fuzzy=wants_fuzzy,
    )


_NOT_MATCHED: Final = frozenset(("accept", "charset"))
"""Parameters of every resource (PS3.18 8.3.3)."""


def path_of(name: str) -> tuple[int, ...]:
    """Return the tags of "PatientID", "00100020" or of these joined by a dot."""
    from pydicom.datadict import tag_for_keyword

    path = []
    for word in name.split("."):
        tag = int(word, 16) if _TAG.fullmatch(word) else tag_for_keyword(word)
        if tag is None:
            raise InvalidInput("a parameter is neither an attribute nor one of the standard's")
        path.append(tag)
    return tuple(path)


def checked_uid(text: str) -> str:
    """Return a UID. Raises InvalidInput."""
    if len(text) > 64 or not _UID.fullmatch(text):
        raise InvalidInput("a UID is digits and dots, at most 64 characters")
    return text


def _number(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 12:
        raise InvalidInput(f"{name} is a whole number of at least 0")
    return int(value)


def _criterion(matched: Matched, name: str, value: str) -> Criterion | None:
    """Return what a value asks for; None for universal matching."""
    value = value.strip()
    if value in ("", "*", '""'):
        return None
    if matched.kind == "uid":
        return OneOf(tuple(checked_uid(uid) for uid in re.split(r"[,\\]", value) if uid))
    if matched.kind == "number":
        sign = value[1:] if value[0] in "+-" else value
        if not sign.isdigit() or len(sign) > 10:
            raise InvalidInput(f"{name} is matched by a whole number")
        return OneOf((str(int(value)),))
    if matched.kind in ("date", "time"):
        form = _DATE if matched.kind == "date" else _TIME
        return _range(name, value, form)
    if "*" in value or "?" in value:
        return Like(value)
    return OneOf((value,))


def _range(name: str, value: str, form: re.Pattern[str]) -> Criterion:
    low, dash, high = value.partition("-")
    if not dash:
        low, high = value, value
    if any(end and not form.fullmatch(end) for end in (low, high)) or not (low or high):
        raise InvalidInput(f"{name}: a value or a range as PS3.4 C.2.2.2.5 writes them")
    if form is _DATE:
        return Between(low, high) if dash else OneOf((value,))
    # 10 stands for all from 10:00:00 to 10:59:59.999999; a time is compared as the text that it is.
    return Between(low, high + "\x7f" if high else "")
