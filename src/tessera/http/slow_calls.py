"""What hashes a password has few threads of its own: a rush of it keeps nobody else waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import BoundedSemaphore
from typing import Final, ParamSpec, TypeVar

from tessera.wire.refusals import TooManyRequests

P = ParamSpec("P")
T = TypeVar("T")
_AT_ONCE: Final = 2
"""As many as `adapters/argon2` computes at a time."""
_WAITING: Final = 30
"""More than that are refused at once, so that a rush is over when its senders stop."""
_threads: Final = ThreadPoolExecutor(_AT_ONCE, "password")
_places: Final = BoundedSemaphore(_AT_ONCE + _WAITING)


async def slowly(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what `call` returns, from a thread. Raises TooManyRequests when too many wait."""
    if not _places.acquire(blocking=False):
        raise TooManyRequests("too many people sign in at the same time")
    try:
        work = partial(call, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _places.release()
