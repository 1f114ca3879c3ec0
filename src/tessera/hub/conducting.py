"""Carries trainings on: waits for the nodes, runs the engine, and waits for every release.

One thread looks at all trainings that are not over; each engine has a thread of its own. What
is decided from is in the store, so that another process may revoke a permit or stop a training.
"""

import hashlib
import logging
import shutil
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from tessera.domain.errors import TesseraError
from tessera.domain.ids import NodeId
from tessera.domain.learning import plan as rules
from tessera.domain.learning.plan import LearningState, SiteState
from tessera.hub.learning import Learnings
from tessera.ports.federation import FederationPlan, FederationServer, SiteUpdate
from tessera.ports.sealing import Sealing
from tessera.wire.frames import arrays_to
from tessera.wire.learning import Learning, RoundUpdate
from tessera.wire.runs import PermitState
from tessera.wire.tasks import RunState, TaskKind

_log = logging.getLogger(__name__)
TOO_FEW: Final = "too-few-nodes"
LOST: Final = "node-left"
PERMIT: Final = "permit-over"
ENGINE: Final = "engine"
OTHER_MODEL: Final = "other-model"
RESTARTED: Final = "hub-restarted"
_LOOK_S: Final = 0.5
_KIT_LASTS: Final = timedelta(hours=2)
_CLOSE_S: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRoom:
    """How this hub runs engines."""

    server: Callable[[], FederationServer]
    sealing: Sealing
    host: str
    """Name or address under which nodes reach an engine; in its certificate."""
    folder: Path
    """One folder for each engine below it, while it runs."""
    wait: timedelta = timedelta(minutes=30)
    """After so long `min_nodes` that are ready are enough."""
    at_once: int = 1


@dataclass(eq=False, kw_only=True)
class _Engine:
    """One engine under way."""

    learn_id: str
    nodes: tuple[NodeId, ...]
    stopped: threading.Event = field(default_factory=threading.Event)
    kits: Mapping[NodeId, bytes] = field(default_factory=dict)
    sent: dict[NodeId, tuple[str, str]] = field(default_factory=dict)
    """For whom a kit is on its way: the key it is sealed for, and the task."""
    thread: threading.Thread | None = None


@dataclass(eq=False, kw_only=True)
class Conducting:
    """`start` and `close` frame the life of the one process that serves the hub."""

    learnings: Learnings
    room: EngineRoom
    _engines: dict[str, _Engine] = field(default_factory=dict)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look; what an earlier process left in the middle has failed."""
        self.recover()
        self._thread = threading.Thread(target=self._watch, name="learnings", daemon=True)
        self._thread.start()

    def recover(self) -> None:
        """Fail trainings whose engine ended with an earlier process, and tell their nodes."""
        shutil.rmtree(self.room.folder, ignore_errors=True)
        for learning in self.learnings.store.learning.open():
            if learning.state is LearningState.RUNNING:
                self.learnings.end(learning, LearningState.FAILED, RESTARTED)

    def close(self) -> None:
        """Stop the engines, and note that their trainings have failed."""
        self._ending.set()
        engines = list(self._engines.values())
        for engine in engines:
            engine.stopped.set()
        for thread in (self._thread, *(engine.thread for engine in engines)):
            if thread is not None:
                thread.join(_CLOSE_S)
        self.recover()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_S):
            for learning in self.learnings.store.learning.open():
                try:
                    self.look(learning)
                except Exception:
                    _log.exception("training %s", learning.learn_id)
            self._stop_orphans()

    def look(self, learning: Learning) -> None:
        """Do what is next for one training."""
        if self._is_permit_over(learning):
            self.learnings.end(learning, LearningState.STOPPED, PERMIT)
        elif learning.state is LearningState.WAITING:
            self._await_nodes(learning)
        elif learning.state is LearningState.RUNNING:
            self._follow(learning)
        else:
            self._await_release(learning)

    def _is_permit_over(self, learning: Learning) -> bool:
        held = self.learnings.permits.find(learning.permit_id)
        return held.revoked_at is not None or self.learnings.clock.now() >= held.permit.ends

    def _standings(self, learning: Learning) -> dict[NodeId, SiteState]:
        """A node that took its permit back is gone, whether it has said so of its run or not."""
        held = self.learnings.permits.find(learning.permit_id)
        over = {one.node_id for one in held.nodes if one.state is PermitState.REVOKED}
        return {
            node: SiteState.GONE if node in over and state is not SiteState.RELEASED else state
            for node, state in learning.standings.items()
        }

    def _await_nodes(self, learning: Learning) -> None:
        is_late = self.learnings.clock.now() >= learning.asked_at + self.room.wait
        sites = self._standings(learning)
        step = rules.beginning(sites, learning.min_nodes, is_late=is_late)
        if isinstance(step, rules.GiveUp):
            about = ", ".join(n for n, state in sites.items() if state is not SiteState.READY)
            self.learnings.end(learning, LearningState.FAILED, f"{TOO_FEW} {about}")
        elif step is not None and len(self._engines) < self.room.at_once:
            self._begin(learning, step.nodes)

    def _begin(self, learning: Learning, nodes: tuple[NodeId, ...]) -> None:
        engine = _Engine(learn_id=learning.learn_id, nodes=nodes)
        self._engines[learning.learn_id] = engine
        with self.learnings.store.transaction():
            has_begun = self.learnings.end(learning, LearningState.RUNNING)
            for site in learning.sites if has_begun else ():
                if site.node_id not in nodes:
                    self.learnings.stop_site(site)
        if not has_begun:
            del self._engines[learning.learn_id]
            return
        engine.thread = threading.Thread(
            target=self._train, args=(learning, engine), name="engine", daemon=True
        )
        engine.thread.start()

    def _follow(self, learning: Learning) -> None:
        engine = self._engines.get(learning.learn_id)
        if engine is None:
            # Its thread may just have ended well: only what the store says now counts.
            learning = self.learnings.find(learning.learn_id)
            if learning.state is LearningState.RUNNING:
                self.learnings.end(learning, LearningState.FAILED, RESTARTED)
            return
        sites = {n: s for n, s in self._standings(learning).items() if n in engine.nodes}
        lost = rules.lost_node(sites, learning.gave)
        if lost is not None:
            self.learnings.end(learning, LearningState.FAILED, f"{LOST} {lost}")
        elif rules.n_left(sites) < learning.min_nodes:
            gone = ", ".join(node for node, state in sites.items() if state is SiteState.GONE)
            self.learnings.end(learning, LearningState.FAILED, f"{TOO_FEW} {gone}")
        else:
            self._send_kits(learning, engine)

    def _send_kits(self, learning: Learning, engine: _Engine) -> None:
        """Give each node its kit, sealed for the key that it named last. In memory only."""
        dispatch = self.learnings.dispatch
        for site in learning.sites:
            kit = engine.kits.get(site.node_id)
            key, task_id = engine.sent.get(site.node_id, ("", ""))
            if kit is None or site.state is not RunState.WAITING or key == site.key:
                continue
            if task_id:
                dispatch.withdraw(site.node_id, task_id)
            try:
                sealed = self.room.sealing.seal(kit, site.key, site.use_id)
            except TesseraError as err:
                _log.warning("%s: its key takes no kit: %s", site.node_id, err)
                self.learnings.stop_site(site)
                engine.sent[site.node_id] = (site.key, "")
                continue
            body = {
                "use_id": site.use_id,
                "kit": b64encode(sealed).decode(),
                "rounds": learning.rounds,
            }
            until = self.learnings.clock.now() + _KIT_LASTS
            task_id = dispatch.put_transient(site.node_id, TaskKind.LEARN, body, until)
            engine.sent[site.node_id] = (site.key, task_id)

    def _train(self, learning: Learning, engine: _Engine) -> None:
        """Run the engine to its end; in a thread of its own."""
        folder = self.room.folder / learning.learn_id
        state, detail = LearningState.FAILED, ""
        try:
            self.room.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            server = self.room.server()
            plan = FederationPlan(
                learn_id=learning.learn_id,
                nodes=engine.nodes,
                rounds=learning.rounds,
                min_nodes=learning.min_nodes,
                round_s=learning.round_s,
            )
            engine.kits = server.provision(plan, folder, host=self.room.host)
            trained = server.run(
                plan,
                folder,
                None,
                lambda update: self._keep(learning, update),
                engine.stopped.is_set,
            )
            # Of the model itself the hub keeps nothing: it comes back from every node, or never.
            sha256 = hashlib.sha256(arrays_to(trained.weights)).hexdigest()
            self.learnings.store.learning.set_model(learning.learn_id, sha256, trained.rounds)
            state = LearningState.IN_AIRLOCK
        except TesseraError as err:
            detail = f"{ENGINE} {err}"
        except Exception as err:
            _log.exception("the engine of training %s", learning.learn_id)
            detail = f"{ENGINE} {type(err).__name__}"
        finally:
            for node, (_, task_id) in engine.sent.items():
                self.learnings.dispatch.withdraw(node, task_id)
            shutil.rmtree(folder, ignore_errors=True)
            if self._ending.is_set() and state is LearningState.FAILED:
                detail = RESTARTED
            now = self.learnings.find(learning.learn_id)
            if now.state is LearningState.RUNNING:
                self.learnings.end(now, state, detail)
            del self._engines[learning.learn_id]

    def _keep(self, learning: Learning, update: SiteUpdate) -> None:
        kept = RoundUpdate(
            node_id=update.node_id,
            round=update.round,
            n_samples=update.n_samples,
            metrics=update.metrics,
        )
        self.learnings.store.learning.add_update(learning.learn_id, kept)
        self.learnings.ring(learning)

    def _await_release(self, learning: Learning) -> None:
        state, nodes = rules.verdict(self._standings(learning), learning.gave)
        if state is LearningState.RELEASED:
            hashes = {site.sha256 for site in learning.sites if site.node_id in nodes}
            if hashes != {learning.model_sha256}:
                self.learnings.end(learning, LearningState.FAILED, OTHER_MODEL)
                return
        if state is not LearningState.IN_AIRLOCK:
            self.learnings.end(learning, state, ", ".join(nodes))

    def _stop_orphans(self) -> None:
        """End engines whose training has been ended in the store."""
        for engine in list(self._engines.values()):
            found = self.learnings.store.learning.find(engine.learn_id)
            if found is None or found.state is not LearningState.RUNNING:
                engine.stopped.set()
