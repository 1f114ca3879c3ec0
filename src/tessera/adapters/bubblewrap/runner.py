"""First process inside the sandbox: starts the tool, ends all of it, hands over what is in /out.

It stands alone (`python -I -S`), since nothing of the project is inside. Over one socket it reads
its orders, one line of JSON, and writes frames as `wire/frames.py` reads them: one per output,
then one with type "end". Without that last one the other side takes nothing. As process 1 of the
namespace it cannot be killed from inside, and as it cannot be dumped, a tool of the same user can
neither trace it nor reach its descriptors. When the other side is gone it ends, and with it all.
"""

import contextlib
import ctypes
import json
import os
import re
import resource
import select
import signal
import socket
import stat
import struct
import sys
from typing import Any

_PR_SET_DUMPABLE = 4
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # Landlock; the same on every architecture
_ABSTRACT_SOCKETS = 1
_OUT = "/out"
_TMPFS = (_OUT, "/tmp", "/dev/shm")  # noqa: S108 - these are the sandbox's own
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_MAX_ENTRIES = 10_000
"""Files in one of the writable folders; each costs memory that no size limit counts."""
_WATCH_S = 0.1
_CHUNK = 1 << 20


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _keep_from_named_sockets()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a handler is what lets process 1 be signalled
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    orders = _read_orders(channel)
    tool = _start(orders)
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1):
        os.dup2(null, number)
    status, is_flooded = _watch(tool, channel)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    _reap_all()
    is_full = is_flooded or os.statvfs(_OUT).f_bavail == 0
    if status == 0 and not is_flooded:
        is_full = not _send_outputs(channel, orders["output_bytes"], orders["output_files"])
    _frame(channel, {"type": "end", "status": status, "full": is_full})


def _keep_from_named_sockets() -> None:
    """Bar the host's abstract Unix sockets, which whoever has its network could reach.

    On kernels before 6.12, which cannot, this does nothing. Source: `landlock(7)`, scopes.
    """
    libc = ctypes.CDLL(None)
    rules = struct.pack("=QQQ", 0, 0, _ABSTRACT_SOCKETS)
    ruleset = libc.syscall(_CREATE_RULESET, rules, len(rules), 0)
    if ruleset >= 0:
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)


def _read_orders(channel: socket.socket) -> Any:
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = channel.recv(65_536)
        if not chunk:
            sys.exit(1)
        line += chunk
    return json.loads(line)


def _start(orders: Any) -> int:
    tool = os.fork()
    if tool:
        return tool
    try:
        os.setsid()
        if not orders["channel"]:
            os.dup2(2, 1)
        for name, most in orders["limits"].items():
            resource.setrlimit(getattr(resource, name), (most, most))
        for number in range(1, 32):
            if number not in (signal.SIGKILL, signal.SIGSTOP):
                signal.signal(number, signal.SIG_DFL)
        os.closerange(3, 1 << 30)
        os.execve(orders["command"][0], orders["command"], dict(os.environ))  # noqa: S606
    except BaseException as err:
        os.write(2, f"the tool cannot be started: {err}\n".encode())
    os._exit(127)


def _watch(tool: int, channel: socket.socket) -> tuple[int, bool]:
    """Return the tool's exit status, negative for a signal; and whether it flooded a folder."""
    gone = select.poll()
    gone.register(channel, select.POLLRDHUP)
    wakes, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    gone.register(wakes, select.POLLIN)
    while True:
        for number, _ in gone.poll(_WATCH_S * 1000):
            if number != wakes:
                os._exit(1)
            os.read(wakes, 4096)
        while True:
            try:
                pid, raw = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid == tool:
                return os.waitstatus_to_exitcode(raw), False
        if any(_n_entries(folder) > _MAX_ENTRIES for folder in _TMPFS):
            return -signal.SIGKILL, True


def _n_entries(folder: str) -> int:
    found = os.statvfs(folder)
    return found.f_files - found.f_ffree


def _reap_all() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def _send_outputs(channel: socket.socket, most_bytes: int, most_files: int) -> bool:
    """Send every plain file of /out. Returns False when there are too many, or too many bytes."""
    left = []
    with os.scandir(_OUT) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    plain = []
    for entry in entries:
        known = entry.stat(follow_symlinks=False)
        if (
            not stat.S_ISREG(known.st_mode)
            or known.st_nlink != 1
            or not _NAME.fullmatch(entry.name)
        ):
            left.append(entry.name)
            continue
        plain.append((entry, known.st_size))
    if len(plain) > most_files or sum(size for _, size in plain) > most_bytes:
        return False
    for name in left[:20]:
        os.write(2, f"/out/{name!a:.100}: left behind, since it is no plain file\n".encode())
    for entry, size in plain:
        os.chmod(entry.path, 0o400)  # noqa: PTH101 - pathlib would double the start-up
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            _frame(channel, {"type": "output", "name": entry.name}, size)
            while size:
                chunk = file.read(min(size, _CHUNK))
                if not chunk:
                    sys.exit(1)  # no end frame: the other side takes nothing
                channel.sendall(chunk)
                size -= len(chunk)
    return True


def _frame(channel: socket.socket, header: dict[str, object], n_payload: int = 0) -> None:
    raw = json.dumps(header).encode()
    channel.sendall(len(raw).to_bytes(4, "big") + raw + n_payload.to_bytes(8, "big"))


if __name__ == "__main__":
    main()
