"""A child does not outlive its parent, however that ends."""

import os
import signal
import subprocess
import sys
import time

CHILD = (
    "import os, sys, time; from tessera.adapters.nvflare import lifeline;"
    "lifeline.die_with(int(sys.argv[1])); print(os.getpid(), flush=True); time.sleep(60)"
)
PARENT = (
    "import os, subprocess, sys;"
    f"subprocess.Popen([sys.executable, '-c', {CHILD!r}, str(os.getpid())]).wait()"
)


def test_a_killed_parent_takes_its_child_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until = time.monotonic() + 10
        while is_running(child):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_a_child_of_another_ends_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, "1"], check=False, timeout=30)
    assert done.returncode != 0


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_this_process_is_running() -> None:
    assert is_running(os.getpid())
