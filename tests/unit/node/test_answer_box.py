"""Answers that are ready together go out together, and none is lost when they do not go well."""

import asyncio
from dataclasses import dataclass, field
from itertools import chain

import pytest

from tessera.domain.cohort.answer import Counts, DatasetAnswer
from tessera.domain.cohort.disclosure import CountPolicy, disclose
from tessera.domain.cohort.exact import ExactCounts
from tessera.domain.errors import Unavailable
from tessera.domain.ids import DatasetId
from tessera.domain.zones import Released
from tessera.node.answer_box import MANY_CELLS, AnswerBox, Answered
from tessera.wire.answers import MOST_TOGETHER, AnswerMessage
from tessera.wire.refusals import BadMessage
from tests.hub_trial import NOW


@dataclass
class Hub:
    """Takes answers when it is let, except those it refuses; in memory."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    refused: frozenset[str] = frozenset()
    is_away: bool = False
    got: list[list[str]] = field(default_factory=list)

    async def take(self, *answered: Answered) -> None:
        ids = [message.search_id for message, _ in answered]
        self.got.append(ids)
        await self.open.wait()
        if self.is_away:
            raise Unavailable("the hub is away")
        if self.refused & set(ids):
            raise BadMessage("answers", "of another kind")


def message(search_id: str, n_answers: int = 0) -> AnswerMessage:
    one = DatasetAnswer(
        dataset_id=DatasetId("prostate-mr"), version=1, created=NOW, policy="", counts=_counts()
    )
    return AnswerMessage(search_id=search_id, answers=(one,) * n_answers)


def _counts() -> Released[Counts]:
    counts = disclose(ExactCounts(36, 41, 36), CountPolicy())
    assert counts is not None
    return counts


def put(hub: Hub, together: int, messages: list[AnswerMessage]) -> list[BaseException | None]:
    """Put them in at once, let the hub take them, and return how each ended."""

    async def going() -> list[BaseException | None]:
        box = AnswerBox(hub.take, together)
        waiting = [asyncio.create_task(box.put(one, "sex = male")) for one in messages]
        await asyncio.sleep(0)
        hub.open.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(going())


FIVE = ["a", "b", "c", "d", "e"]


def test_what_is_ready_meanwhile_goes_together_in_order() -> None:
    hub = Hub()
    assert put(hub, 50, [message(name) for name in FIVE]) == [None] * 5
    assert list(chain(*hub.got)) == FIVE
    assert len(hub.got) == 2


def test_a_hub_that_takes_one_gets_one_at_a_time() -> None:
    hub = Hub()
    assert put(hub, 1, [message(name) for name in FIVE]) == [None] * 5
    assert hub.got == [[name] for name in FIVE]


def test_no_hub_can_ask_for_more_than_the_protocol_allows() -> None:
    hub = Hub()
    put(hub, 10**6, [message(str(n)) for n in range(2 * MOST_TOGETHER)])
    assert max(map(len, hub.got)) <= MOST_TOGETHER


def test_large_answers_go_in_messages_of_their_own() -> None:
    hub = Hub()
    put(hub, 50, [message(name, MANY_CELLS // 2 + 1) for name in FIVE])
    assert hub.got == [[name] for name in FIVE]


def test_one_that_is_refused_does_not_take_the_others_with_it() -> None:
    hub = Hub(refused=frozenset({"c"}))
    ended = put(hub, 50, [message(name) for name in FIVE])
    assert [type(end) for end in ended] == [type(None)] * 2 + [BadMessage] + [type(None)] * 2
    assert hub.got[1:] == [["b", "c", "d", "e"], ["b"], ["c"], ["d"], ["e"]]


def test_a_hub_that_is_away_is_told_to_each() -> None:
    hub = Hub(is_away=True)
    ended = put(hub, 50, [message(name) for name in FIVE])
    assert all(isinstance(end, Unavailable) for end in ended)
    assert list(chain(*hub.got)) == FIVE


def test_a_stop_ends_every_wait(caplog: pytest.LogCaptureFixture) -> None:
    async def stopped() -> None:
        box = AnswerBox(Hub().take, 50)
        waiting = [asyncio.create_task(box.put(message(name), "sex = male")) for name in FIVE]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 1)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)

    asyncio.run(stopped())
    assert "never retrieved" not in caplog.text
