"""Who the instances of each study name, for a look across them when all are known. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from tessera.domain.deid.identities import Identities

__all__ = ["PeopleMet"]


class PeopleMet:
    """New study UID → identities, one for each that differs. Identified; empty until started."""

    def __init__(self) -> None:
        self._by_study: dict[str, set[Identities]] | None = None

    def start(self) -> None:
        """Remember from now on; without it nothing is, so that a long run does not grow."""
        self._by_study = {}

    def add(self, study: str, people: Identities) -> None:
        """Remember who one instance of a study names; UIDs are its own and left out."""
        if self._by_study is not None:
            self._by_study.setdefault(study, set()).add(replace(people, uids=frozenset()))

    def take(self) -> Mapping[str, frozenset[Identities]]:
        """Return what was remembered since the last call."""
        if self._by_study is None:
            return {}
        met, self._by_study = self._by_study, {}
        return {study: frozenset(people) for study, people in met.items()}

    def __repr__(self) -> str:
        return f"PeopleMet({len(self._by_study or ())} studies)"
