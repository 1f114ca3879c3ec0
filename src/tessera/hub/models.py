"""Models that all nodes concerned have released: cards for everybody, the bytes for a few."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.access.people import Person
from tessera.domain.access.permit import PermittedTool
from tessera.domain.access.register import PublicModel
from tessera.domain.errors import NotFound
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.learning.model_card import ExternalTest, ModelCard, TrainedAt, read_test
from tessera.domain.learning.plan import LearningState
from tessera.hub.permits import is_of
from tessera.ports.hub_store import HubStore
from tessera.wire.learning import MODEL, Learning, LearningSite
from tessera.wire.runs import Run, RunFile
from tessera.wire.tasks import RunState

_METRICS: Final = "metrics.json"
_MAX_METRICS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """A model has the id of its training."""

    store: HubStore

    def all(self) -> Sequence[ModelCard]:
        """Return the card of every model, last released first."""
        found = [one for one in self.store.learning.all() if one.state is LearningState.RELEASED]
        return sorted(
            (self._card(one) for one in found), key=lambda card: card.released_at, reverse=True
        )

    def card(self, model_id: str) -> ModelCard:
        """Return one card. Raises NotFound, also for a model that not all have released."""
        return self._card(self._released(model_id))

    def may_have(self, person: Person | None, model_id: str) -> bool:
        """Return whether the person may take the model itself: one that its permit names."""
        held = self.store.permits.find(self._released(model_id).permit_id)
        return person is not None and held is not None and is_of(person, held)

    def content(self, person: Person, model_id: str) -> tuple[RunFile, Iterator[bytes]]:
        """Return the model's file and its bytes in parts. Raises NotFound."""
        learning = self._released(model_id)
        if not self.may_have(person, model_id):
            raise NotFound("no such model")
        for site in learning.sites:
            run = self.store.runs.find(site.use_id)
            for file in run.files if run and site.node_id in learning.gave else ():
                if file.name == MODEL and file.is_whole and file.sha256 == learning.model_sha256:
                    return file, self.store.runs.parts(site.use_id, MODEL)
        raise NotFound("no such model")

    def public(self) -> Sequence[PublicModel]:
        """Return what the register tells of each model."""
        return [
            PublicModel(
                permit_id=card.permit_id,
                model_id=card.model_id,
                title=card.title,
                released_at=card.released_at,
                node_ids=tuple(site.node_id for site in card.sites),
                n_tests=len(card.tests),
                page=f"/models/{card.model_id}",
            )
            for card in self.all()
        ]

    def _released(self, model_id: str) -> Learning:
        learning = self.store.learning.find(model_id)
        if learning is None or learning.state is not LearningState.RELEASED:
            raise NotFound("no such model")
        return learning

    def _card(self, learning: Learning) -> ModelCard:
        held = self.store.permits.find(learning.permit_id)
        if held is None:
            raise NotFound("no such permit")
        mine = [site for site in learning.sites if site.node_id in learning.gave]
        files = [file for site in mine for file in self._run(site.use_id).files]
        n_bytes = next((file.n_bytes for file in files if file.name == MODEL), 0)
        tool = held.permit.tool(learning.tool)
        return ModelCard(
            model_id=learning.learn_id,
            title=learning.title,
            purpose=held.permit.purpose,
            permit_id=learning.permit_id,
            sha256=learning.model_sha256,
            n_bytes=n_bytes,
            released_at=learning.changed_at,
            trained_at=learning.asked_at,
            rounds=learning.rounds_done,
            tool=tool or PermittedTool(name=learning.tool, version="", digest=learning.tool),
            sites=tuple(self._trained_at(site, learning) for site in mine),
            tests=self._tests(learning),
        )

    def _trained_at(self, site: LearningSite, learning: Learning) -> TrainedAt:
        metrics: Mapping[str, float] = {}
        for update in learning.updates:  # the last one counts
            if update.node_id == site.node_id:
                metrics = update.metrics
        return TrainedAt(
            node_id=site.node_id,
            name=self._name(site.node_id),
            datasets=site.datasets,
            released_at=site.changed_at or learning.changed_at,
            metrics=metrics,
        )

    def _tests(self, learning: Learning) -> tuple[ExternalTest, ...]:
        learned: set[tuple[NodeId, DatasetId]] = {
            (site.node_id, name)
            for site in learning.sites
            if site.node_id in learning.gave
            for name, _ in site.datasets
        }
        found = []
        for use_id in self.store.learning.uses_with_input(learning.model_sha256):
            run = self._run(use_id)
            test = self._test(run, learned) if run.state is RunState.RELEASED else None
            if test is not None:
                found.append(test)
        return tuple(sorted(found, key=lambda test: test.at, reverse=True))

    def _test(self, run: Run, learned: set[tuple[NodeId, DatasetId]]) -> ExternalTest | None:
        file = next((one for one in run.files if one.name == _METRICS and one.is_whole), None)
        if file is None or file.n_bytes > _MAX_METRICS:
            return None
        numbers = read_test(b"".join(self.store.runs.parts(run.use_id, _METRICS)))
        if numbers is None:
            return None
        return ExternalTest(
            node_id=run.node_id,
            name=self._name(run.node_id),
            datasets=run.datasets,
            at=run.changed_at,
            auc=numbers.auc,
            low=numbers.low,
            high=numbers.high,
            n_subjects=numbers.n_subjects,
            level=numbers.level,
            is_external=not any((run.node_id, name) in learned for name, _ in run.datasets),
        )

    def _run(self, use_id: str) -> Run:
        run = self.store.runs.find(use_id)
        if run is None:
            raise NotFound("no such run")
        return run

    def _name(self, node_id: NodeId) -> str:
        node = self.store.nodes.find(node_id)
        return node.name if node else node_id
