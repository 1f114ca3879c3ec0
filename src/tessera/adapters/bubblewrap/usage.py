"""What the processes of a sandbox use, read from /proc: for machines without control groups too."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    n_tasks: int
    """Processes and threads."""
    memory_bytes: int


def usage(first_pid: int, *, above_bytes: int) -> Usage:
    """Return what `first_pid` and all its descendants use.

    Memory is the sum of resident pages, which counts shared pages once per process; only where
    that is over `above_bytes` is each page shared out properly, since that costs more to read.
    """
    pids = _tree(first_pid)
    n_bytes = sum(map(_resident_bytes, pids))
    if n_bytes > above_bytes:
        n_bytes = sum(map(_proportional_bytes, pids))
    return Usage(sum(map(_n_threads, pids)), n_bytes)


def _tree(first: int) -> list[int]:
    found = [first]
    for pid in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    found += map(int, (task / "children").read_text().split())
    return found


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


def _proportional_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident_bytes(pid)


def _n_threads(pid: int) -> int:
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    return 0
