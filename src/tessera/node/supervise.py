"""Watches over one running tool: asks every second whether it may go on, and ends it if not."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from tessera.ports.sandbox import SandboxResult, SandboxRun

_log = logging.getLogger(__name__)
EVERY_S: Final = 1.0
UNCLEAR: Final = "unclear"
"""It could not be told whether the run may go on: then it may not."""


class Supervised:
    """A running tool under supervision, from the moment this is made until `wait` returns.

    `why_not` returns a word why the run must stop now, or an empty text. It is called in a
    thread of its own, so that a tool is stopped also while somebody reads its channel.
    """

    def __init__(
        self, run: SandboxRun, why_not: Callable[[], str], *, every_s: float = EVERY_S
    ) -> None:
        self.run = run
        self.reason = ""
        """Why it was stopped; empty when it was not."""
        self._why_not = why_not
        self._every_s = every_s
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="supervise", daemon=True)
        self._thread.start()

    def stop(self, reason: str) -> None:
        """End the tool now. The first reason counts."""
        with self._lock:
            self.reason = self.reason or reason
        self.run.stop()

    def wait(self) -> SandboxResult:
        """Return when the tool has ended, whoever ended it."""
        try:
            return self.run.wait()
        finally:
            self._ended.set()
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                reason = self._why_not()
            except Exception:
                _log.exception("it cannot be told whether the run may go on: it is stopped")
                reason = UNCLEAR
            if reason:
                self.stop(reason)
                return
