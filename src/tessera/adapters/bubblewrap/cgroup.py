"""A control group per run, where this process may make one: the kernel's own limits.

Version 2 (the group of this process, or its parent, must hand on `memory` and `pids`: root under
systemd, or a service with `Delegate=yes` and `DelegateSubgroup=`) and version 1.
"""

import contextlib
import os
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from tessera.domain.access.tool import Limits

_ROOT: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")
_NEEDED: Final = ("memory", "pids")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Group:
    """The folders of one run's group: one in version 2, one per controller in version 1."""

    folders: tuple[Path, ...]

    def add(self, pid: int) -> None:
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def has_killed(self) -> bool:
        """Return whether the kernel ended a process of it for want of memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    lines = (folder / name).read_text().splitlines()
                    pairs = (line.split() for line in lines)
                    if any(key == "oom_kill" and n != "0" for key, n in pairs):
                        return True
        return False

    def peak_bytes(self) -> int:
        for folder in self.folders:
            for name in ("memory.peak", "memory.max_usage_in_bytes"):
                with contextlib.suppress(OSError, ValueError):
                    return int((folder / name).read_text())
        return 0

    def remove(self) -> None:
        """Remove it once it is empty, which takes the kernel a moment."""
        for folder in self.folders:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)


def new_group(limits: Limits, *, root: Path = _ROOT, own: Path = _OWN) -> Group | None:
    """Return an empty group with these limits, or None where this process may not make one."""
    n_bytes = str(limits.memory_mb * 1_000_000)
    needed = {"memory.max": n_bytes, "memory.limit_in_bytes": n_bytes}
    needed["pids.max"] = str(limits.processes + 1)  # and the runner
    wished = {"memory.swap.max": "0", "memory.memsw.limit_in_bytes": n_bytes}
    wished["memory.oom.group"] = "1"
    name = f"tessera-{os.getpid()}-{next(_numbers)}"
    made: list[Path] = []
    n_set = 0
    try:
        for place in places(root, own):
            _sweep(place)
            (place / name).mkdir()
            made.append(place / name)
            for key, value in (needed | wished).items():
                if (made[-1] / key).exists():
                    (made[-1] / key).write_text(value)
                    n_set += key in needed
    except OSError:
        n_set = 0
    if n_set == len(_NEEDED):
        return Group(tuple(made))
    Group(tuple(made)).remove()
    return None


def places(root: Path, own: Path) -> tuple[Path, ...]:
    """Return the folders in which a group is to be made: one, or one per controller, or none."""
    lines = [line.split(":", 2) for line in own.read_text().splitlines()] if own.exists() else []
    path_of = {name: path for _, names, path in lines for name in names.split(",")}
    if all(name in path_of for name in _NEEDED):
        return tuple(root / name / path_of[name].lstrip("/") for name in _NEEDED)
    mine = root / path_of.get("", "/").lstrip("/")
    for place in (mine, mine.parent):
        with contextlib.suppress(OSError):
            handed_on = (place / "cgroup.subtree_control").read_text().split()
            if set(_NEEDED) <= set(handed_on) and os.access(place, os.W_OK):
                return (place,)
    return ()


def _sweep(place: Path) -> None:
    """Remove the empty groups of processes that are no more."""
    for folder in place.glob("tessera-*-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path("/proc", pid).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()
