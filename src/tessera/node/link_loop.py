"""The running node: wait at the hub for work, answer queries, publish what is waiting."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from tessera.domain.cohort.answer import DatasetAnswer
from tessera.domain.cohort.query import Query
from tessera.domain.errors import InvalidInput, InvalidQuery, TesseraError
from tessera.node.answer import Gate, PublishedVersion, answer_query
from tessera.node.answer_box import AnswerBox
from tessera.node.link import MAY_PASS, NodeLink, send_notice, send_outgoing
from tessera.node.link_key import LinkKey
from tessera.node.tasks import TaskHandlers
from tessera.node.waiting import Waiting
from tessera.ports.cohort_engine import CohortEngine
from tessera.ports.exclusions import Exclusions
from tessera.ports.hub_link import LinkRecords
from tessera.wire.answers import AnswerMessage
from tessera.wire.cuts import cuts_of_texts
from tessera.wire.messages import QueryTask
from tessera.wire.refusals import KeyRetired, NodePending, NodeRevoked

_log = logging.getLogger(__name__)
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
PENDING_PAUSE_S: Final = 3.0
_FASTEST_EMPTY_POLL_S: Final = 1.0
"""A hub that sends the node away at once, empty-handed, is not asked more often than this."""
_AT_ONCE: Final = 2
"""Queries that are evaluated at the same time."""
_MAX_WAITING: Final = 100
"""Queries that wait to be evaluated, at the most."""
_LAST_WORDS_S: Final = 1.0
"""How long answers under way may take after a stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLoop:
    home: Path
    link: NodeLink
    records: LinkRecords
    engine: CohortEngine
    gate: Gate
    exclusions: Exclusions
    tasks: TaskHandlers
    link_key: LinkKey
    _answering: dict[str, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _box: AnswerBox = field(init=False)
    _waiting: Waiting = field(init=False)
    _room: asyncio.Semaphore = field(
        init=False, default_factory=lambda: asyncio.Semaphore(_AT_ONCE)
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_box", AnswerBox(self.link.answer))
        object.__setattr__(self, "_waiting", Waiting(self.link.poll))

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until `stop` is set, whatever the hub does meanwhile."""
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        working.cancel()
        if self._answering:
            await asyncio.wait(self._answering.values(), timeout=_LAST_WORDS_S)
        for task in self._answering.values():
            task.cancel()
        await self.tasks.close(_LAST_WORDS_S)
        results = await asyncio.gather(working, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _work(self) -> None:
        pause_s, is_away = FIRST_PAUSE_S, False
        while True:
            try:
                await self.link_key.finish()
                await self._publish_outgoing()
                await self._send_notices()
                # The first turn after a fault does not wait at the hub: the log says at once
                # that the hub is back.
                await self._take_work(waits=not is_away)
            except NodePending as err:
                _log.info("%s Asking again in %.0f s.", err, PENDING_PAUSE_S)
                await asyncio.sleep(PENDING_PAUSE_S)
            except (NodeRevoked, KeyRetired) as err:
                _log.error("%s Asking again in %.0f s.", err, LONGEST_PAUSE_S)
                is_away = True
                await asyncio.sleep(LONGEST_PAUSE_S)
            except TesseraError as err:
                _log.warning("hub: %s; trying again in %.0f s", err, pause_s)
                is_away = True
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                if is_away:
                    _log.info("the hub is back")
                pause_s, is_away = FIRST_PAUSE_S, False

    async def _publish_outgoing(self) -> None:
        for outgoing in self.records.outgoing():
            name = f"{outgoing.version.dataset_id} v{outgoing.version.version}"
            try:
                await send_outgoing(self.link, self.records, outgoing)
            except MAY_PASS:
                raise
            except TesseraError as err:
                _log.error("dataset %s was not accepted: %s", name, err)
            else:
                _log.info("dataset %s is published", name)

    async def _send_notices(self) -> None:
        for notice in self.records.notices():
            try:
                await send_notice(self.link, self.records, notice)
            except MAY_PASS:
                raise
            except TesseraError as err:
                _log.error("%s of %s was not accepted: %s", notice.kind, notice.dataset_id, err)

    async def _take_work(self, *, waits: bool) -> None:
        clock = asyncio.get_running_loop().time
        begun = clock()
        # A hub may ask faster than this node can count: then it is not asked for more.
        while len(self._answering) > _MAX_WAITING // 2:
            await asyncio.wait(self._answering.values(), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
        reply = await (self._waiting.poll() if waits else self.link.poll(0))
        self._box.together = reply.answers_together
        n_new = self.tasks.take(reply.tasks)
        for task in reply.queries:
            if len(self._answering) >= _MAX_WAITING:
                left = len(reply.queries)
                _log.warning("the hub asks too much at once: %d queries are left", left)
                break
            if task.search_id not in self._answering:
                answering = asyncio.create_task(self._answer(task))
                self._answering[task.search_id] = answering
                answering.add_done_callback(partial(self._forget, task.search_id))
        # Tasks that are under way may come with every reply until the hub knows they are done.
        if not reply.queries and not n_new and waits:
            await asyncio.sleep(max(0.0, _FASTEST_EMPTY_POLL_S - (clock() - begun)))

    def _forget(self, search_id: str, done: asyncio.Task[None]) -> None:
        self._answering.pop(search_id, None)

    async def _answer(self, task: QueryTask) -> None:
        """Answer one query; a fault is logged and the hub shows "no answer"."""
        try:
            async with self._room:
                answers = await asyncio.to_thread(self._evaluate, task)
            message = AnswerMessage(search_id=task.search_id, answers=tuple(answers))
            await self._box.put(message, _words(task))
        except TesseraError as err:
            _log.error("query %s could not be answered: %s", task.search_id, err)
        except Exception:
            _log.exception("query %s could not be answered", task.search_id)

    def _evaluate(self, task: QueryTask) -> Sequence[DatasetAnswer]:
        """Answer for those of the asked versions that this node has published."""
        wanted = {(dataset.dataset_id, dataset.version) for dataset in task.datasets}
        versions = [
            PublishedVersion(
                dataset_id=found.dataset_id,
                version=found.version,
                folder=self.home / found.folder,
                created=found.created,
            )
            for found in self.records.answered()
            if (found.dataset_id, found.version) in wanted
        ]
        try:
            query, cuts = Query.from_json(dict(task.query)), cuts_of_texts(task.cuts)
        except InvalidInput as err:
            _log.warning("query %s is not understood here: %s", task.search_id, err)
            return [self._not_understood(version) for version in versions]
        excluded = self.exclusions.excluded()  # for each query: an opt-out counts at once
        return answer_query(query, versions, self.engine, self.gate, excluded, task.asker, cuts)

    def _not_understood(self, version: PublishedVersion) -> DatasetAnswer:
        return DatasetAnswer(
            dataset_id=version.dataset_id,
            version=version.version,
            created=version.created,
            policy=self.gate.policy.words(),
            not_supported=("query",),
        )


def _words(task: QueryTask) -> str:
    try:
        return "; by ".join((str(Query.from_json(dict(task.query))), *task.cuts))
    except InvalidQuery:
        return "not understood here"
