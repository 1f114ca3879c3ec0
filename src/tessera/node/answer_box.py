"""Where a node's answers go out: those that are ready while others are on their way go together."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from tessera.domain.errors import TesseraError
from tessera.node.link import MAY_PASS
from tessera.wire.answers import MOST_TOGETHER, AnswerMessage

MANY_CELLS: Final = 2_500
"""Numbers in one message, unless one answer alone has more: at most half a megabyte by far."""
Answered = tuple[AnswerMessage, str]
"""An answer, and the text of its query for the audit log."""
Send = Callable[..., Awaitable[object]]
_Waiting = tuple[Answered, "asyncio.Future[None]"]


@dataclass(slots=True)
class AnswerBox:
    """Belongs to one event loop. `together`: how many answers the hub takes in one message."""

    send: Send
    together: int = 1
    _ready: list[_Waiting] = field(init=False, default_factory=list)
    _sending: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def put(self, message: AnswerMessage, query: str) -> None:
        """Return when the hub has the answer. Raises as `send` does for it."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ready.append(((message, query), sent))
        async with self._sending:
            if not sent.done():
                await self._send_some()
        await sent

    async def _send_some(self) -> None:
        """Send the oldest of those that are ready; when they are refused, each alone."""
        going = self._take()
        try:
            await self._send(going)
        except MAY_PASS as err:
            _fail(going, err)
        except TesseraError as err:
            if len(going) == 1:
                _fail(going, err)
                return
            for one in going:
                try:
                    await self._send([one])
                except Exception as why:
                    _fail([one], why)
        except Exception as err:
            _fail(going, err)

    async def _send(self, going: list[_Waiting]) -> None:
        try:
            await self.send(*(answered for answered, _ in going))
        except asyncio.CancelledError:
            for _, sent in going:
                sent.cancel()
            raise
        for _, sent in going:
            if not sent.done():
                sent.set_result(None)

    def _take(self) -> list[_Waiting]:
        n, n_cells = 0, 0
        for (message, _), _ in self._ready[: min(self.together, MOST_TOGETHER)]:
            n_cells += _n_cells(message)
            if n and n_cells > MANY_CELLS:
                break
            n += 1
        going, self._ready = self._ready[:n], self._ready[n:]
        return going


def _fail(going: list[_Waiting], error: Exception) -> None:
    for _, sent in going:
        if not sent.done():
            sent.set_exception(error)


def _n_cells(message: AnswerMessage) -> int:
    counts = [one.counts.value for one in message.answers if one.counts is not None]
    cells = sum(len(values) for told in counts for values in told.distributions.values())
    return len(message.answers) + cells + sum(len(c) for told in counts for c in told.cuts.values())
