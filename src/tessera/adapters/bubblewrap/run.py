"""One running tool: starts bwrap, hands the runner its orders, watches, takes what comes out.

The thread that starts bwrap stays until all of it has ended. This is not taste: the kernel's
"die with the parent" (PR_SET_PDEATHSIG) means the thread that forked, not its process.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tessera.adapters.bubblewrap.cgroup import Group, new_group
from tessera.adapters.bubblewrap.command import MB, RUNNER, tmp_bytes
from tessera.adapters.bubblewrap.taken import Taken, TakenLog, take_outputs
from tessera.adapters.bubblewrap.usage import usage
from tessera.domain.errors import Conflict, Unavailable
from tessera.ports.sandbox import Ended, SandboxRequest, SandboxResult

MAX_FILES: Final = 100
_STEP_DOWN: Final = Path(__file__).with_name("step_down.py")
_TICK_S: Final = 0.2
_N_FILES_OPEN: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is needed to start: the descriptors are the caller's to close, once this has begun."""

    request: SandboxRequest
    line: tuple[str, ...]
    staged: tuple[tuple[str, str], ...]
    """Not empty as root: what lies outside → where `step_down` is to put it for bwrap."""
    python: str
    plain_python: str
    descriptors: tuple[int, ...]
    has_groups: bool = True


class BubblewrapRun:
    """A SandboxRun."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._why: Ended | None = None
        self._note = ""
        self._pidfd: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: Exception | None = None
        self._result: SandboxResult | None = None
        self._begun = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="sandbox", daemon=True)
        self._thread.start()
        self._begun.wait()
        if self._failure is not None:
            raise Unavailable(f"the sandbox does not start: {self._failure}") from self._failure

    @property
    def stdin(self) -> IO[bytes]:
        return self._stream("stdin")

    @property
    def stdout(self) -> IO[bytes]:
        return self._stream("stdout")

    def is_running(self) -> bool:
        return not self._over.is_set()

    def stop(self) -> None:
        self._end(Ended.STOPPED)

    def wait(self) -> SandboxResult:
        self._over.wait()
        for stream in (self._process.stdin, self._process.stdout) if self._process else ():
            if stream is not None:
                with contextlib.suppress(OSError):  # what was written last, to nobody
                    stream.close()
        if self._result is None:
            raise Unavailable(f"the sandbox could not be watched: {self._failure}")
        return self._result

    def _stream(self, name: str) -> IO[bytes]:
        stream: IO[bytes] | None = getattr(self._process, name)
        if stream is None:
            raise Conflict("this run was started without a channel")
        return stream

    def _end(self, why: Ended, note: str = "") -> None:
        """Kill process 1 of the sandbox, and so all of it. The first reason stays."""
        with self._lock:
            if self._why is None and not self._over.is_set():
                self._why, self._note = why, note
            if self._pidfd is not None and self._why is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _live(self) -> None:
        try:
            self._run()
        except Exception as err:  # told to whoever starts or waits; the thread has no other reader
            self._failure = err
            if self._process is not None:
                self._process.kill()
        finally:
            self._over.set()
            self._begun.set()

    def _run(self) -> None:
        limits = self._start.request.limits
        began = time.monotonic()
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as open_until_end:
            open_until_end.enter_context(ours)
            with theirs:
                process, first = self._spawn(theirs.fileno())
            open_until_end.callback(process.wait)
            open_until_end.callback(process.kill)
            log = TakenLog(self._stream("stderr"))
            if first is None:
                process.wait()
                log.join()
                raise Unavailable(log.text().strip()[-500:] or "no reason given")
            pid, pidfd = first
            group = new_group(limits) if self._start.has_groups else None
            if group is not None:
                open_until_end.callback(group.remove)
                try:
                    group.add(pid)
                except OSError:  # the kernel lets no process be moved there: the watch remains
                    group = None
            taken = take_outputs(ours, limits.output_mb * MB, MAX_FILES)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                ours.sendall(self._orders())
            self._begun.set()
            peak = self._watch(pid, pidfd, group, began + limits.seconds)
            process.wait()
            taken.join()
            log.join()
            self._close(log, taken, began, group, peak)

    def _spawn(self, channel: int) -> tuple["subprocess.Popen[bytes]", tuple[int, int] | None]:
        start, has_channel = self._start, self._start.request.has_channel
        reads, writes = os.pipe()
        line = [
            *(*start.line, "--info-fd", str(writes), "--"),
            *(start.plain_python, "-I", "-S", "-B", RUNNER, str(channel)),
        ]
        handed = [*start.descriptors, channel, writes]
        with contextlib.ExitStack() as closing:
            told = closing.enter_context(open(reads, "rb"))
            if start.staged:
                orders = json.dumps({"line": line, "staged": start.staged}).encode()
                handed.append(descriptor_of(orders))
                closing.callback(os.close, handed[-1])
                line = [start.plain_python, "-I", "-S", "-B", str(_STEP_DOWN), str(handed[-1])]
            try:
                self._process = subprocess.Popen(
                    line,
                    env={},
                    stdin=subprocess.PIPE if has_channel else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if has_channel else subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=handed,
                    cwd="/",
                )
            finally:
                os.close(writes)
            text = told.read()
        if not text.strip():
            return self._process, None
        pid = int(json.loads(text)["child-pid"])
        pidfd = os.pidfd_open(pid)
        with self._lock:
            self._pidfd = pidfd
        if self._why is not None:
            self._end(self._why)
        return self._process, (pid, pidfd)

    def _orders(self) -> bytes:
        request, limits = self._start.request, self._start.request.limits
        largest = max(limits.output_mb * MB, tmp_bytes(limits)) + MB
        orders = {
            "command": [self._start.python, "-B", f"/tool/{request.entry}"],
            "channel": request.has_channel,
            "output_bytes": limits.output_mb * MB,
            "output_files": MAX_FILES,
            "limits": {
                "RLIMIT_CORE": 0,
                "RLIMIT_DATA": limits.memory_mb * MB,
                "RLIMIT_FSIZE": largest,
                "RLIMIT_MEMLOCK": 1 << 16,
                "RLIMIT_MSGQUEUE": 0,
                "RLIMIT_NOFILE": _N_FILES_OPEN,
                "RLIMIT_NPROC": limits.processes + 1,
                "RLIMIT_RTPRIO": 0,
            },
        }
        return json.dumps(orders).encode() + b"\n"

    def _watch(self, pid: int, pidfd: int, group: Group | None, deadline: float) -> int:
        """Return the most memory seen, when the last process is gone."""
        limits = self._start.request.limits
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        peak = 0
        while not poll.poll(1000 * min(_TICK_S, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                self._end(Ended.TOO_LONG)
                poll.poll()
                break
            used = usage(pid, above_bytes=limits.memory_mb * MB)
            peak = max(peak, used.memory_bytes)
            is_killed = group is not None and group.has_killed()  # one of its processes
            if is_killed or used.memory_bytes > limits.memory_mb * MB:
                self._end(Ended.TOO_MUCH_MEMORY)
            if used.n_tasks > limits.processes + 1:
                self._end(Ended.FAILED, f"more than {limits.processes} processes and threads")
        return peak

    def _close(
        self, log: TakenLog, taken: Taken, began: float, group: Group | None, peak: int
    ) -> None:
        text = log.text()
        with self._lock:
            ended, exit_code, note = self._why, None, self._note
            if self._pidfd is not None:
                os.close(self._pidfd)
                self._pidfd = None
            if ended is None and group is not None and group.has_killed():
                ended = Ended.TOO_MUCH_MEMORY
            if ended is None:
                exit_code, note = taken.status, taken.trouble
                ended = taken.ended(text)
        self._result = SandboxResult(
            ended=ended,
            exit_code=exit_code,
            seconds=time.monotonic() - began,
            outputs=taken.outputs if ended is Ended.DONE else {},
            log=f"{text}\nsandbox: {note}\n".lstrip("\n") if note else text,
            peak_memory_bytes=max(peak, group.peak_bytes() if group is not None else 0),
        )


def descriptor_of(content: bytes) -> int:
    """Return a new descriptor from which `content` can be read."""
    descriptor = os.memfd_create("tessera")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
