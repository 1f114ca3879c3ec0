"""Take in what peers send, for as long as the node receives. Knows no socket and no folder."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tessera.domain.errors import TesseraError
from tessera.ports.arrival_files import ArrivalFiles
from tessera.ports.ledger import NOT_READ, LedgerEntry, SourceFile

_log = logging.getLogger(__name__)
AT_ONCE: Final = 480
"""Files of one round: twenty batches of ingest."""
PAUSE_S: Final = 0.2
"""Between two looks when nothing waits."""
TROUBLE_S: Final = 5.0
"""After something that stops all writing, such as a full disk."""
_TIDY_S: Final = 2.0
_AGAIN_S: Final = 60.0
"""Before a file that could not be read is tried again."""
_TOLD_S: Final = 600.0
"""Counts are written down when nothing more comes, or after so long."""

TakeRound = Callable[[Sequence[SourceFile]], Iterator[LedgerEntry | None]]
"""Ingests files; see `tessera.node.ingest.ingest`. Raises TesseraError when nothing can be."""


class IntakeLoop:
    """`wait` sleeps so many seconds and returns whether the node is to stop."""

    def __init__(
        self,
        files: ArrivalFiles,
        take: TakeRound,
        write_down: Callable[[Mapping[str, int]], None],
        wait: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files, self._take, self._write_down = files, take, write_down
        self._wait, self._clock = wait, clock
        self._counts: Counter[str] = Counter()
        self._counted_since = self._tidied = clock()
        self._later: dict[str, float] = {}
        """Key of a file that could not be read → when it is tried again."""

    def run(self) -> None:
        """Go on until `wait` says stop. What is wrong with one file stops no other."""
        pause_s, trouble = 0.0, ""
        while not self._wait(pause_s):
            try:
                pause_s, trouble = (0.0 if self.round() else PAUSE_S), ""
            except (TesseraError, OSError) as err:
                said = str(err) if isinstance(err, TesseraError) else type(err).__name__
                if said != trouble:
                    _log.error("nothing can be taken in now: %s; going on by itself", said)
                pause_s, trouble = TROUBLE_S, said
        self._tell()

    def round(self) -> int:
        """Take in what waits, at most AT_ONCE files; return how many were settled."""
        now = self._clock()
        self._later = {key: at for key, at in self._later.items() if at > now}
        waiting = self._files.waiting(AT_ONCE + len(self._later))
        sources = [source for source in waiting if source.key not in self._later]
        if not sources:
            self._lull(now)
            return 0
        not_read = set()
        for entry in self._take(sources):
            state = "settled before" if entry is None else str(entry.state)
            if entry is not None and entry.reason == NOT_READ:
                not_read.add(entry.source.key)
            else:
                self._counts[state] += 1
        for key in not_read:
            self._later[key] = now + _AGAIN_S
        settled = [source for source in sources if source.key not in not_read]
        self._files.settle(settled)
        if now - self._counted_since > _TOLD_S:
            self._tell()
        return len(settled)

    def _lull(self, now: float) -> None:
        self._tell()
        if now - self._tidied > _TIDY_S:
            self._tidied = now
            self._files.tidy()

    def _tell(self) -> None:
        if self._counts:
            said = ", ".join(f"{state} {n}" for state, n in sorted(self._counts.items()))
            _log.info("taken in: %s", said)
            self._write_down(dict(self._counts))
            self._counts.clear()
        self._counted_since = self._clock()
