"""Waking the requests that wait inside this process: long polls and searches."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

_AT_ONCE: Final = 5


class Bell:
    """One waits in an event loop; any thread may ring."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._stopped = False

    def ring(self, key: str) -> None:
        """Wake everyone who waits for `key` now; who comes later waits for the next ring."""
        for waiter in list(self._waiting.pop(key, ())):
            loop = waiter.get_loop()
            if loop is _running_loop():
                _wake(waiter)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(_wake, waiter)

    def ring_in_turn(self, keys: Sequence[str]) -> None:
        """Ring one after another, a few at a time, so that the first is heard before the last.

        What the first ones do then is done while others still wait. Belongs to the loop.
        """
        loop = _running_loop()
        for place, key in enumerate(keys):
            if loop is None or place < _AT_ONCE:
                self.ring(key)
            else:
                loop.call_soon(self.ring_in_turn, keys[place:])
                return

    async def wait(self, key: str, timeout_s: float) -> bool:
        """Return True when rung, False after `timeout_s` seconds or when stopped."""
        if self._stopped or timeout_s <= 0:
            return False
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[key].add(waiter)
        try:
            await asyncio.wait_for(waiter, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._waiting[key].discard(waiter)
            if not self._waiting[key]:
                self._waiting.pop(key, None)
        return not self._stopped

    @property
    def is_stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """Wake everyone, and let nobody wait from now on: the program is about to end."""
        self._stopped = True
        for key in list(self._waiting):
            self.ring(key)


def node_key(node_id: str) -> str:
    """Return what is rung when something waits for this node."""
    return f"node {node_id}"


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
