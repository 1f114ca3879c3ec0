"""Runs at the hub: passed on to nodes, where each stands, and what nodes have released of it."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.access.people import Person
from tessera.domain.access.permit import Action, PermitRefused, Reason
from tessera.domain.access.tool import OutputKind
from tessera.domain.audit import access_events as events
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.learning.plan import LearningState
from tessera.hub.dispatch import Dispatch
from tessera.hub.permits import Permits, is_of, permit_key
from tessera.hub.uses import Uses
from tessera.ports.access_records import TaskRecord
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.learning import MODEL
from tessera.wire.refusals import BadMessage, TooLarge
from tessera.wire.runs import Run, RunFile
from tessera.wire.tasks import DeliveredPart, RunState, TaskKind
from tessera.wire.text import one_line

MAX_INPUT_BYTES: Final = 2_000_000
"""Of all files that come along with one use."""
MAX_USE_BYTES: Final = 200_000_000
"""Of all that a node delivers for one use."""
MAX_USE_FILES: Final = 100
MAX_OPEN: Final = 100
"""Runs of one person that have not ended: what waits is kept at the hub."""
_MAY_BECOME: Final = {
    RunState.WAITING: frozenset(RunState)
    - {RunState.WAITING, RunState.WITHHELD, RunState.RELEASED},
    RunState.RUNNING: frozenset(RunState)
    - {RunState.RUNNING, RunState.WITHHELD, RunState.RELEASED},
    RunState.IN_AIRLOCK: frozenset({RunState.WITHHELD, RunState.RELEASED, RunState.FAILED}),
}
"""A state that is not here is final. Back from running to waiting: the node begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    store: HubStore
    clock: Clock
    audit: AuditLog
    dispatch: Dispatch
    permits: Permits
    uses: Uses

    def start(self, person: Person, token: str, inputs: Mapping[str, bytes]) -> Run:
        """Pass a signed use on to its node; the same use again gives the same run.

        Raises PermitRefused, BadSignature, BadMessage, InvalidInput for inputs that are not
        those that were signed, TooLarge.
        """
        accepted = self.uses.accept(person.person_id, token)
        use, now = accepted.use, self.clock.now()
        if use.action is Action.FETCH:
            raise PermitRefused(Reason.MODE, "a download is asked for with `tessera fetch`")
        _check_inputs(use.inputs, inputs)
        run = Run(
            use_id=use.use_id,
            permit_id=use.permit_id,
            node_id=use.node_id,
            person_id=person.person_id,
            action=use.action,
            tool=use.tool,
            datasets=use.datasets,
            asked_at=now,
            state=RunState.WAITING,
            changed_at=now,
        )
        with self.store.transaction():
            if not self.store.runs.add(run):
                return self._same(run)
            if self.store.runs.n_open(person.person_id) > MAX_OPEN:
                raise Conflict(f"at most {MAX_OPEN} runs of one person that have not ended")
            self.store.learning.note_inputs(use.use_id, [digest for _, digest in use.inputs])
            carried = {name: b64encode(content).decode() for name, content in inputs.items()}
            body = {"token": token, "inputs": carried}
            self.dispatch.put(use.node_id, TaskKind.USE, body, subject=use.use_id)
            told = events.use_taken(
                use.use_id, use.permit_id, use.node_id, use.action.value, use.tool
            )
            self.audit.append(told, now)
        self._ring(run)
        return run

    def _same(self, run: Run) -> Run:
        found = self.store.runs.find(run.use_id)
        wanted = (run.permit_id, run.node_id, run.person_id, run.tool, run.datasets)
        if found is None or wanted != (
            *(found.permit_id, found.node_id, found.person_id),
            *(found.tool, found.datasets),
        ):
            raise Conflict("another use has this id")
        return found

    def stop(self, person: Person, use_id: str) -> Run:
        """Ask the node to stop a run; one that has ended stays as it is. Raises NotFound."""
        run = self.shown(person, use_id)
        if not run.state.is_final:
            with self.store.transaction():
                if self.store.runs.ask_stop(use_id, self.clock.now()):
                    body = {"use_id": use_id}
                    self.dispatch.put(run.node_id, TaskKind.STOP, body, subject=use_id)
            self._ring(run)
        return self.shown(person, use_id)

    def shown(self, person: Person, use_id: str) -> Run:
        """Return a run to a person of its permit. Raises NotFound for everybody else."""
        run = self.store.runs.find(use_id)
        if run is None or not is_of(person, self.permits.find(run.permit_id)):
            raise NotFound("no such run")
        return run

    def of_person(self, person: Person, permit_id: str = "") -> Sequence[Run]:
        """Return the runs under the person's permits, or under one of them, last first."""
        mine = [held.permit.permit_id for held in self.permits.for_person(person.person_id)]
        if permit_id and permit_id not in mine:
            raise NotFound("no such permit")
        return self.store.runs.for_permits([permit_id] if permit_id else mine)

    def file(self, person: Person, use_id: str, name: str) -> tuple[RunFile, Iterator[bytes]]:
        """Return a released file and its content in parts. Raises NotFound."""
        run = self.shown(person, use_id)
        for one in run.files if self._is_open(run, name) else ():
            if one.name == name and one.is_whole and run.state is RunState.RELEASED:
                return one, self.store.runs.parts(use_id, name)
        raise NotFound("no such file has been released")

    def _is_open(self, run: Run, name: str) -> bool:
        """A trained model is nobody's until every node of the training has released it."""
        if run.action is not Action.LEARN or name != MODEL:
            return True
        learning = self.store.learning.of_use(run.use_id)
        return learning is not None and learning.state is LearningState.RELEASED

    def take_report(self, node: NodeRecord, body: Json) -> None:
        """Note where a run stands, as its node says. Raises NotFound, Conflict, BadMessage.

        A state that is no step forward is passed over: reports may come twice.
        """
        run = self._of_node(node, fields.text(body, "use_id"))
        try:
            state = RunState(fields.text(body, "state"))
        except ValueError as err:
            raise BadMessage("state", f"one of {', '.join(RunState)}") from err
        detail = one_line(fields.text(body, "detail", ""), 500)
        with self.store.transaction():
            if state is RunState.RELEASED and run.state is RunState.IN_AIRLOCK:
                names = fields.objects(body, "files", lambda one: fields.text(one, "name"))
                self.store.runs.announce(run.use_id, names)
                self._close(run, detail)
            elif state in _MAY_BECOME.get(run.state, frozenset()):
                self._set(run, state, detail)

    def taken_up(self, node: NodeRecord, task: TaskRecord, problem: str) -> None:
        """Note that a node does not take a use up."""
        run = self.store.runs.find(task.subject)
        if problem and run is not None and run.state is RunState.WAITING:
            self._set(run, RunState.REFUSED, problem)

    def receive(self, node: NodeRecord, part: DeliveredPart) -> bool:
        """Keep one part of a file that the node has released; False when it is here already.

        Raises NotFound for a run of another node, InvalidInput for what the permit does not let
        out and for a wrong hash, TooLarge, Conflict.
        """
        run = self._of_node(node, part.use_id)
        self._check_part(run, part)
        with self.store.transaction():
            if not self.store.runs.add_part(part):
                return False
            here, n_parts = self.store.runs.n_parts(part.use_id, part.name)
            if here < n_parts:
                return True
            is_whole = self._sha256(part) == part.sha256
            self.store.runs.close_file(part.use_id, part.name, is_whole=is_whole)
            if is_whole:
                told = events.file_received(
                    node.node_id, part.use_id, part.name, part.kind, part.sha256
                )
                self.audit.append(told, self.clock.now())
                if self.store.runs.announced(part.use_id) is not None:
                    self._close(run, run.detail)
        if not is_whole:
            # All its parts are gone: the node sends the file anew.
            raise InvalidInput(f"{part.name}: the parts together do not have the announced hash")
        self._ring(run)
        return True

    def _check_part(self, run: Run, part: DeliveredPart) -> None:
        permit = self.permits.find(run.permit_id).permit
        try:
            kind = OutputKind(part.kind)
        except ValueError as err:
            raise BadMessage("kind", f"one of {', '.join(OutputKind)}") from err
        if kind not in permit.outputs:
            raise InvalidInput(f"the permit lets out no {kind}")
        if run.action is Action.RUN:
            tool = self.store.tools.find(run.tool)
            if tool is None or tool.outputs.get(part.name) is not kind:
                raise InvalidInput(f"the tool declares no {part.name} as {kind}")
        learning = self.store.learning.of_use(run.use_id) if part.name == MODEL else None
        if learning is not None and learning.state.is_final:
            raise Conflict(f"the training is {learning.state}")
        if learning is not None and learning.model_sha256 not in ("", part.sha256):
            raise Conflict("not the model that was trained")
        if run.state.is_final and run.state is not RunState.RELEASED:
            raise Conflict(f"the run is {run.state}")
        there = next((file for file in run.files if file.name == part.name), None)
        if there is None and run.state is RunState.RELEASED:
            raise Conflict("the run was released without this file")
        if there is None and len(run.files) >= MAX_USE_FILES:
            raise TooLarge(f"at most {MAX_USE_FILES} files for one use")
        if there is not None:
            _, n_parts = self.store.runs.n_parts(run.use_id, part.name)
            if (there.sha256, there.kind, n_parts) != (part.sha256, kind, part.n_parts):
                raise Conflict(f"{part.name} has begun to come with other content")
        if self.store.runs.n_bytes(run.use_id) + len(part.data) > MAX_USE_BYTES:
            raise TooLarge(f"at most {MAX_USE_BYTES} bytes for one use")

    def _sha256(self, part: DeliveredPart) -> str:
        digest = hashlib.sha256()
        for content in self.store.runs.parts(part.use_id, part.name):
            digest.update(content)
        return digest.hexdigest()

    def _close(self, run: Run, detail: str) -> None:
        """Set a run as released once every file of it is here whole."""
        found = self.store.runs.find(run.use_id)
        names = self.store.runs.announced(run.use_id)
        if found is None or names is None or found.state is RunState.RELEASED:
            return
        whole = {file.name for file in found.files if file.is_whole}
        if set(names) <= whole and len(whole) == len(found.files):
            self._set(found, RunState.RELEASED, detail)

    def _set(self, run: Run, state: RunState, detail: str) -> None:
        now = self.clock.now()
        self.store.runs.set_state(run.use_id, state, now, detail)
        wavers = state in (RunState.WAITING, RunState.RUNNING) and run.changed_at > run.asked_at
        if not wavers:
            # Back and forth between the two, a node could fill the log.
            told = events.run_reported(run.node_id, run.use_id, state.value)
            self.audit.append(told, now)
        self._ring(run)

    def _of_node(self, node: NodeRecord, use_id: str) -> Run:
        run = self.store.runs.find(use_id)
        if run is None or run.node_id != node.node_id:
            raise NotFound(f"no run {one_line(use_id, 60)} at {node.node_id}")
        return run

    def _ring(self, run: Run) -> None:
        self.dispatch.bell.ring(permit_key(run.permit_id))
        for person in self.permits.find(run.permit_id).permit.persons:
            self.dispatch.bell.ring(runs_key(person.person_id))


def runs_key(person_id: str) -> str:
    """Return what is rung when a run that this person may see has changed."""
    return f"runs of {person_id}"


def _check_inputs(signed: Sequence[tuple[str, str]], inputs: Mapping[str, bytes]) -> None:
    if sum(map(len, inputs.values())) > MAX_INPUT_BYTES:
        raise TooLarge(f"at most {MAX_INPUT_BYTES} bytes of input files")
    if len(signed) != len({name for name, _ in signed}) or dict(signed).keys() != inputs.keys():
        raise InvalidInput("the input files are not those that the use names")
    for name, sha256 in signed:
        if hashlib.sha256(inputs[name]).hexdigest() != sha256:
            raise InvalidInput(f"input {name}: not the content whose hash was signed")
