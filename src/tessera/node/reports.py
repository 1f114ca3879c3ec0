"""What a node has to tell its hub outside of answers: kept, then sent in order, for as long as
it takes.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.errors import Conflict, InvalidInput, NotFound, TesseraError, Unavailable
from tessera.domain.zones import Released
from tessera.node.link import NodeLink
from tessera.ports.outbox import Outbox, Sort, Waiting
from tessera.wire.refusals import NodePending
from tessera.wire.tasks import (
    ReleasedFile,
    Report,
    ReportKind,
    ReportMessage,
    RunState,
    parts_of,
)

_log = logging.getLogger(__name__)
_NOT_WANTED: Final = (InvalidInput, NotFound, Conflict)
"""Refusals of what was sent, and not of this node: it would be refused for ever."""
_LOOK_S: Final = 0.5
"""How often the outbox is looked into: another process may have put something in."""
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """The node's end of reports and deliveries. What is put in is durable at once.

    Any program of the node may put in; the running node sends within about a second.
    """

    outbox: Outbox

    def report(self, *reports: Report) -> None:
        """Tell the hub these, in this order, after all that waits."""
        self.outbox.put_reports(reports)

    def run_state(self, use_id: str, state: RunState, detail: str = "") -> None:
        """Tell the hub where a run or a training stands here."""
        body = {"use_id": use_id, "state": state.value, "detail": detail}
        self.report(Report(kind=ReportKind.RUN, body=body))

    def deliver(self, released: Released[ReleasedFile]) -> None:
        """Send a released file to the hub. Raises TypeError for anything else."""
        self.outbox.put_parts(parts_of(released))

    async def flush(self, link: NodeLink) -> int:
        """Send all that waits, oldest first; return how many messages that took.

        Raises what `HubLink.send` raises; what has not been acknowledged stays.
        """
        n_sent = 0
        while waiting := await asyncio.to_thread(self.outbox.first):
            await self._send(link, waiting)
            n_sent += 1
        return n_sent

    async def keep_sending(self, link: NodeLink) -> None:
        """Send what waits and what comes, for ever; a hub that is away is tried again."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self.flush(link)
            except NodePending:
                await asyncio.sleep(_FIRST_PAUSE_S)
            except TesseraError as err:
                level = logging.INFO if isinstance(err, Unavailable) else logging.WARNING
                _log.log(level, "reports wait for the hub: %s", err)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            else:
                pause_s = _FIRST_PAUSE_S
                await asyncio.sleep(_LOOK_S)

    async def _send(self, link: NodeLink, waiting: Sequence[Waiting]) -> None:
        try:
            if waiting[0].sort is Sort.PART:
                await link.deliver(waiting[0].body)
            else:
                reports = tuple(Report.from_json(one.body) for one in waiting)
                await link.report(ReportMessage(reports=reports))
        except _NOT_WANTED as err:
            if len(waiting) > 1:  # one of them spoils all: each by itself
                for one in waiting:
                    await self._send(link, [one])
                return
            _log.error("the hub does not want a %s of this node: %s", waiting[0].sort, err)
            await asyncio.to_thread(self.outbox.set_aside, waiting[0].number, err.code)
            return
        await asyncio.to_thread(self.outbox.remove, [one.number for one in waiting])
