"""A child process that does not outlive the process that started it."""

import ctypes
import os
import signal
import threading
import time
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_CHECK_S: Final = 0.3
_ORPHANED: Final = 70


def die_with(parent: int) -> None:
    """End this process, at once, when process `parent` has ended.

    A thread looks every 0.3 s whether this process has been handed to another parent. (The
    kernel's own signal follows the *thread* that started the child, which may end earlier.)
    """
    if os.getppid() != parent:
        os._exit(_ORPHANED)
    threading.Thread(target=_watch, args=(parent,), name="lifeline", daemon=True).start()


def die_with_starting_thread() -> None:
    """Ask the kernel to kill this process when the thread that started it ends. Linux."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_CHECK_S)
    os._exit(_ORPHANED)
