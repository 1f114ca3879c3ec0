"""A node's call: it waits here until there is a query or a task for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tessera.hub.bell import Bell, node_key
from tessera.hub.dispatch import Dispatch
from tessera.hub.searching import POLL_MAX_S, Searching
from tessera.ports.hub_store import NodeRecord
from tessera.wire.messages import QueryTask
from tessera.wire.tasks import Task

_LOOK_AGAIN_S: Final = 2.0
"""Another program, such as `tessera hub permits revoke`, puts tasks but rings no bell here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """Belongs to the event loop in which the hub runs."""

    searching: Searching
    dispatch: Dispatch
    bell: Bell
    _newest: dict[str, object] = field(init=False, default_factory=dict)

    async def poll(
        self, node: NodeRecord, wait_s: int, may_go_on: Callable[[], bool] = lambda: True
    ) -> tuple[tuple[QueryTask, ...], tuple[Task, ...]]:
        """Return what waits for `node`, or wait for something; of two polls the newer wins.

        `may_go_on` is asked while it waits: the operator may have revoked the node meanwhile.
        """
        me = object()
        self._newest[node.node_id] = me
        self.dispatch.ring(node.node_id)
        now_s = asyncio.get_running_loop().time
        until = now_s() + min(wait_s, POLL_MAX_S)
        while self._newest[node.node_id] is me and not self.bell.is_stopped:
            queries, tasks = self.searching.take(node), self.dispatch.take(node.node_id)
            left_s = until - now_s()
            if queries or tasks or left_s <= 0:
                return queries, tasks
            await self.bell.wait(node_key(node.node_id), min(left_s, _LOOK_AGAIN_S))
            if not may_go_on():
                break
        return (), ()
