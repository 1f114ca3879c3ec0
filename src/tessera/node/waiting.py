"""A poll waits at the hub, as long as what is on the way there lets it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tessera.domain.errors import Unavailable
from tessera.wire.messages import PollReply

_log = logging.getLogger(__name__)
LONGEST_S: Final = 25
SHORTEST_S: Final = 5


@dataclass(slots=True)
class Waiting:
    """A hospital's proxy may end a call that is long quiet: then calls wait less from now on."""

    ask: Callable[[int], Awaitable[PollReply]]
    longest_s: int = LONGEST_S

    async def poll(self) -> PollReply:
        """Return the hub's reply. Raises as `ask`.

        A wait that ends without a reply is followed at once by a poll without one; a reply to
        that tells that the hub is there, and the wait was cut on its way.
        """
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            return await self.ask(self.longest_s)
        except Unavailable:
            lasted_s = clock() - begun
            if lasted_s < SHORTEST_S:
                raise
        reply = await self.ask(0)
        if self.longest_s > SHORTEST_S:
            # What is dropped in silence is found out long after the wait.
            self.longest_s = max(SHORTEST_S, min(int(0.8 * lasted_s), self.longest_s // 2))
            _log.info(
                "a call to the hub ended without a reply after %.0f s, though the hub is there: "
                "from now on each waits %d s at most, as a proxy may be on the way",
                lasted_s,
                self.longest_s,
            )
        return reply
