"""At a node: end the client's processes when the job has ended or the server is gone."""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Final

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent
from nvflare.apis.fl_context import FLContext
from nvflare.fuel.f3.cellnet.fqcn import FQCN

from tessera.adapters.nvflare import layout

_CHECK_S: Final = 0.2
_LAST_WORDS_S: Final = 1.5
"""Time for the last answer to reach the hub."""
DONE: Final = 0
NOT_DONE: Final = 3
SERVER_GONE: Final = 4


class Watch(FLComponent):
    """Looks after the end; a component of the client's parent process."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(os.environ[layout.ENV_FOLDER])
        self._gone_s = float(os.environ[layout.ENV_GONE_S])
        self._heard = time.monotonic()
        self._has_job_ended = False
        if os.environ[layout.ENV_WATCHED] == str(os.getpid()):  # not in the job's own process
            threading.Thread(target=self._look, name="watch", daemon=True).start()

    def handle_event(self, event_type: str, fl_ctx: FLContext) -> None:
        if event_type == EventType.AFTER_CLIENT_HEARTBEAT:
            # FLARE fires this also for a heartbeat that reached nobody.
            if fl_ctx.get_engine().client.cell.core_cell.is_cell_connected(FQCN.ROOT_SERVER):
                self._heard = time.monotonic()
        elif event_type == EventType.JOB_COMPLETED:
            self._has_job_ended = True

    def _look(self) -> None:
        while True:
            time.sleep(_CHECK_S)
            ended = layout.read_ended(self._folder)
            if ended is not None:
                self._wait_for_the_job()
                self._leave(NOT_DONE if ended[0] else DONE, ended[0] or "the job is done")
            if self._has_job_ended:
                self._leave(NOT_DONE, "the hub ended the training")
            if time.monotonic() - self._heard > self._gone_s:
                self._leave(SERVER_GONE, f"the hub's server is silent for {self._gone_s:g} s")

    def _wait_for_the_job(self) -> None:
        until = time.monotonic() + _LAST_WORDS_S
        while time.monotonic() < until and not self._has_job_ended:
            time.sleep(_CHECK_S)

    def _leave(self, code: int, why: str) -> None:
        """End this process; the job's process notices within 0.3 s and follows."""
        sys.stderr.write(f"client ended: {why}\n")
        sys.stderr.flush()
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(code)
