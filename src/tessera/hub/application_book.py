"""All applications as they are now, folded once and kept up with the store."""

from collections.abc import Sequence
from threading import Lock

from tessera.domain.access.application import Event
from tessera.domain.access.application_state import AccessApplication, folded
from tessera.ports.applications import ApplicationStore


class ApplicationBook:
    """Reads only what has happened since it last looked; other processes may write."""

    def __init__(self, store: ApplicationStore) -> None:
        self._store = store
        self._known: dict[str, AccessApplication] = {}
        self._lock = Lock()

    def find(self, application_id: str) -> AccessApplication | None:
        with self._lock:
            return self._current(application_id)

    def all(self) -> Sequence[AccessApplication]:
        """Return every application, first drafted first."""
        with self._lock:
            found = (self._at(name, number) for name, number in self._store.heads().items())
            return [state for state in found if state is not None]

    def events(self, application_id: str) -> Sequence[Event]:
        return self._store.events(application_id)

    def _at(self, application_id: str, number: int) -> AccessApplication | None:
        known = self._known.get(application_id)
        if known is not None and known.number >= number:
            return known
        return self._current(application_id)

    def _current(self, application_id: str) -> AccessApplication | None:
        known = self._known.get(application_id)
        later = self._store.events(application_id, known.number if known else 0)
        state = folded(later, known)
        if state is not None:
            self._known[application_id] = state
        return state
