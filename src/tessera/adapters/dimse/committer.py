"""One thread that makes arrivals durable, many with one flush, and writes them in the book."""

import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.adapters.dimse.inbox import InboxFolder, Incoming
from tessera.domain.errors import TesseraError
from tessera.ports.arrivals import Arrival, Arrivals

_log = logging.getLogger(__name__)
_MOST: Final = 64
"""Files of one flush."""
_ROWS: Final = 256
"""Rows of one transaction; fewer when nothing more comes."""
_LULL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that is whole, its row, and who is told."""

    incoming: Incoming
    arrival: Arrival
    done: Callable[[bool], None]
    """Called in the loop's thread with whether the file is safe."""


class Committer:
    def __init__(
        self, folder: InboxFolder, open_book: Callable[[], Arrivals], *, at_once: bool
    ) -> None:
        self._folder = folder
        self._open_book = open_book
        self._most = _MOST if at_once else 1
        self._todo: queue.SimpleQueue[Ready | list[Arrival] | None] = queue.SimpleQueue()
        self._noted: list[Arrival] = []
        self._done: deque[tuple[Ready, bool]] = deque()
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable when `settle` has something to tell."""
        self._thread = threading.Thread(target=self._work, name="commit", daemon=True)
        self._thread.start()

    def put(self, ready: Ready) -> None:
        self._todo.put(ready)

    def commit(self, ready: Ready) -> None:
        """Make one file durable here and now: for a loop that nobody else waits for."""
        for one in self._commit([ready]):
            self.note(one.arrival)
        self.settle()

    def note(self, arrival: Arrival) -> None:
        """Have a row written for a file that has its name already, together with others."""
        self._noted.append(arrival)
        if len(self._noted) >= _ROWS:
            self.write_noted()

    def write_noted(self) -> None:
        """Have the rows written that were noted; to be called now and then."""
        if self._noted:
            self._todo.put(self._noted)
            self._noted = []

    def settle(self) -> None:
        """Tell what was done since the last call; in the loop's thread."""
        try:
            os.eventfd_read(self.wake)
        except BlockingIOError:
            return
        while self._done:
            ready, is_safe = self._done.popleft()
            ready.done(is_safe)

    def close(self) -> None:
        """Finish what was put, rows too."""
        self.write_noted()
        self._todo.put(None)
        self._thread.join()
        self.settle()

    def _work(self) -> None:
        try:
            self._go_on()
        except Exception as err:
            # Nobody would be answered any more. The listener begins another process.
            _log.critical("arrivals cannot be committed: %s", type(err).__name__)
            os._exit(1)

    def _go_on(self) -> None:
        book = self._open_book()
        rows: list[Arrival] = []
        is_last = False
        while not is_last:
            batch, is_last = self._taken(wait_s=_LULL_S if rows else None)
            for noted in batch:
                if isinstance(noted, list):
                    rows += noted
            files = [ready for ready in batch if isinstance(ready, Ready)]
            rows += [ready.arrival for ready in self._commit(files)]
            if rows and (len(rows) >= _ROWS or not files or is_last):
                rows = self._written(book, rows)

    def _taken(self, wait_s: float | None) -> tuple[list[Ready | list[Arrival]], bool]:
        """Return what is there, at least one unless the wait runs out; and whether it is all."""
        batch: list[Ready | list[Arrival]] = []
        try:
            one = self._todo.get(timeout=wait_s)
            while one is not None:
                batch.append(one)
                if len(batch) >= self._most:
                    return batch, False
                one = self._todo.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _commit(self, files: Sequence[Ready]) -> Sequence[Ready]:
        """Make files durable, tell whom it concerns, and return those that are."""
        safe: list[Ready] = []
        for ready in files:
            try:
                ready.incoming.flush()
                ready.incoming.publish()
            except OSError as err:
                self._failed(ready, err)
            else:
                safe.append(ready)
        try:
            if safe:
                self._folder.sync_names()
        except OSError as err:
            # What was renamed stays: the sender is told to send again, and that does no harm.
            _log.error("arrivals cannot be made durable: %s", err.strerror)
            self._tell(safe, is_safe=False)
            return ()
        self._tell(safe, is_safe=True)
        return safe

    def _failed(self, ready: Ready, err: OSError) -> None:
        _log.error("an arrival cannot be made durable: %s", err.strerror)
        ready.incoming.abandon()
        self._tell([ready], is_safe=False)

    def _tell(self, files: Sequence[Ready], *, is_safe: bool) -> None:
        if files:
            self._done.extend((ready, is_safe) for ready in files)
            os.eventfd_write(self.wake, 1)

    def _written(self, book: Arrivals, rows: list[Arrival]) -> list[Arrival]:
        """Write rows; return those that could not be, to be tried again with the next."""
        try:
            book.add(rows)
        except TesseraError as err:
            _log.error("arrivals are safe but not in the list yet: %s", err)
            return rows[-_ROWS * 16 :]
        return []
