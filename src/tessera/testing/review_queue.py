"""The specification of ReviewQueue, as tests to inherit."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tessera.domain.deid.pixels.findings import Box, Decision, Finding, Layout, Picture
from tessera.domain.errors import NotFound
from tessera.domain.zones import Identified
from tessera.ports.ledger import LedgerEntry, SourceFile, State
from tessera.ports.review import Remembered, ReviewItem, ReviewQueue

SINCE = datetime(2026, 11, 22, 19, 5, tzinfo=UTC)
LAYOUT = Layout("Acme", "Echo 5", "1.2", "US", "1.2.840.10008.5.1.4.1.1.6.1", 480, 640, "RGB")
WHO = "Ångström Åsa 19640823-3234"


def review_item(name: str, *, minutes: int = 0) -> ReviewItem:
    """Return an item as the pixel stage would make it."""
    source = SourceFile(path=f"/pacs/{name}", size=10, modified_ns=5)
    entry = LedgerEntry(source=source, state=State.HELD, quarantine=f"{name}.dcm")
    text = Identified(WHO)
    return ReviewItem(
        entry=entry,
        reason="unsure",
        layout=LAYOUT,
        findings=(Finding(0, 3, Box(4, 5, 100, 12), text, 0.61, "unsure", "unreadable"),),
        pictures=(
            Picture(0, Identified(b"\x89PNG before"), 0.5, after=False),
            Picture(0, Identified(b"\x89PNG after"), 0.5, after=True),
        ),
        since=SINCE + timedelta(minutes=minutes),
    )


class ReviewQueueContract:
    @abstractmethod
    def make(self) -> ReviewQueue:
        """Open the queue; opening it again gives the same queue."""
        ...

    def test_nothing_waits_from_the_start(self) -> None:
        queue = self.make()
        assert (queue.waiting(), queue.remembered(), dict(queue.closed())) == ((), (), {})
        with pytest.raises(NotFound):
            queue.find("0" * 12)

    def test_what_waits_comes_back_oldest_first_and_whole(self) -> None:
        later, first = review_item("b", minutes=2), review_item("a")
        self.make().put([later, first])
        assert [one.item_id for one in self.make().waiting()] == [first.item_id, later.item_id]
        assert self.make().waiting()[0].pictures == ()
        found = self.make().find(first.item_id)
        assert found.layout == LAYOUT
        assert found.findings[0].text.value == WHO
        assert [one.png.value for one in found.pictures] == [b"\x89PNG before", b"\x89PNG after"]
        assert (found.entry.source, found.entry.quarantine) == (first.entry.source, "a.dcm")
        assert (found.since, found.reason) == (SINCE, "unsure")

    def test_the_same_item_again_takes_the_place_of_the_former(self) -> None:
        queue, item = self.make(), review_item("a")
        queue.put([item])
        queue.put([replace(item, reason="left-over", pictures=())])
        (waits,) = queue.waiting()
        assert waits.reason == "left-over"
        assert queue.find(item.item_id).pictures == ()

    def test_what_is_decided_waits_no_more(self) -> None:
        queue, item, other = self.make(), review_item("a"), review_item("b")
        queue.put([item, other])
        queue.close([item.item_id, "ffffffffffff"], "cleaned", "anna", SINCE)
        assert [one.item_id for one in queue.waiting()] == [other.item_id]
        assert dict(queue.closed()) == {"cleaned": 1}
        with pytest.raises(NotFound):
            queue.find(item.item_id)

    def test_decisions_are_remembered_by_layout(self) -> None:
        queue = self.make()
        decisions = (
            Decision(Box(0, 0, 640, 40), blank=True),
            Decision(Box(1, 2, 3, 4), False, 2, 5),
        )
        queue.remember(Remembered(LAYOUT, decisions, "anna", SINCE))
        queue.remember(Remembered(replace(LAYOUT, rows=600), (), "anna", SINCE))
        newer = Remembered(LAYOUT, decisions[:1], "bo", SINCE + timedelta(days=1))
        queue.remember(newer)
        assert queue.remembered()[0] == newer
        assert len(queue.remembered()) == 2
        queue.forget(LAYOUT.key)
        assert [one.layout.rows for one in queue.remembered()] == [600]
        with pytest.raises(NotFound):
            queue.forget(LAYOUT.key)
