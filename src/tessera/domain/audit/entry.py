"""One entry of an audit log, and its one byte form. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tessera.domain.errors import InvalidInput

VERSION: Final = 1
"""Of the byte form; rises when an older program can no longer read an entry."""
Fact = str | int | bool | tuple[str, ...]
_KEYS: Final = {"v", "index", "at", "actor", "event", "facts"}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. `tessera.domain.audit.events` makes them all."""

    event: str
    actor: str
    """A node's or a person's id, "operator" or "public"; never a name."""
    facts: Mapping[str, Fact]
    """Flat. No value of a patient, no secret, no path, no exact count that left the node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event in its place. The hash of the entries before it is the tree's business."""

    index: int
    """From 0."""
    at: datetime
    """UTC."""
    event: Event

    def encode(self) -> bytes:
        """Return the line without its end: UTF-8, sorted keys, no spaces, no line feed."""
        facts = {
            key: list(fact) if isinstance(fact, tuple) else fact
            for key, fact in self.event.facts.items()
        }
        return canonical(
            {
                "v": VERSION,
                "index": self.index,
                "at": moment_text(self.at),
                "actor": self.event.actor,
                "event": self.event.event,
                "facts": facts,
            }
        )

    @classmethod
    def decode(cls, line: bytes) -> "Entry":
        """Read a line. Raises InvalidInput unless it is the one byte form of its entry."""
        try:
            body = json.loads(line)
            if body.keys() != _KEYS or body["v"] != VERSION:
                raise ValueError("keys")
            event = Event(
                _text(body["event"]),
                _text(body["actor"]),
                {key: _fact(fact) for key, fact in body["facts"].items()},
            )
            entry = cls(index=int(body["index"]), at=moment(body["at"]), event=event)
            if entry.encode() != line:
                raise ValueError("not canonical")
        except (ValueError, TypeError, AttributeError, RecursionError) as err:
            raise InvalidInput("not an entry as this program writes them") from err
        return entry


def canonical(body: Mapping[str, object]) -> bytes:
    text = json.dumps(
        body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def moment_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read a time that states its offset. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its offset")
    return at.astimezone(UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _fact(value: Any) -> Fact:
    if isinstance(value, list):
        return tuple(_text(part) for part in value)
    if not isinstance(value, str | int):
        raise TypeError("expected text, a whole number, true or false, or a list of text")
    return value
