"""Run a command and measure it: wall time, CPU of all its processes, peak memory."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one command.

    Parameters
    ----------
    wall_s
        From start to end, interpreter start included.
    cpu_s
        User and system time of the command and all its processes.
    peak_mb
        Largest sum, over the command and its children, of proportional set size
        (shared pages counted once), sampled 20 times a second.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


def timed(command: Sequence[str], accepted: Sequence[int] = (0,)) -> Run:
    """Run `command` to its end; raise SystemExit with its output when it fails."""
    with subprocess.Popen(
        list(command), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        began = time.perf_counter()
        peak = [0.0]
        stop = threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, peak, stop))
        sampler.start()
        errors: list[str] = []
        stderr = process.stderr
        assert stderr
        reader = threading.Thread(target=lambda: errors.append(stderr.read()))
        reader.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stop.set()
        sampler.join()
        reader.join()
    if process.returncode not in accepted:
        raise SystemExit(f"{' '.join(command)}\n{errors[0][-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, peak[0])


def _sample(pid: int, peak: list[float], stop: threading.Event) -> None:
    while not stop.wait(0.05):
        peak[0] = max(peak[0], sum(_pss_mb(one) for one in _family(pid)))


def _family(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    family, queue = [pid], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        family += children
        queue += children
    return family


def _pss_mb(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def median(runs: Sequence[Run]) -> Run:
    """The median of each figure by itself."""
    return Run(
        statistics.median(run.wall_s for run in runs),
        statistics.median(run.cpu_s for run in runs),
        statistics.median(run.peak_mb for run in runs),
    )


def machine() -> str:
    """One line that says what was measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    load = os.getloadavg()[0]
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} cores of {model}; Python {python}; load before the run {load:.1f}"
