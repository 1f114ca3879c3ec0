"""A Sandbox that contains nothing: the tool as a plain process of this user, beside /data and /out.

For somebody's own tool on made-up data, on a machine without bubblewrap. Never at a node. A tool
finds its folders by TESSERA_DATA, TESSERA_INPUTS and TESSERA_OUT.
"""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

from tessera.domain.access.tool import Limits
from tessera.domain.errors import InvalidInput
from tessera.ports.sandbox import Ended, SandboxRequest, SandboxResult

_log = logging.getLogger(__name__)
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")
_LOG_BYTES = 64 * 1024


class BareProcess:
    """Runs tools unprotected, and warns when it is made."""

    def __init__(self) -> None:
        _log.warning("no sandbox: the tool can read and write whatever you can")

    def start(self, request: SandboxRequest) -> "BareRun":
        """Start a tool. Raises InvalidInput."""
        if not (request.program / request.entry).is_file():
            raise InvalidInput(f"the tool has no file {request.entry!r}")
        return BareRun(request)


class BareRun:
    """A SandboxRun."""

    def __init__(self, request: SandboxRequest) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tessera-bare-"))
        (self._folder / "out").mkdir()
        self._limits: Limits = request.limits
        self._ended: Ended | None = None
        self._result: SandboxResult | None = None
        self._began = time.monotonic()
        places = {f"TESSERA_{name[1:].upper()}": str(p) for name, p in request.mounts.items()}
        has_channel = request.has_channel
        self._log = (self._folder / "log").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-B", str(request.program / request.entry)],
            stdin=subprocess.PIPE if has_channel else subprocess.DEVNULL,
            stdout=subprocess.PIPE if has_channel else self._log,
            stderr=self._log,
            cwd=self._folder,
            env={
                **{name: os.environ[name] for name in _KEPT if name in os.environ},
                **places,
                "TESSERA_OUT": str(self._folder / "out"),
                **request.environment,
            },
            start_new_session=True,
        )
        self._timer = threading.Timer(request.limits.seconds, self._end, [Ended.TOO_LONG])
        self._timer.daemon = True
        self._timer.start()

    @property
    def stdin(self) -> IO[bytes]:
        return _open(self._process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        return _open(self._process.stdout)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._end(Ended.STOPPED)

    def wait(self) -> SandboxResult:
        if self._result is None:
            code = self._process.wait()
            self._timer.cancel()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            self._result = self._closed(code)
        return self._result

    def _end(self, why: Ended) -> None:
        if self._process.poll() is None:
            self._ended = self._ended or why
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _closed(self, code: int) -> SandboxResult:
        ended = self._ended or (Ended.FAILED if code else Ended.DONE)
        with self._log:
            self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG_BYTES))
            log = self._log.read().decode("utf-8", "replace")
        files = sorted(path for path in (self._folder / "out").iterdir() if path.is_file())
        outputs = {path.name: path.read_bytes() for path in files}
        if sum(map(len, outputs.values())) > self._limits.output_mb * 1_000_000:
            ended = Ended.TOO_MUCH_OUTPUT
        shutil.rmtree(self._folder, ignore_errors=True)
        return SandboxResult(
            ended=ended,
            exit_code=code if self._ended is None else None,
            seconds=time.monotonic() - self._began,
            outputs=outputs if ended is Ended.DONE else {},
            log=log,
        )


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise InvalidInput("this run was started without a channel")
    return stream
