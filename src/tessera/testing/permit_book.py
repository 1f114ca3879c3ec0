"""The specifications of PermitRecords and Outbox, as tests to inherit."""

from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tessera.domain.errors import NotFound
from tessera.ports.outbox import Outbox, Sort
from tessera.ports.permit_book import (
    Decision,
    PermitRecords,
    Revoked,
    RevokedBy,
    Verdict,
)
from tessera.wire.tasks import DeliveredPart, Report

AT = datetime(2026, 11, 22, 20, 40, 1, 250, tzinfo=UTC)
ONE = "6f0c5a52-6a63-4a8e-9a43-6a7e6c2d0001"
TWO = "6f0c5a52-6a63-4a8e-9a43-6a7e6c2d0002"
REPORT = Report(kind="countersigned", body={"permit_id": ONE, "token": "å"})


def decision(verdict: Verdict = Verdict.COUNTERSIGNED, by: str = "anna") -> Decision:
    return Decision(verdict=verdict, by=by, at=AT, token="t.o.k", reason="därför")  # noqa: S106


def revoked(source: RevokedBy = RevokedBy.HUB) -> Revoked:
    return Revoked(source=source, token="r.e.v", reason="over", at=AT, by="anna")  # noqa: S106


def part(number: int = 0) -> DeliveredPart:
    return DeliveredPart(
        use_id=ONE,
        name="table.csv",
        kind="aggregate",
        sha256="ab" * 32,
        part=number,
        n_parts=3,
        data=bytes([number]) * 10,
    )


class PermitRecordsContract:
    @abstractmethod
    def make(self) -> PermitRecords:
        """Open the records; opening them again gives the same."""
        ...

    @abstractmethod
    def outbox(self) -> Outbox:
        """Open the outbox that reports go into."""
        ...

    def test_there_is_nothing_from_the_start(self) -> None:
        records = self.make()
        assert (records.find(ONE), list(records.all())) == (None, [])

    def test_permits_come_back_as_they_came(self) -> None:
        records = self.make()
        for name in (TWO, ONE):
            assert records.put(name, f"token {name}", AT) == f"token {name}"
        assert [one.permit_id for one in self.make().all()] == [TWO, ONE]
        kept = self.make().find(ONE)
        assert kept is not None
        assert (kept.token, kept.received_at) == (f"token {ONE}", AT)
        assert kept.decision is None and kept.revoked is None

    def test_the_first_text_of_a_permit_stays(self) -> None:
        self.make().put(ONE, "first", AT)
        assert self.make().put(ONE, "second", AT + timedelta(days=1)) == "first"
        kept = self.make().find(ONE)
        assert kept is not None and (kept.token, kept.received_at) == ("first", AT)

    def test_the_first_decision_stays_and_is_reported_once(self) -> None:
        self.make().put(ONE, "token", AT)
        assert self.make().decide(ONE, decision(), REPORT) == decision()
        other = decision(Verdict.DECLINED, "bo")
        assert self.make().decide(ONE, other, REPORT) == decision()
        kept = self.make().find(ONE)
        assert kept is not None and kept.decision == decision()
        assert [one.body for one in self.outbox().first()] == [REPORT.to_json()]

    def test_an_unknown_permit_is_not_decided(self) -> None:
        with pytest.raises(NotFound):
            self.make().decide(ONE, decision(), REPORT)
        assert not self.outbox().first()

    def test_the_first_revocation_stays(self) -> None:
        self.make().put(ONE, "token", AT)
        assert self.make().revoke(ONE, revoked(), None)
        assert not self.make().revoke(ONE, revoked(RevokedBy.NODE), REPORT)
        kept = self.make().find(ONE)
        assert kept is not None and kept.revoked == revoked()
        assert not self.outbox().first()

    def test_a_permit_that_comes_after_its_revocation_is_revoked(self) -> None:
        self.make().revoke(ONE, revoked(RevokedBy.NODE), REPORT)
        assert self.make().find(ONE) is None
        self.make().put(ONE, "token", AT)
        kept = self.make().find(ONE)
        assert kept is not None and kept.revoked == revoked(RevokedBy.NODE)
        assert [one.body for one in self.outbox().first()] == [REPORT.to_json()]

    def test_a_use_is_taken_up_once_or_again_by_its_own_task(self) -> None:
        assert self.make().take_up(ONE, "task 1", AT)
        assert self.make().take_up(ONE, "task 1", AT)
        assert not self.make().take_up(ONE, "task 2", AT)
        assert not self.make().take_up(ONE, "", AT)
        assert self.make().take_up(TWO, "", AT)
        assert not self.make().take_up(TWO, "", AT)

    def test_of_many_at_once_one_takes_a_use_up(self) -> None:
        records = self.make()
        with ThreadPoolExecutor(6) as pool:
            taken = pool.map(lambda n: records.take_up(ONE, f"task {n}", AT), range(20))
            assert sum(taken) == 1

    def test_the_latest_moment_never_goes_back_by_more_than_a_minute(self) -> None:
        assert self.make().latest(AT) == AT
        assert self.make().latest(AT - timedelta(days=9)) == AT
        later = AT + timedelta(hours=2)
        assert self.make().latest(later) == later
        assert self.make().latest(later + timedelta(seconds=5)) == later + timedelta(seconds=5)
        assert later <= self.make().latest(AT) <= later + timedelta(seconds=5)
        assert self.make().latest(AT, anew=True) == AT
        assert self.make().latest(AT - timedelta(days=1)) == AT


class OutboxContract:
    @abstractmethod
    def make(self) -> Outbox:
        """Open the outbox; opening it again gives the same."""
        ...

    def test_nothing_waits_from_the_start(self) -> None:
        outbox = self.make()
        assert not outbox.first()
        assert not outbox.is_finished(ONE)
        outbox.remove([3])

    def test_reports_and_parts_keep_their_order(self) -> None:
        first = [Report(kind="run", body={"n": n}) for n in range(2)]
        self.make().put_reports(first)
        self.make().put_parts([part(n) for n in range(3)])
        self.make().put_reports([REPORT])
        seen = []
        while waiting := self.make().first():
            assert len(waiting) == 1 or {one.sort for one in waiting} == {Sort.REPORT}
            assert all(a.number < b.number for a, b in pairwise(waiting))
            seen += [one.body for one in waiting]
            self.make().remove([one.number for one in waiting])
        parts = [part(n).to_json() for n in range(3)]
        assert seen == [*(one.to_json() for one in first), *parts, REPORT.to_json()]

    def test_at_most_fifty_reports_go_at_once(self) -> None:
        self.make().put_reports([Report(kind="run", body={"n": n}) for n in range(120)])
        assert len(self.make().first()) == 50

    def test_what_is_set_aside_is_not_sent(self) -> None:
        self.make().put_reports([REPORT, Report(kind="run", body={})])
        first, second = self.make().first()
        self.make().set_aside(first.number, "not-found")
        assert list(self.make().first()) == [second]

    def test_a_task_is_finished_once(self) -> None:
        done = Report(kind="done", body={"task_id": ONE})
        self.make().finish(ONE, done)
        self.make().finish(ONE, REPORT)
        assert [one.body for one in self.make().first()] == [done.to_json()]
        assert self.make().is_finished(ONE) and not self.make().is_finished(TWO)

    def test_the_report_of_a_finished_task_is_sent_again_when_asked_again(self) -> None:
        done = Report(kind="done", body={"task_id": ONE})
        self.make().finish(ONE, done)
        assert self.make().is_finished(ONE)
        (waiting,) = self.make().first()
        self.make().remove([waiting.number])
        assert self.make().is_finished(ONE)
        assert [one.body for one in self.make().first()] == [done.to_json()]

    def test_several_may_put_in_while_one_takes_out(self) -> None:
        outbox = self.make()
        outbox.put_reports([REPORT])
        with ThreadPoolExecutor(4) as pool:
            put = [
                pool.submit(outbox.put_reports, [Report(kind="run", body={"n": n})])
                for n in range(20)
            ]
            assert all(one.result() is None for one in put)
        numbers = [one.body["body"] for one in outbox.first()]
        assert len(numbers) == 21
