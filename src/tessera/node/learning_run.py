"""One training at one node, from the view of the data to the model in the airlock.

Two sandboxes: the trainer has the data and no network, the engine's client has the network and
no data. Between them stands the session, and nothing passes it but through the gate.
"""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tessera.domain.access.permit import Permit
from tessera.domain.access.run import least_limits
from tessera.domain.access.tool import Entry, Limits, OutputKind, ToolBundle
from tessera.domain.audit import events
from tessera.domain.audit.entry import Event
from tessera.domain.cohort.disclosure import CountPolicy
from tessera.domain.errors import Conflict, InvalidInput
from tessera.domain.learning.update_gate import GateRules, Given, release_initial
from tessera.node.airlock import Airlock
from tessera.node.learning_kit import unpack_kit
from tessera.node.learning_report import TRAINING, RoundDone, training_json
from tessera.node.learning_session import NotAllowed, Session
from tessera.node.learning_terms import LearningLimits, terms_of
from tessera.node.supervise import Supervised
from tessera.node.trainer import Trainer
from tessera.node.view import Views
from tessera.ports.bridge import Bridge
from tessera.ports.federation import FederationClient
from tessera.ports.run_records import RunRecord
from tessera.ports.sandbox import Sandbox, SandboxRequest, SandboxResult
from tessera.ports.sealing import SealedReader, Sealing
from tessera.wire.frames import Arrays, arrays_to
from tessera.wire.learning import LearningPlan
from tessera.wire.tasks import Report, ReportKind, RunState

OPT_OUT: Final = "opt-out"
"""Somebody in the training opted out: it cannot be made to forget, so that it ends."""
MODEL: Final = "model.npz"
OUTPUTS: Final = {MODEL: OutputKind.MODEL, TRAINING: OutputKind.AGGREGATE}
_ENDED: Final = "ended"
_NO_KIT: Final = "no-kit"
_KIT, _ENGINE = Path("/kit"), Path("/engine")
_SLACK_BYTES: Final = 1_000_000
"""Of an archive over its arrays."""
_ENGINE_LIMITS: Final = Limits(memory_mb=2048, processes=256, output_mb=1)
_CLIENT: Final = """import runpy, sys
sys.argv = {argv!r}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What trainings at a node are made with."""

    home: Path
    airlock: Airlock
    views: Views
    sandbox: Sandbox
    engine_sandbox: Sandbox
    """In which this program itself can be imported."""
    engine: FederationClient
    bridge: Bridge
    sealing: Sealing
    allowed: Limits
    limits: LearningLimits
    policy: CountPolicy


@dataclass(kw_only=True)
class LearningRun:
    """One training. `take_part` is called once, in a thread of its own, the rest from any."""

    parts: Parts
    run: RunRecord
    reason: str = ""
    """Why it was stopped; empty when it was not."""
    _reader: SealedReader | None = None
    _kit: bytes | None = None
    _watched: list[Supervised] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take_part(self) -> None:
        """Train. When it returns, the model is in the airlock.

        Raises PermitRefused, TrainerFailed, UpdateRefused, NotAllowed, and others of ours.
        """
        parts, run = self.parts, self.run
        book = parts.airlock.book
        permit, tool = book.permit(run.permit_id), book.tool(run.tool)
        terms = terms_of(run.arguments, permit, book.node_id, parts.limits)
        until = time.monotonic() + parts.limits.seconds
        try:
            view = parts.views.make(run.use_id, permit, run.datasets)
            self._tell(events.run_started(run.use_id, run.permit_id, run.tool))
            trainer = self._trainer(tool, view.folder)
            try:
                session = self._session(trainer, terms, permit, tool, until)
                self._unpack(self._wait_for_kit(trainer))
                self._federate(session)
            except BaseException:
                trainer.supervised.stop(_ENDED)
                raise
            finally:
                self._write_log("log.txt", trainer.end())
        finally:
            parts.views.remove(run.use_id)
            shutil.rmtree(self._folder / "engine", ignore_errors=True)

    def take_kit(self, sealed: bytes, rounds: int | None) -> None:
        """Take the engine's kit. Raises BadSeal, Conflict, InvalidInput."""
        with self._changed:
            if self._reader is None or self._kit is not None:
                raise Conflict("this training does not wait for a start-up kit")
            terms = terms_of(
                self.run.arguments,
                self.parts.airlock.book.permit(self.run.permit_id),
                self.parts.airlock.book.node_id,
                self.parts.limits,
            )
            if rounds is not None and rounds != terms.rounds:
                raise InvalidInput(f"the hub wants {rounds} rounds; signed are {terms.rounds}")
            self._kit = self._reader.open(sealed, self.run.use_id)
            self._changed.notify_all()

    def stop(self, reason: str) -> None:
        """End both sandboxes now. The first reason counts."""
        with self._changed:
            self.reason = self.reason or reason
            watched = list(self._watched)
            self._changed.notify_all()
        for supervised in watched:
            supervised.stop(reason)

    def why_not(self) -> str:
        """Return why it must stop now, or an empty text."""
        if self.reason:
            return self.reason
        reason = self.parts.airlock.book.still_allowed(self.run.permit_id)
        if reason is not None:
            return reason.value
        return OPT_OUT if self.parts.views.opted_out(self.run.use_id) else ""

    @property
    def _folder(self) -> Path:
        return self.parts.home / "runs" / self.run.use_id

    def _trainer(self, tool: ToolBundle, data: Path) -> Trainer:
        parts = self.parts
        limits = least_limits(tool.limits, parts.allowed)
        request = SandboxRequest(
            program=parts.airlock.book.tool_folder(self.run.tool),
            entry=tool.entries[Entry.LEARN],
            mounts={"/data": data},
            environment={
                "TESSERA_ARGUMENTS": "{}",
                "TESSERA_MINIMUM": str(parts.policy.minimum),
            },
            # `seconds` of a tool that learns is of one answer; over all of them the node decides
            limits=replace(limits, seconds=parts.limits.seconds),
            has_channel=True,
        )
        supervised = self._watch(parts.sandbox, request, self.why_not)
        return Trainer(supervised, max_bytes=parts.limits.model_bytes + _SLACK_BYTES)

    def _session(
        self, trainer: Trainer, terms: LearningPlan, permit: Permit, tool: ToolBundle, until: float
    ) -> Session:
        parts, run = self.parts, self.run
        answer_s = float(min(terms.round_s, tool.limits.seconds, parts.allowed.seconds))
        initial = trainer.begin(terms.seed, terms.tool, within_s=answer_s)
        rules = GateRules(
            rounds=terms.rounds,
            policy=parts.policy,
            max_bytes=parts.limits.model_bytes,
            max_change=parts.limits.change,
        )
        known = parts.views.known(run.use_id, run.datasets, parts.policy.minimum)
        release_initial(run.use_id, initial, rules, known)  # what cannot pass ends here and now

        def keep(weights: Arrays, final: Given, done: tuple[RoundDone, ...]) -> None:
            files = {
                MODEL: arrays_to(weights),
                TRAINING: training_json(final, done, parts.policy),
            }
            parts.airlock.put(run, files, OUTPUTS, permitted=permit.outputs)

        return Session(
            use_id=run.use_id,
            permit_id=run.permit_id,
            trainer=trainer,
            initial=initial,
            rules=rules,
            known=known,
            round_s=answer_s,
            until=until,
            why_not=self.why_not,
            audit=self._tell,
            keep=keep,
        )

    def _wait_for_kit(self, trainer: Trainer) -> bytes:
        """Say that this node is ready, and wait until the others are too."""
        until = time.monotonic() + self.parts.limits.wait_s
        with self._changed:
            self._reader = self.parts.sealing.reader()
            key = self._reader.public_key
        body = {"use_id": self.run.use_id, "key": key}
        self.parts.airlock.reports.report(Report(kind=ReportKind.LEARN, body=body))
        with self._changed:
            while self._kit is None:
                if self.reason or not trainer.supervised.run.is_running():
                    raise NotAllowed(
                        self.reason or trainer.supervised.reason or trainer.how_ended()
                    )
                if time.monotonic() > until:
                    raise NotAllowed(_NO_KIT)
                self._changed.wait(timeout=0.5)
            return self._kit

    def _unpack(self, kit: bytes) -> None:
        folder = self._folder / "engine"
        shutil.rmtree(folder, ignore_errors=True)
        unpack_kit(kit, folder / "kit")
        _, _, module, *arguments = self.parts.engine.command(_KIT, _ENGINE)
        (folder / "program").mkdir(mode=0o700)
        text = _CLIENT.format(argv=[module, *arguments], module=module)
        (folder / "program" / "client.py").write_text(text, encoding="utf-8")

    def _federate(self, session: Session) -> None:
        parts = self.parts
        begun = replace(
            self.run, state=RunState.RUNNING, attempts=1, started_at=parts.airlock.clock.now()
        )
        if not parts.airlock.records.change(begun, was=RunState.WAITING):
            raise Conflict("this training has been ended")
        self.run = begun
        parts.airlock.reports.run_state(begun.use_id, RunState.RUNNING)
        trainer = session.trainer.supervised.run

        def why_not() -> str:
            if word := self.why_not() or session.fault:
                return word
            return "" if session.is_kept or trainer.is_running() else session.trainer.how_ended()

        payload = parts.limits.model_bytes + _SLACK_BYTES
        with parts.bridge.open(session.answer, max_payload=payload) as socket:
            engine = self._watch(parts.engine_sandbox, self._engine_request(socket), why_not)
            result = engine.wait()
            if not session.is_kept:  # what is being answered now is for nobody
                session.trainer.supervised.stop(engine.reason or _ENDED)
        self._write_log("engine.txt", result)
        if not session.is_kept:
            raise NotAllowed(session.fault or engine.reason or f"engine exit {result.exit_code}")

    def _engine_request(self, socket: Path) -> SandboxRequest:
        most = max(_ENGINE_LIMITS.memory_mb, self.parts.allowed.memory_mb)
        return SandboxRequest(
            program=self._folder / "engine" / "program",
            entry="client.py",
            mounts={str(_KIT): self._folder / "engine" / "kit"},
            sockets={str(_ENGINE): socket},
            limits=replace(_ENGINE_LIMITS, seconds=self.parts.limits.seconds, memory_mb=most),
            has_network=True,
        )

    def _watch(
        self, sandbox: Sandbox, request: SandboxRequest, why_not: Callable[[], str]
    ) -> Supervised:
        supervised = Supervised(sandbox.start(request), why_not)
        with self._changed:
            self._watched.append(supervised)
            reason = self.reason
        if reason:
            supervised.stop(reason)
        return supervised

    def _tell(self, event: Event) -> None:
        self.parts.airlock.audit.append(event, self.parts.airlock.clock.now())

    def _write_log(self, name: str, result: SandboxResult) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        path.write_text(result.log, encoding="utf-8", errors="replace")
