"""Executor: a Dask cluster. Source and output folders must be the same on all its hosts."""

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from tessera.domain.errors import Conflict, InvalidSettings, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
_LOCK = threading.Lock()
"""A worker process does one item at a time, however many threads it has."""
_started: list[str] = []
"""The run that this worker process was set up for."""


class Start:
    """How a worker sets itself up. Its text form, which clusters log, shows no argument."""

    def __init__(self, function: Callable[..., None], arguments: tuple[object, ...]) -> None:
        self.run = secrets.token_hex(8)
        self.function = function
        self.arguments = arguments

    def __repr__(self) -> str:
        return "Start(…)"


class DaskCluster:
    """The workers of a running Dask scheduler.

    `start` runs once in each worker process before its first item. Its arguments, and so a key
    among them, go to the workers over the cluster's own connections: give a `tls://` address.
    Raises InvalidSettings when the extra `cluster` is absent, Unavailable when nobody answers.
    """

    def __init__(
        self, address: str, start: Callable[..., None], arguments: tuple[object, ...]
    ) -> None:
        try:
            from distributed import Client
        except ImportError as err:
            raise InvalidSettings(
                "Dask is not installed; install tessera with the extra cluster"
            ) from err
        try:
            connect: Any = Client
            self._client = connect(address, timeout=20, set_as_default=False)
        except (OSError, ValueError, TypeError) as err:
            raise Unavailable(
                f"no Dask scheduler answers at {address} ({type(err).__name__})"
            ) from err
        self._start = Start(start, arguments)

    def map_unordered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        import distributed

        ahead = 3 * max(1, sum(self._client.nthreads().values()))
        futures: Any = distributed.as_completed
        done = futures(loop=self._client.loop)
        left = iter(items)
        n_running = 0
        while True:
            while n_running < ahead:
                try:
                    item = next(left)
                except StopIteration:
                    break
                done.add(self._client.submit(_work, self._start, function, item, pure=False))
                n_running += 1
            if not n_running:
                return
            yield _result(next(done))
            n_running -= 1

    def close(self) -> None:
        self._client.close()


def _work(start: Start, function: Callable[[Item], Result], item: Item) -> Result:
    with _LOCK:
        if start.run not in _started:
            _started.clear()
            start.function(*start.arguments)
            _started.append(start.run)
        return function(item)


def _result(future: Any) -> Any:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except (KilledWorker, CancelledError) as err:
        raise Conflict(
            "the cluster lost its workers, often for want of memory; run the same command again"
        ) from err
