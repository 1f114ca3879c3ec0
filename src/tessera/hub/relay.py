"""A blind relay: a person's question to a node, and the node's sealed answer back.

Nothing of it is kept: an answer exists here for as long as its asker waits.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from tessera.domain.access.permit import Action, PermitRefused, Reason, Use
from tessera.domain.errors import InvalidInput, Unavailable
from tessera.ports.clock import Clock
from tessera.wire.fetch import RelayMessage
from tessera.wire.refusals import TooManyRequests
from tessera.wire.tasks import TaskKind

WAIT_S: Final = 60.0
"""How long an asker waits for the node."""
_OF_ONE: Final = 8
"""Questions of one person at a time."""
_OF_ALL: Final = 64

CheckUse = Callable[[str, str], Use]
"""Gives the use in a token that this person has signed; raises what the permit refuses with."""
PutTask = Callable[[str, str, dict[str, object], datetime], str]
"""Hands a task to a node that is forgotten after the given time; gives its id."""
Withdraw = Callable[[str, str], None]
"""Forgets the task of a node: it has been answered, or nobody waits any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Belongs to the event loop in which the hub runs."""

    clock: Clock
    check: CheckUse
    put: PutTask
    withdraw: Withdraw = lambda node_id, task_id: None
    _waiting: dict[str, tuple[str, asyncio.Future[RelayMessage]]] = field(
        init=False, default_factory=dict
    )
    _asking: Counter[str] = field(init=False, default_factory=Counter)

    async def fetch(self, person_id: str, token: str) -> bytes:
        """Return the sealed answer to a signed fetch.

        Raises PermitRefused with the node's reason, Unavailable when the node is not in touch,
        TooManyRequests.
        """
        use = self.check(person_id, token)
        if use.action is not Action.FETCH:
            raise InvalidInput("this use is no fetch")
        if use.use_id in self._waiting:
            raise PermitRefused(Reason.STALE, "this question is being answered")
        if self._asking[person_id] >= _OF_ONE or len(self._waiting) >= _OF_ALL:
            raise TooManyRequests("too many fetches at a time")
        answer: asyncio.Future[RelayMessage] = asyncio.get_running_loop().create_future()
        self._waiting[use.use_id] = (use.node_id, answer)
        self._asking[person_id] += 1
        try:
            until = self.clock.now() + timedelta(seconds=WAIT_S)
            body: dict[str, object] = {"use_id": use.use_id, "token": token}
            task_id = self.put(use.node_id, TaskKind.FETCH, body, until)
            try:
                relayed = await asyncio.wait_for(answer, WAIT_S)
            finally:
                self.withdraw(use.node_id, task_id)
        except TimeoutError as err:
            raise Unavailable(f"node {use.node_id} did not answer in {WAIT_S:.0f} s") from err
        finally:
            del self._waiting[use.use_id]
            self._asking[person_id] -= 1
        if relayed.problem:
            raise _problem(relayed.problem)
        return relayed.sealed

    def answer(self, node_id: str, relayed: RelayMessage) -> bool:
        """Give a node's answer to who waits for it; False when nobody does any more.

        Only the node that was asked may answer.
        """
        asked, answer = self._waiting.get(relayed.use_id, ("", None))
        if answer is None or answer.done() or asked != node_id:
            return False
        answer.set_result(relayed)
        return True


def _problem(word: str) -> Exception:
    try:
        return PermitRefused(Reason(word), "said by the node")
    except ValueError:
        return Unavailable(f"the node could not answer ({word})")
