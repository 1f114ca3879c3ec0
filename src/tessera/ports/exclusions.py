"""Ports: the list of subjects who have opted out, and the little of it that others may see."""

from collections.abc import Sequence
from typing import Protocol

from tessera.domain.access.exclusions import Exclusion
from tessera.domain.ids import Pseudonym


class Exclusions(Protocol):
    """What counts, versions and runs get to know: whom to leave out, and nothing more."""

    def excluded(self) -> frozenset[Pseudonym]:
        """Return everybody who is opted out at this moment.

        Raises Unavailable when that cannot be told: then nobody may be counted. Safe to call
        from several threads, and sees what another process has changed.
        """
        ...


class ExclusionList(Exclusions, Protocol):
    """The list itself, in the identified zone.

    Implementations pass `ExclusionListContract` of `tessera.testing.exclusions`. Every method
    raises Unavailable as `excluded` does.
    """

    def add(self, exclusions: Sequence[Exclusion]) -> frozenset[Pseudonym]:
        """Add, all or none, and return who was not in the list before.

        Who was in it stays as first written. Durable when it returns.
        """
        ...

    def remove(self, subjects: Sequence[Pseudonym]) -> frozenset[Pseudonym]:
        """Take off the list, all or none, and return who was on it. Durable when it returns."""
        ...

    def all(self) -> tuple[Exclusion, ...]:
        """Return the whole list, by subject."""
        ...
