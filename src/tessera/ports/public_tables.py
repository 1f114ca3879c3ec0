"""Port: what a hub's operator sets beside its data, for everybody to read."""

from collections.abc import Sequence
from typing import Protocol

from tessera.domain.catalogue.calls import Call
from tessera.domain.catalogue.incidence import EUROPE_2020, Incidence


class PublicTables(Protocol):
    def incidence(self) -> Incidence:
        """Return the table that was set, else `EUROPE_2020`."""
        ...

    def calls(self) -> Sequence[Call]:
        """Return every call, also past ones."""
        ...


class NoTables:
    """Nothing was set."""

    def incidence(self) -> Incidence:
        return EUROPE_2020

    def calls(self) -> Sequence[Call]:
        return ()
