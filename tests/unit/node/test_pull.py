"""Fetching from an archive: each thing once, in the hours and at the pace that were given."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tessera.adapters.sqlite_node.pulls import SqlitePullBook
from tessera.domain.errors import InvalidInput, Unavailable
from tessera.node.pull import Hours, PullPace, keys_of, pull
from tessera.ports.pacs import Fetched, FoundStudy, Kind, PullRequest, PullState, PullStudy


class Archive:
    """A small archive: accession number → number of instances."""

    def __init__(self, **studies: int) -> None:
        self.studies = studies
        self.asked: list[str] = []
        self.fetched: list[str] = []
        self.falls_after = 10**6
        self.loses: dict[str, int] = {}

    def find(self, keys: Mapping[str, str]) -> Sequence[FoundStudy]:
        accession = keys["AccessionNumber"]
        self.asked.append(accession)
        n = self.studies.get(accession)
        uid = f"1.2.{accession}"
        return [] if n is None else [FoundStudy(study_uid=uid, n_instances=n)]

    def fetch(self, study_uid: str, on_instance: Callable[[], None]) -> Fetched:
        if len(self.fetched) >= self.falls_after:
            raise Unavailable("gone")
        self.fetched.append(study_uid)
        name = study_uid.removeprefix("1.2.")
        n = self.studies[name]
        lost = self.loses.pop(name, 0)
        for _ in range(n):
            on_instance()
        return Fetched(n_done=n - lost, n_failed=lost, status=0xB000 if lost else 0)


class Clock:
    def __init__(self, at: str = "12:00") -> None:
        self.now = datetime.fromisoformat(f"2026-01-01T{at}:00").replace(tzinfo=UTC)
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += timedelta(seconds=seconds)

    def pace(self, hours: str = "", per_second: float = 0.0) -> PullPace:
        return PullPace(
            hours=Hours.parse(hours) if hours else None,
            per_second=per_second,
            local_time=lambda: self.now,
            clock=lambda: self.now.timestamp(),
            sleep=self.sleep,
        )


@pytest.fixture
def book(tmp_path: Path) -> SqlitePullBook:
    return SqlitePullBook(tmp_path / "pulls.sqlite", "pacs")


def asking(*accessions: str) -> list[PullRequest]:
    return [PullRequest(kind=Kind.ACCESSION, value=one) for one in accessions]


def test_each_is_asked_and_fetched_once(book: SqlitePullBook) -> None:
    archive = Archive(A=3, B=2)
    assert book.add(asking("A", "B", "C", "A")) == 3
    steps = list(pull(book, archive, Clock().pace()))
    assert [step.state for step in steps] == [
        PullState.FOUND,
        PullState.FOUND,
        PullState.NOTHING,
        PullState.DONE,
        PullState.DONE,
    ]
    assert book.add(asking("A", "D")) == 1
    list(pull(book, archive, Clock().pace()))
    assert archive.asked == ["A", "B", "C", "D"]
    assert archive.fetched == ["1.2.A", "1.2.B"]


def test_what_was_interrupted_goes_on(book: SqlitePullBook) -> None:
    archive = Archive(A=1, B=1, C=1)
    archive.falls_after = 2
    book.add(asking("A", "B", "C"))
    with pytest.raises(Unavailable):
        list(pull(book, archive, Clock().pace()))
    archive.falls_after = 10
    list(pull(book, archive, Clock().pace()))
    assert archive.fetched == ["1.2.A", "1.2.B", "1.2.C"]
    assert {one.state for one in book.studies()} == {PullState.DONE}


def test_what_comes_short_is_tried_again_and_given_up_in_the_end(book: SqlitePullBook) -> None:
    archive = Archive(A=3, B=3)
    archive.loses = {"A": 1}
    book.add(asking("A", "B"))
    list(pull(book, archive, Clock().pace()))
    assert archive.fetched == ["1.2.A", "1.2.B", "1.2.A"]
    archive.studies["E"] = 5
    archive.find = lambda keys: [FoundStudy(study_uid="1.2.E", n_instances=6)]  # type: ignore[method-assign]
    book.add(asking("E"))
    last = list(pull(book, archive, Clock().pace()))[-1]
    assert isinstance(last, PullStudy)
    assert (last.state, last.attempts, last.problem) == (
        PullState.FAILED,
        3,
        "5 of 6 instances came",
    )
    assert not list(pull(book, archive, Clock().pace()))
    assert book.again() == 1
    assert len(list(pull(book, archive, Clock().pace()))) == 3


def test_hours_are_kept(book: SqlitePullBook) -> None:
    book.add(asking("A"))
    clock = Clock("19:58")
    list(pull(book, Archive(A=1), clock.pace("20:00-06:00")))
    assert clock.slept == 120


@pytest.mark.parametrize(
    ("hours", "at", "fits"),
    [
        ("20:00-06:00", "23:00", True),
        ("20:00-06:00", "05:59", True),
        ("20:00-06:00", "06:00", False),
        ("08:00-09:30", "09:00", True),
        ("08:00-09:30", "20:00", False),
    ],
)
def test_hours_may_go_over_midnight(hours: str, at: str, fits: bool) -> None:
    assert Hours.parse(hours).has(Clock(at).now.time()) is fits


def test_the_pace_is_kept(book: SqlitePullBook) -> None:
    book.add(asking("A"))
    clock = Clock()
    list(pull(book, Archive(A=50), clock.pace(per_second=10)))
    assert clock.slept == pytest.approx(5)


def test_a_list_with_wildcards_or_wrong_hours_is_refused() -> None:
    for value in ("", "A*", "A?", "A\\B"):
        with pytest.raises(InvalidInput):
            keys_of(PullRequest(kind=Kind.PATIENT, value=value))
    for hours in ("20-6", "20:00", "25:00-06:00"):
        with pytest.raises(InvalidInput):
            Hours.parse(hours)
    query = PullRequest(kind=Kind.QUERY, value='{"StudyDate": "20240101-"}')
    assert keys_of(query) == {"StudyDate": "20240101-"}


def test_nobody_is_shown(book: SqlitePullBook) -> None:
    book.add(asking("A"))
    list(pull(book, Archive(A=1), Clock().pace()))
    assert "1.2.A" not in repr(book.studies())
    assert "'A'" not in repr(book.requests())
