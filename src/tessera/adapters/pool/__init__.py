"""Executors: this process, or a pool of processes that die with it."""

import ctypes
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from tessera.domain.errors import Conflict

Item = TypeVar("Item")
Result = TypeVar("Result")
_PR_SET_PDEATHSIG = 1


class InProcess:
    """One item after the other, here."""

    def map_unordered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        for item in items:
            yield function(item)

    def close(self) -> None:
        """Nothing to stop."""


class ProcessPool:
    """A pool of fresh processes. `start` runs once in each and may set up what is costly.

    With `forked` it runs once here, and the workers, made at once, begin with what it set up:
    only for a program that has no other threads yet.
    """

    def __init__(
        self,
        n_workers: int,
        start: Callable[..., None],
        arguments: tuple[object, ...],
        *,
        forked: bool = False,
    ) -> None:
        self._n = n_workers
        if forked:
            start(*arguments)
            start, arguments = _nothing, ()
        self._pool = ProcessPoolExecutor(
            n_workers,
            mp_context=get_context("fork" if forked else "spawn"),
            initializer=_started,
            initargs=(os.getpid(), start, arguments),
        )
        if forked:
            self._pool.submit(_nothing).result()

    def map_unordered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        waiting: set[Future[Result]] = set()
        for item in items:
            waiting.add(self._pool.submit(function, item))
            if len(waiting) >= 3 * self._n:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield _result(future)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield _result(future)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool as err:
        raise Conflict(
            "a worker process was ended from outside, often for want of memory; "
            "run the same command again with fewer --workers"
        ) from err


def _nothing() -> None:
    """Set up nothing."""


def _started(parent: int, start: Callable[..., None], arguments: tuple[object, ...]) -> None:
    """Leave Ctrl-C to the parent and die with it, so that no orphan writes on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    start(*arguments)
