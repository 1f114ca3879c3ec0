"""Reading a decoded JSON object key by key; every failure is a BadMessage that names the key.

Unknown keys are ignored, so that a newer sender can be read. Pure.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from tessera.wire.refusals import BadMessage

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)
Json = Mapping[str, object]
"""A decoded JSON object."""
_LARGEST: Final = 2**63 - 1
"""Stores and other programs hold no larger whole number."""


def encode(body: Json) -> bytes:
    """Return the one byte form of `body`: UTF-8, sorted keys, no spaces."""
    text = json.dumps(
        body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def decode(data: bytes | str) -> Json:
    """Parse one JSON object. Raises BadMessage for anything else."""
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        body = json.loads(text, parse_constant=_no_number)
        if "\\u" in text:
            # Half of a surrogate pair passes the parser, and then can be written nowhere.
            json.dumps(body, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as err:
        raise BadMessage("body", "a JSON object in UTF-8") from err
    return as_object(body, "body")


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def as_object(value: object, key: str) -> Json:
    if not isinstance(value, dict):
        raise BadMessage(key, "an object")
    return value


def text(body: Json, key: str, default: str | None = None) -> str:
    value = body.get(key, default)
    if not isinstance(value, str):
        raise BadMessage(key, "text")
    return value


def integer(body: Json, key: str) -> int:
    value = body.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadMessage(key, "a whole number")
    return value


def natural_or_none(body: Json, key: str) -> int | None:
    """Return a count, or None when the key is absent or null."""
    if body.get(key) is None:
        return None
    value = integer(body, key)
    if not 0 <= value <= _LARGEST:
        raise BadMessage(key, "a whole number of at least 0, or null")
    return value


def flag(body: Json, key: str) -> bool:
    value = body.get(key)
    if not isinstance(value, bool):
        raise BadMessage(key, "true or false")
    return value


def texts(body: Json, key: str) -> tuple[str, ...]:
    """Return a list of text; an absent key is an empty list."""
    return items(body, key, _as_text)


def items(body: Json, key: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
    """Return a list, each entry through `read(entry, place)`; an absent key is an empty list."""
    value = body.get(key, [])
    if not isinstance(value, list):
        raise BadMessage(key, "a list")
    return tuple(read(entry, f"{key}[{i}]") for i, entry in enumerate(value))


def objects(body: Json, key: str, read: Callable[[Json], T]) -> tuple[T, ...]:
    """Return a list of objects, each through `read`; an absent key is an empty list."""
    return items(body, key, lambda entry, place: read(as_object(entry, place)))


def integers(body: Json, key: str) -> tuple[int, ...]:
    """Return a list of whole numbers; an absent key is an empty list."""
    return items(body, key, lambda entry, place: integer({place: entry}, place))


def child(body: Json, key: str) -> Json:
    return as_object(body.get(key), key)


def uuid(body: Json, key: str) -> str:
    """Return a UUID in its one form."""
    try:
        return str(UUID(text(body, key)))
    except ValueError as err:
        raise BadMessage(key, "a UUID") from err


def word(kind: type[Word], body: Json, key: str) -> Word:
    """Return one of the words of an enumeration."""
    return as_word(kind, text(body, key), key)


def as_word(kind: type[Word], value: str, place: str) -> Word:
    try:
        return kind(value)
    except ValueError as err:
        raise BadMessage(place, f"one of {', '.join(kind)}") from err


def moment(body: Json, key: str) -> datetime:
    """Return an instant in UTC from an ISO 8601 text that states its offset."""
    return _as_moment(text(body, key), key)


def moment_or_none(body: Json, key: str) -> datetime | None:
    return None if body.get(key) is None else moment(body, key)


def moments(body: Json, key: str) -> dict[str, datetime]:
    """Return names with a moment each; none when the key is not there."""
    told = as_object(body.get(key, {}), key)
    return {name: moment(told, name) for name in told}


def moment_text(at: datetime) -> str:
    """Return `at` as ISO 8601 in UTC with `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moments_text(at: Mapping[str, datetime]) -> dict[str, str]:
    return {name: moment_text(one) for name, one in at.items()}


def moment_text_or_none(at: datetime | None) -> str | None:
    return None if at is None else moment_text(at)


def _as_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise BadMessage(place, "text")
    return value


def _as_moment(value: str, key: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise BadMessage(key, "a time in ISO 8601") from err
    raise BadMessage(key, "a time in ISO 8601 with its offset")
