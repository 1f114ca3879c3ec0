"""Use case: what came out of a run is looked at, and let out or withheld by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tessera.domain.access.airlock import AirlockRefused, Barrier, Decision, Inspection, Output
from tessera.domain.access.airlock import release as pass_gate
from tessera.domain.access.airlock_findings import inspect
from tessera.domain.access.airlock_search import Known
from tessera.domain.access.permit import Action, Permit, PermitRefused
from tessera.domain.access.tool import OutputKind
from tessera.domain.audit import events
from tessera.domain.errors import Conflict, NotFound, TesseraError
from tessera.domain.ids import Pseudonym
from tessera.node.learning_report import TRAINING, membership_auc
from tessera.node.permits import PermitBook
from tessera.node.reports import Reports
from tessera.node.view import Views
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.run_records import (
    AirlockShelf,
    Decided,
    OutputRecord,
    RunRecord,
    RunRecords,
)
from tessera.wire.tasks import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """One output as it lies in the airlock now. Stays at the node."""

    record: OutputRecord
    inspection: Inspection | None
    """None when the file is gone."""
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLookedAt:
    run: RunRecord
    outputs: tuple[LookedAt, ...]
    opted_out: frozenset[Pseudonym]
    """Who was in the run and has opted out since."""
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDecided:
    """What came of a decision over one file."""

    name: str
    decided: Decided
    problem: str = ""
    """Why it stays; empty when it was decided now."""
    is_new: bool = True
    """False when it had been decided before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Airlock:
    """Nothing gets out of it but by `release`, and that needs a person's name."""

    records: RunRecords
    shelf: AirlockShelf
    views: Views
    book: PermitBook
    reports: Reports
    audit: AuditLog
    clock: Clock
    minimum: int

    def put(
        self,
        run: RunRecord,
        files: Mapping[str, bytes],
        declared: Mapping[str, OutputKind],
        *,
        permitted: frozenset[OutputKind],
    ) -> None:
        """Lay outputs down with what the checks found. What is not declared can never leave.

        `permitted`: the kinds that the run's permit lets out. Durable when it returns; the
        same outputs again change nothing but what was found.
        """
        known = self._known(run, files)
        outputs = [
            Output(use_id=run.use_id, name=name, kind=declared.get(name), content=content)
            for name, content in sorted(files.items())
        ]
        found = {one.name: inspect(one, known, permitted) for one in outputs}
        self.records.put_outputs(
            run.use_id,
            [
                OutputRecord(
                    use_id=run.use_id,
                    name=one.name,
                    kind=one.kind,
                    sha256=one.sha256,
                    n_bytes=len(one.content),
                    decided=Decided.PENDING if one.kind else Decided.WITHHELD,
                    reason="" if one.kind else "undeclared",
                )
                for one in outputs
            ],
        )
        self.shelf.put(run.use_id, dict(files), found)

    def recover(self, runs: Sequence[RunRecord], *, since: datetime) -> None:
        """Finish what a kill broke off, and tell the hub where runs stand that ended `since`.

        It may not have got to know; what it knows, it passes over.
        """
        self.shelf.sweep()
        for run in runs:
            if run.ended_at is None or run.ended_at < since:
                continue
            if not (run.state is RunState.IN_AIRLOCK and self._settle(run)):
                self.reports.run_state(run.use_id, run.state, run.detail)

    def listed(self) -> tuple[tuple[RunRecord, tuple[OutputRecord, ...]], ...]:
        """Return the runs whose outputs wait for a person, the oldest first."""
        return tuple(
            (run, tuple(self.records.outputs(run.use_id)))
            for run in self.records.all()
            if run.state is RunState.IN_AIRLOCK
        )

    def run(self, use_id: str) -> RunRecord:
        """Return a run; the first characters of its id do. Raises NotFound, Conflict."""
        found = [one for one in self.records.all() if one.use_id.startswith(use_id)]
        if not found or not use_id:
            raise NotFound(f"no run {use_id!r:.60} at this node; `tessera node runs` lists them")
        if len(found) > 1:
            raise Conflict(f"{len(found)} runs begin with {use_id}; write more of the id")
        return found[0]

    def look(self, use_id: str) -> RunLookedAt:
        """Return all that a person needs for a decision, checked anew. Raises NotFound."""
        run = self.run(use_id)
        records = self.records.outputs(run.use_id)
        if not records:
            raise NotFound(f"nothing of run {run.use_id} is in the airlock")
        permitted = self._permitted(run)
        known = self._known(run)
        looked = []
        for record in records:
            content, inspection = b"", None
            try:
                content = self.shelf.read(run.use_id, record.name)
                inspection = inspect(_output(record, content), known, permitted)
            except NotFound:
                pass
            looked.append(LookedAt(record=record, inspection=inspection, content=content))
        return RunLookedAt(
            run=run,
            outputs=tuple(looked),
            opted_out=self.views.opted_out(run.use_id),
            place=self.shelf.place(run.use_id),
        )

    def release(
        self, use_id: str, names: Sequence[str] = (), *, by: str, despite: str = ""
    ) -> tuple[FileDecided, ...]:
        """Let files out, all that are pending when none is named; each stands for itself.

        What a file is refused for is in its answer. Raises NotFound, Conflict, AirlockRefused
        when nobody decides, and PermitRefused when the permit is not in force any more.
        """
        if not by.strip():
            raise AirlockRefused(Barrier.NOBODY, "a person must decide, by name")
        run = self.run(use_id)
        self._chosen(run, names)
        with self.shelf.alone(run.use_id):
            return self._release(self.run(run.use_id), names, by=by, despite=despite)

    def _release(
        self, run: RunRecord, names: Sequence[str], *, by: str, despite: str
    ) -> tuple[FileDecided, ...]:
        pending = self._chosen(run, names)
        permit = self.book.permit(run.permit_id)
        known = self._known(run)
        decided = []
        for record in pending:
            if record.decided is not Decided.PENDING:
                decided.append(_before(record))
                continue
            try:
                self._release_one(run, record, permit, known, by=by, despite=despite)
            except (AirlockRefused, PermitRefused, NotFound) as err:
                decided.append(
                    FileDecided(name=record.name, decided=Decided.PENDING, problem=str(err))
                )
            else:
                decided.append(FileDecided(name=record.name, decided=Decided.RELEASED))
        self._settle(run)
        return tuple(decided)

    def withhold(
        self, use_id: str, names: Sequence[str] = (), *, by: str, reason: str = ""
    ) -> tuple[FileDecided, ...]:
        """Keep files in, for good: all that are pending when none is named. Raises NotFound."""
        if not by.strip():
            raise AirlockRefused(Barrier.NOBODY, "a person must decide, by name")
        run = self.run(use_id)
        self._chosen(run, names)
        with self.shelf.alone(run.use_id):
            return self._withhold(self.run(run.use_id), names, by=by, reason=reason)

    def _withhold(
        self, run: RunRecord, names: Sequence[str], *, by: str, reason: str
    ) -> tuple[FileDecided, ...]:
        decided = []
        for record in self._chosen(run, names):
            if record.decided is not Decided.PENDING:
                decided.append(_before(record))
                continue
            self.audit.append(
                events.output_withheld(run.use_id, record.name, record.sha256), self.clock.now()
            )
            self._decide(record, Decided.WITHHELD, by, reason)
            decided.append(FileDecided(name=record.name, decided=Decided.WITHHELD))
        self._settle(run)
        return tuple(decided)

    def _release_one(
        self,
        run: RunRecord,
        record: OutputRecord,
        permit: Permit,
        known: Known,
        *,
        by: str,
        despite: str,
    ) -> None:
        output = _output(record, self.shelf.read(run.use_id, record.name))
        inspection = inspect(output, known, permit.outputs)
        decision = Decision(sha256=record.sha256, by=by, at=self.clock.now(), despite=despite)
        released = pass_gate(output, decision, inspection, permit)
        told = events.output_released(
            run.use_id,
            run.permit_id,
            record.name,
            sha256=output.sha256,
            kind=str(output.kind),
            n_bytes=len(output.content),
            findings=inspection.counts(),
            is_despite=bool(despite.strip()),
        )
        self.audit.append(told, self.clock.now())
        # A kill from here on sends it again, which the hub takes as the same file.
        self.reports.deliver(released)
        self._decide(record, Decided.RELEASED, by, despite)

    def _chosen(self, run: RunRecord, names: Sequence[str]) -> list[OutputRecord]:
        if run.state is not RunState.IN_AIRLOCK:
            raise Conflict(f"run {run.use_id} is {run.state}: nothing of it waits in the airlock")
        records = {one.name: one for one in self.records.outputs(run.use_id)}
        if lost := [name for name in names if name not in records]:
            raise NotFound(f"run {run.use_id} has no output {', '.join(lost)[:200]}")
        if names:
            return [records[name] for name in dict.fromkeys(names)]
        return [one for one in records.values() if one.decided is Decided.PENDING]

    def _decide(self, record: OutputRecord, decided: Decided, by: str, reason: str) -> None:
        now = self.clock.now()
        changed = replace(record, decided=decided, by=by.strip(), at=now, reason=reason.strip())
        self.records.put_outputs(record.use_id, [changed])

    def _settle(self, run: RunRecord) -> bool:
        """Tell the hub once nothing of the run is pending; False when it was not told."""
        left = [one.decided for one in self.records.outputs(run.use_id)]
        if not left or Decided.PENDING in left:
            return False
        state = RunState.RELEASED if Decided.RELEASED in left else RunState.WITHHELD
        if not self.records.change(replace(run, state=state), was=RunState.IN_AIRLOCK):
            return False
        self.reports.run_state(run.use_id, state)
        return True

    def _known(self, run: RunRecord, files: Mapping[str, bytes] | None = None) -> Known:
        """Return what to look for; `files` when they do not lie on the shelf yet."""
        known = self.views.known(run.use_id, run.datasets, self.minimum)
        if run.action != Action.LEARN:
            return known
        try:
            told = self.shelf.read(run.use_id, TRAINING) if files is None else files[TRAINING]
        except (NotFound, KeyError):
            told = b""
        return replace(known, membership_auc=membership_auc(told))

    def _permitted(self, run: RunRecord) -> frozenset[OutputKind]:
        try:
            return self.book.permit(run.permit_id).outputs
        except TesseraError:  # over: nothing may leave any more
            return frozenset()


def _output(record: OutputRecord, content: bytes) -> Output:
    return Output(use_id=record.use_id, name=record.name, kind=record.kind, content=content)


def _before(record: OutputRecord) -> FileDecided:
    return FileDecided(
        name=record.name,
        decided=record.decided,
        problem=f"{record.name} was {record.decided} before",
        is_new=False,
    )
