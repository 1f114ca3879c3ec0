"""What the patterns find in a text. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["identifier", "contact", "place", "date", "uid", "url"]


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of a text that has the form of an identity or of a date."""

    kind: Kind
    start: int
    """First character, in the text as it was given."""
    end: int
    """One past the last."""
    name: str
    """Which pattern: "mail", "cpr-dk", "long-digits". Says nothing of the value."""
    day: date | None = None
    """The day that a date means; of a month the 15th, of a quarter its middle."""
    rewrite: Callable[[date], str] | None = field(default=None, repr=False, compare=False)

    def written(self, new_day: date) -> str:
        """Return another day as this date was written: order, separators, language, case.

        What is no date becomes empty.
        """
        return self.rewrite(new_day) if self.rewrite is not None else ""
