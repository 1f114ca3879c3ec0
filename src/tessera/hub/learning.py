"""Use cases: ask for a training over several nodes, look at it, stop it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.access.people import Person
from tessera.domain.access.permit import Action, PermitRefused, Reason
from tessera.domain.access.tool import OutputKind
from tessera.domain.audit import learning_events as events
from tessera.domain.errors import Conflict, InvalidInput, NotFound
from tessera.domain.learning.plan import LearningState
from tessera.hub.dispatch import Dispatch
from tessera.hub.permits import Permits, is_of, permit_key
from tessera.hub.runs import Runs, runs_key
from tessera.hub.uses import AcceptedUse, Uses
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore, NodeRecord
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.learning import MODEL, Learning, LearningPlan, LearningSite
from tessera.wire.tasks import RunState, TaskKind
from tessera.wire.text import one_line

BY_PERSON: Final = "person"
_MAX_KEY: Final = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnings:
    """Every method may be called from several threads and processes."""

    store: HubStore
    clock: Clock
    audit: AuditLog
    dispatch: Dispatch
    permits: Permits
    uses: Uses
    runs: Runs

    def start(self, person: Person, title: str, tokens: Sequence[str]) -> Learning:
        """Take a training up and pass its uses on to the nodes; the same again changes nothing.

        Each token is a use of one node, signed by the person, and all have the same arguments:
        a `LearningPlan`. Raises PermitRefused, BadSignature, BadMessage, InvalidInput for uses
        that do not fit together, Conflict when another training has the id.
        """
        accepted = [self.uses.accept(person.person_id, token) for token in tokens]
        plan = _common_plan(accepted)
        use, now = accepted[0].use, self.clock.now()
        by_node = {one.use.node_id: one for one in accepted}
        learning = Learning(
            learn_id=plan.learn_id,
            permit_id=use.permit_id,
            person_id=person.person_id,
            title=one_line(" ".join(title.split()), 200) or accepted[0].held.permit.title,
            tool=use.tool,
            rounds=plan.rounds,
            min_nodes=plan.min_nodes,
            round_s=plan.round_s,
            asked_at=now,
            state=LearningState.WAITING,
            changed_at=now,
            sites=tuple(
                LearningSite(node_id=node, use_id=by_node[node].use.use_id) for node in plan.nodes
            ),
        )
        with self.store.transaction():
            found = self.store.learning.find(plan.learn_id)
            if found is not None:
                return _same(found, learning)
            for node in plan.nodes:
                self.runs.start(person, by_node[node].token, {})
            if not self.store.learning.add(learning):
                raise Conflict("another training has this id")
            told = events.learning_asked(plan.learn_id, use.permit_id, use.tool, plan.nodes)
            self.audit.append(told, now)
        self.ring(learning)
        return self.find(plan.learn_id)

    def find(self, learn_id: str) -> Learning:
        """Return a training for another use case of the hub. Raises NotFound."""
        found = self.store.learning.find(learn_id)
        if found is None:
            raise NotFound("no such training")
        return found

    def shown(self, person: Person, learn_id: str) -> Learning:
        """Return a training to who may see its permit. Raises NotFound for everybody else."""
        learning = self.find(learn_id)
        self.permits.shown(person, learning.permit_id)
        return learning

    def of_person(self, person: Person) -> Sequence[Learning]:
        """Return the trainings under the person's permits, last asked for first."""
        mine = {held.permit.permit_id for held in self.permits.for_person(person.person_id)}
        return [one for one in self.store.learning.all() if one.permit_id in mine]

    def may_stop(self, person: Person, learning: Learning) -> bool:
        return is_of(person, self.permits.find(learning.permit_id))

    def stop(self, person: Person, learn_id: str) -> Learning:
        """End a training at every node; one that has ended stays as it is. Raises NotFound.

        Only a person of its permit may: for everybody else there is no such training.
        """
        learning = self.find(learn_id)
        if not self.may_stop(person, learning):
            raise NotFound("no such training")
        self.end(learning, LearningState.STOPPED, BY_PERSON)
        return self.find(learn_id)

    def end(self, learning: Learning, state: LearningState, detail: str = "") -> bool:
        """Set where a training has got to; a bad end is told to every node of it.

        False when something else ended it meanwhile.
        """
        now, is_bad = (
            self.clock.now(),
            state
            not in (
                LearningState.RUNNING,
                LearningState.IN_AIRLOCK,
                LearningState.RELEASED,
            ),
        )
        with self.store.transaction():
            was, learn_id = learning.state, learning.learn_id
            if learning.state.is_final or not self.store.learning.change(
                learn_id, state, now, was=was, detail=one_line(detail, 500)
            ):
                return False
            for site in learning.sites if is_bad else ():
                self.stop_site(site)
                self._drop_model(site)
            told = events.learning_moved(learn_id, state.value, learning.model_sha256)
            self.audit.append(told, now)
        self.ring(learning)
        return True

    def stop_site(self, site: LearningSite) -> None:
        """Ask one node to stop its part."""
        if site.state.is_final or not self.store.runs.ask_stop(site.use_id, self.clock.now()):
            return
        body = {"use_id": site.use_id}
        self.dispatch.put(site.node_id, TaskKind.STOP, body, subject=site.use_id)

    def take_ready(self, node: NodeRecord, body: Json) -> None:
        """Note that a node's trainer is ready, with the key for its kit. Raises NotFound, Conflict.

        A node that begins again has a new key.
        """
        use_id, key = fields.text(body, "use_id"), one_line(fields.text(body, "key"), _MAX_KEY)
        learning = self.store.learning.of_use(use_id)
        site = (
            next((one for one in learning.sites if one.use_id == use_id), None)
            if learning
            else None
        )
        if learning is None or site is None or site.node_id != node.node_id:
            raise NotFound(f"no training {one_line(use_id, 60)} at {node.node_id}")
        if learning.state.is_final or site.state is not RunState.WAITING:
            raise Conflict("this training does not wait for the node")
        self.store.learning.set_key(use_id, key)
        self.ring(learning)

    def ring(self, learning: Learning) -> None:
        """Wake who waits for news of it."""
        self.dispatch.bell.ring(permit_key(learning.permit_id))
        for person in self.permits.find(learning.permit_id).permit.persons:
            self.dispatch.bell.ring(runs_key(person.person_id))

    def _drop_model(self, site: LearningSite) -> None:
        """Throw away what one node has released of a model that not all let out."""
        run = self.store.runs.find(site.use_id)
        if run is not None and any(file.name == MODEL for file in run.files):
            self.store.runs.close_file(site.use_id, MODEL, is_whole=False)


def _common_plan(accepted: Sequence[AcceptedUse]) -> LearningPlan:
    if not accepted:
        raise InvalidInput("tokens: one signed use for each node")
    first = accepted[0]
    for one in accepted:
        if one.use.action is not Action.LEARN:
            raise InvalidInput(f"{one.use.node_id}: the use is for {one.use.action}, not learn")
        same = (one.use.permit_id, one.use.tool, one.use.arguments)
        if same != (first.use.permit_id, first.use.tool, first.use.arguments):
            raise InvalidInput("every node gets the same permit, tool and arguments to sign for")
    if OutputKind.MODEL not in first.held.permit.outputs:
        raise PermitRefused(Reason.OUTPUT, "the permit lets out no model")
    plan = LearningPlan.from_json(fields.decode(first.use.arguments))
    nodes = [one.use.node_id for one in accepted]
    if sorted(nodes) != sorted(plan.nodes):
        raise InvalidInput("tokens: one for each of the nodes that the arguments name")
    return plan


def _same(found: Learning, wanted: Learning) -> Learning:
    uses = [[(site.node_id, site.use_id) for site in one.sites] for one in (found, wanted)]
    if found.person_id != wanted.person_id or uses[0] != uses[1]:
        raise Conflict("another training has this id")
    return found
