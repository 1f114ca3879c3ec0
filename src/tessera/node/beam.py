"""Answer the explorer's queries as they come over a Beam network, with no query agent between.

A task is answered once the answer is at the proxy: one that was claimed and not answered, as after
a kill, comes again. What the network asks goes through the same gate, ledger and audit log as what
it asks over HTTP (`node/outside.py`).
"""

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from tessera.domain.cohort.explorer import provider_answer, query_of_task
from tessera.domain.errors import InvalidInput, TesseraError, Unavailable
from tessera.node.outside import OutsideSearch
from tessera.ports.beam import BeamProxy, BeamTask, WorkStatus

_log = logging.getLogger(__name__)
ASKER: Final = "beam"
HEALTH: Final = "focus-healthcheck"
"""The project by which a network asks whether the site's agent is there."""
_AT_ONCE: Final = 4
WAIT_S: Final = 30.0
PAUSE_S: Final = 0.5
"""After an answer without a task: a proxy need not wait where it has one that cannot be read."""
MOST_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamAgent:
    """`wait` sleeps so many seconds; `tell` says in words what happens."""

    search: OutsideSearch
    proxy: BeamProxy
    wait: Callable[[float], None]
    tell: Callable[[str], None]

    def run(self, *, rounds: int | None = None) -> None:
        """Ask for tasks and answer them; for ever, or so many times. Raises NotSignedIn."""
        delay = 0.0
        while rounds is None or (rounds := rounds - 1) >= 0:
            try:
                tasks = self.proxy.tasks(WAIT_S)
                if not tasks:
                    self.wait(PAUSE_S)
                with ThreadPoolExecutor(_AT_ONCE) as pool:
                    list(pool.map(self.answer, tasks))
                if delay:
                    self.tell("the Beam proxy is there again")
                delay = 0.0
            except Unavailable as err:
                if not delay:
                    self.tell(f"{err}; trying again")
                delay = min(max(1.0, 2 * delay), MOST_WAIT_S)
                self.wait(delay)

    def answer(self, task: BeamTask) -> None:
        """Answer one task. Raises Unavailable when the answer cannot be handed over."""
        self.proxy.put(task, WorkStatus.CLAIMED)
        status, body = self._result(task)
        self.proxy.put(task, status, body)
        self.tell(f"{task.task_id} of {task.sender}: {status}")

    def _result(self, task: BeamTask) -> tuple[WorkStatus, str]:
        if task.project == HEALTH:
            return WorkStatus.SUCCEEDED, "healthy"
        try:
            query = query_of_task(task.body)
            found = self.search.answers(query, ASKER, str(task.task_id))
        except InvalidInput as err:
            return WorkStatus.FAILED, f"Cannot parse query: {err}"
        except TesseraError as err:
            _log.error("Beam task %s: %s", task.task_id, err)
            return WorkStatus.FAILED, f"Cannot execute query: {err.code}"
        told = json.dumps(provider_answer(self.search.name, found), ensure_ascii=False)
        return WorkStatus.SUCCEEDED, b64encode(told.encode()).decode()
