"""The specifications of RunRecords and AirlockShelf, as tests to inherit."""

from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tessera.domain.access.airlock import Finding, Inspection, Severity
from tessera.domain.access.tool import OutputKind
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, Pseudonym
from tessera.ports.run_records import AirlockShelf, Decided, OutputRecord, RunRecord, RunRecords
from tessera.wire.tasks import RunState

AT = datetime(2026, 11, 22, 20, 40, 1, 250, tzinfo=UTC)
ONE = "6f0c5a52-6a63-4a8e-9a43-6a7e6c2d0001"
TWO = "6f0c5a52-6a63-4a8e-9a43-6a7e6c2d0002"
IMAGES = DatasetId("images")
HER, HIM = Pseudonym("TES-HER"), Pseudonym("TES-HIM")


def run(use_id: str = ONE) -> RunRecord:
    return RunRecord(
        use_id=use_id,
        action="run",
        permit_id=TWO,
        person="Åsa Berg, Uppsala",
        tool="sha256:" + "ab" * 32,
        datasets=((IMAGES, 1), (DatasetId("other"), 7)),
        taken_at=AT,
        task_id=TWO,
        arguments='{"å": 1}',
        has_inputs=True,
    )


def output(name: str = "counts.json") -> OutputRecord:
    return OutputRecord(
        use_id=ONE, name=name, kind=OutputKind.AGGREGATE, sha256="cd" * 32, n_bytes=12
    )


class RunRecordsContract:
    @abstractmethod
    def make(self) -> RunRecords:
        """Open the records; opening them again gives the same."""
        ...

    def test_there_is_nothing_from_the_start(self) -> None:
        records = self.make()
        assert not records.all() and not records.seen(subjects=[HER]) and not records.outputs(ONE)

    def test_a_run_comes_back_as_it_was_written_and_is_added_once(self) -> None:
        assert self.make().add(run())
        assert not self.make().add(replace(run(), person="Mallory"))
        assert list(self.make().all()) == [run()]

    def test_a_run_changes_only_from_the_state_that_it_is_in(self) -> None:
        self.make().add(run())
        running = replace(
            run(), state=RunState.RUNNING, attempts=1, started_at=AT, exit_code=3, detail="x"
        )
        assert not self.make().change(running, was=RunState.RUNNING)
        assert not self.make().change(replace(running, use_id=TWO), was=RunState.WAITING)
        assert self.make().change(running, was=RunState.WAITING)
        assert list(self.make().all()) == [running]

    def test_of_many_at_once_one_takes_a_run(self) -> None:
        self.make().add(run())

        def take(number: int) -> bool:
            mine = replace(run(), state=RunState.RUNNING, attempts=number)
            return self.make().change(mine, was=RunState.WAITING)

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(take, range(16))) == 1

    def test_who_was_in_a_run_is_found_by_run_and_by_subject(self) -> None:
        for _ in range(2):
            self.make().put_subjects(ONE, IMAGES, 1, [HER, HIM])
        self.make().put_subjects(TWO, IMAGES, 2, [HIM])
        assert {one.subject for one in self.make().seen(use_id=ONE)} == {HER, HIM}
        assert [(one.use_id, one.version) for one in self.make().seen(subjects=[HER])] == [(ONE, 1)]
        crowd = [Pseudonym(f"TES-{number}") for number in range(2000)]
        found = self.make().seen(subjects=[*crowd, HIM])
        assert {(one.use_id, one.version) for one in found} == {(ONE, 1), (TWO, 2)}
        assert not self.make().seen(subjects=[])

    def test_outputs_come_back_and_are_written_anew_by_name(self) -> None:
        first, second = output(), replace(output("x.txt"), kind=None)
        self.make().put_outputs(ONE, [second, first])
        decided = replace(first, decided=Decided.RELEASED, by="Eva", at=AT, reason="därför")
        self.make().put_outputs(ONE, [decided])
        assert list(self.make().outputs(ONE)) == [decided, second]
        assert not self.make().outputs(TWO)


class AirlockShelfContract:
    @abstractmethod
    def shelf(self) -> AirlockShelf:
        """Open the shelf; opening it again gives the same."""
        ...

    def test_files_come_back_as_they_were_laid_down(self) -> None:
        assert not self.shelf().has(ONE)
        finding = Finding(code="x", severity=Severity.LOOK, text="å")
        found = {"a.json": Inspection(sha256="ab" * 32, findings=(finding,))}
        self.shelf().put(ONE, {"a.json": b"first"}, found)
        self.shelf().put(ONE, {"a.json": b"{}"}, found)
        assert self.shelf().has(ONE) and not self.shelf().has(TWO)
        assert self.shelf().read(ONE, "a.json") == b"{}"
        assert ONE in self.shelf().place(ONE)

    def test_nothing_else_can_be_read(self) -> None:
        self.shelf().put(ONE, {}, {})
        for use_id, name in ((ONE, "absent"), (ONE, "../findings.json"), (TWO, "x"), ("..", "x")):
            with pytest.raises(NotFound):
                self.shelf().read(use_id, name)
