"""Wire the harvest of other catalogues, by hand and on a schedule."""

import logging
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import hub_audit
from tessera.bootstrap.hub import HubSettings
from tessera.hub.harvesting import Harvesting
from tessera.ports.hub_store import HubStore

_log = logging.getLogger(__name__)
LOOK_S: Final = 60.0
"""How often a running hub looks whether a source is due."""
_MOST_BYTES: Final = 4_000_000_000
"""Memory of a run, as address space."""
_LONGEST_S: Final = 2 * 3600
"""After so long a run is ended; what it has kept before stays."""


@contextmanager
def open_harvesting(home: Path) -> Iterator[Harvesting]:
    """Open what `tessera hub harvest` works with."""
    from tessera.adapters.harvest.documents import read_document
    from tessera.adapters.harvest.fetch import GuardedFetch
    from tessera.adapters.harvest.sources import FileOrWeb

    settings = HubSettings.load(home)
    store = SqliteHubStore(home / "hub.sqlite")
    try:
        yield Harvesting(
            store=store,
            clock=SystemClock(),
            audit=hub_audit(home),
            fetch=FileOrWeb(GuardedFetch()),
            read=read_document,
            own_address=settings.url,
        )
    finally:
        store.close()


class HarvestSchedule:
    """Runs what is due, each time in a process of its own.

    What strangers send is parsed there: a document that takes all memory or never ends takes
    neither the hub's pages nor its nodes with it.
    """

    def __init__(self, home: Path, store: HubStore, *, look_s: float = LOOK_S) -> None:
        self._home = home
        self._store = store
        self._look_s = look_s
        self._stopped = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._watch, name="harvest", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop; a run under way is ended."""
        self._stopped.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        while not self._stopped.wait(self._look_s):
            try:
                now = SystemClock().now()
                if any(source.is_due(now) for source in self._store.harvest.sources()):
                    self._run()
            except Exception:  # the schedule goes on whatever happens to one run
                _log.exception("harvest: a run could not be started")

    def _run(self) -> None:
        main = "from tessera.cli import main; main()"
        self._child = subprocess.Popen(
            [sys.executable, "-c", main, "hub", "harvest", "run", str(self._home), "--due"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        resource.prlimit(self._child.pid, resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
        try:
            code = self._child.wait(timeout=_LONGEST_S)
            _log.info("harvest: run ended with %d", code)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            _log.warning("harvest: run ended after %d s", _LONGEST_S)
