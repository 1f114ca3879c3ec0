"""A regular expression that costs nothing until a text asks for it. Pure.

The patterns are many and long: to compile them all takes longer than to read a small series, and
most series need few of them.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Expression"]


class Expression:
    """`re.compile(source, flags)`, done when it is first used."""

    search: Callable[..., re.Match[str] | None]
    match: Callable[..., re.Match[str] | None]
    fullmatch: Callable[..., re.Match[str] | None]
    finditer: Callable[..., Iterator[re.Match[str]]]

    def __init__(self, source: str, flags: int = 0) -> None:
        self.source = source
        self.flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile; the methods are attributes from here on, as quick as those of `re`."""
        if name not in ("search", "match", "fullmatch", "finditer"):
            raise AttributeError(name)
        compiled = re.compile(self.source, self.flags)
        self.search, self.match = compiled.search, compiled.match
        self.fullmatch, self.finditer = compiled.fullmatch, compiled.finditer
        return getattr(compiled, name)
