"""The intake of what peers send: goes on whatever happens, and lets go of what is settled."""

from collections.abc import Iterator, Mapping, Sequence

from tessera.domain.errors import Conflict
from tessera.node.arrivals import PAUSE_S, TROUBLE_S, IntakeLoop
from tessera.ports.ledger import NOT_READ, LedgerEntry, SourceFile, State


def source(name: str) -> SourceFile:
    return SourceFile(path=f"/received/{name}", size=1, modified_ns=1)


class Files:
    def __init__(self, *names: str) -> None:
        self.left = [source(name) for name in names]
        self.tidied = 0

    def mend(self) -> None:
        raise AssertionError("only while nothing is received")

    def waiting(self, at_most: int) -> Sequence[SourceFile]:
        return self.left[:at_most]

    def settle(self, sources: Sequence[SourceFile]) -> None:
        self.left = [one for one in self.left if one not in sources]

    def tidy(self) -> None:
        self.tidied += 1


class Node:
    """Ingests; some files cannot be read, some rounds cannot be written."""

    def __init__(self, *unreadable: str, broken_rounds: int = 0) -> None:
        self.unreadable = {f"/received/{name}" for name in unreadable}
        self.broken_rounds = broken_rounds
        self.rounds: list[list[str]] = []

    def __call__(self, sources: Sequence[SourceFile]) -> Iterator[LedgerEntry | None]:
        self.rounds.append([one.path.rsplit("/", 1)[1] for one in sources])
        if self.broken_rounds:
            self.broken_rounds -= 1
            raise Conflict("full")
        for one in sources:
            is_lost = one.path in self.unreadable
            yield LedgerEntry(
                source=one,
                state=State.REFUSED if is_lost else State.STORED,
                reason=NOT_READ if is_lost else "",
            )


class Time:
    def __init__(self, n_waits: int) -> None:
        self.now, self.left = 0.0, n_waits
        self.waited: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self.now += seconds
        self.left -= 1
        return self.left < 0


def run(files: Files, node: Node, n_waits: int) -> tuple[Time, list[Mapping[str, int]]]:
    time, told = Time(n_waits), list[Mapping[str, int]]()
    IntakeLoop(files, node, told.append, time.wait, time.clock).run()
    return time, told


def test_what_waits_is_settled_and_counted_when_nothing_more_comes() -> None:
    files, node = Files("a", "b"), Node()
    time, told = run(files, node, 3)
    assert (files.left, node.rounds) == ([], [["a", "b"]])
    assert told == [{"stored": 2}]
    assert time.waited == [0, 0, PAUSE_S, PAUSE_S]


def test_what_cannot_be_read_stays_and_is_tried_later() -> None:
    files, node = Files("a", "b"), Node("a")
    _, told = run(files, node, 2 + int(61 / PAUSE_S))
    assert files.left == [source("a")]
    assert node.rounds == [["a", "b"], ["a"]]
    assert told == [{"stored": 1}]


def test_trouble_waits_and_goes_on_by_itself() -> None:
    files, node = Files("a"), Node(broken_rounds=2)
    time, told = run(files, node, 3)
    assert files.left == []
    assert time.waited[:3] == [0, TROUBLE_S, TROUBLE_S]
    assert told == [{"stored": 1}]


def test_the_list_is_tidied_now_and_then() -> None:
    files = Files()
    run(files, Node(), int(11 / PAUSE_S))
    assert 2 <= files.tidied <= 5
