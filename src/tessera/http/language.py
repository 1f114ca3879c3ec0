"""Which language a page is in, and its words. Texts are data: `locales/<language>/*.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from markupsafe import Markup, escape
from starlette.requests import Request

LANGUAGES = ("en", "sv")
"""ISO 639-1, the fallback first."""
COOKIE = "tessera_language"
"""Holds the reader's own choice and nothing else."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The words of one language. Looking up a key that is not there is an error, never a blank."""

    language: str
    messages: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> Markup:
        """Return the text of `key` as safe HTML; `{name}` in it becomes the escaped value."""
        return Markup(escape(self.messages[key])).format(**values)  # noqa: S704  escaped here

    def count(self, key: str, n: int, /, **values: object) -> Markup:
        """Return the text for `n` things: `key.one` or `key.other`."""
        return self(f"{key}.{'one' if n == 1 else 'other'}", **values)

    def has(self, key: str) -> bool:
        return key in self.messages

    def term(self, kind: str, value: str) -> str:
        """Return the word for a coded value, or the value itself when it has none.

        Plain text, not HTML: the template escapes it.
        """
        return self.messages.get(f"term.{kind}.{value}", value)


@cache
def texts(language: str) -> Texts:
    """Read the catalogue of one of `LANGUAGES`."""
    folder = resources.files("tessera.http").joinpath("locales", language)
    messages: dict[str, str] = {}
    for source in sorted(folder.iterdir(), key=lambda file: file.name):
        added = dict(_flat(tomllib.loads(source.read_text("utf-8"))))
        if twice := sorted(added.keys() & messages.keys()):
            raise ValueError(f"{language}/{source.name}: said before: {', '.join(twice)}")
        messages |= added
    return Texts(language, messages)


def _flat(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(cast(Mapping[str, object], value), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def chosen_language(request: Request) -> str:
    """Return the language of the answer: `?lang=`, then the cookie, then Accept-Language."""
    for wish in (request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")):
        if wish in LANGUAGES:
            return wish
    return preferred_language(request.headers.get("accept-language", ""))


def preferred_language(accept: str) -> str:
    """Return the best of `LANGUAGES` for an Accept-Language header; the first when none fits.

    Source: RFC 9110, 12.5.4. A range that cannot be read is passed over.
    """
    best, best_quality = LANGUAGES[0], 0.0
    for part in accept.split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        quality = _quality(parameter)
        if primary in LANGUAGES and quality > best_quality:
            best, best_quality = primary, quality
    return best


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
