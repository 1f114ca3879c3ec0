"""The specification of the store of trainings, for any implementation."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermittedDataset,
    PermittedPerson,
)
from tessera.domain.access.tool import OutputKind
from tessera.domain.ids import DatasetId, NodeId
from tessera.domain.learning.plan import LearningState, SiteState
from tessera.ports.hub_store import HubStore
from tessera.wire.learning import MODEL, Learning, LearningSite, RoundUpdate
from tessera.wire.runs import PermitAtNode, PermitState, Run
from tessera.wire.tasks import DeliveredPart, RunState

_NOW = datetime(2026, 3, 5, 14, 7, 1, 250, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_ANNA, _PERMIT = str(UUID(int=1)), str(UUID(int=2))
_NODES = (NodeId("valencia"), NodeId("linkoping"))
_DATASETS = ((DatasetId("prostate-mr"), 2),)


def _learning(n: int = 100) -> Learning:
    return Learning(
        learn_id=str(UUID(int=n)),
        permit_id=_PERMIT,
        person_id=_ANNA,
        title="Lesions of the prostate",
        tool="sha256:" + "ab" * 32,
        rounds=3,
        min_nodes=2,
        round_s=60,
        asked_at=_NOW + n * _SECOND,
        state=LearningState.WAITING,
        changed_at=_NOW,
        sites=tuple(
            LearningSite(
                node_id=node,
                use_id=str(UUID(int=10 * n + place)),
                datasets=_DATASETS,
                changed_at=_NOW,
            )
            for place, node in enumerate(_NODES)
        ),
    )


class LearningStoreContract:
    @abstractmethod
    def make(self, folder: Path) -> HubStore:
        """Open the store in `folder`; a second one there sees what the first has done."""

    def added(self, store: HubStore, learning: Learning) -> Learning:
        person = PermittedPerson(person_id=_ANNA, name="Anna", organisation="U", keys=("I" * 43,))
        permit = Permit(
            permit_id=_PERMIT,
            application_id=str(UUID(int=3)),
            title="Project",
            purpose="To see.",
            duo=(),
            persons=(person,),
            datasets=tuple(
                PermittedDataset(
                    node_id=node,
                    dataset_id=_DATASETS[0][0],
                    version=2,
                    manifest_sha256="ab" * 32,
                )
                for node in _NODES
            ),
            modes=frozenset({AccessMode.LEARN}),
            tools=(),
            outputs=frozenset({OutputKind.MODEL}),
            issued_at=_NOW,
            starts=_NOW,
            ends=_NOW + timedelta(days=1),
        )
        sent = [PermitAtNode(node_id=node, state=PermitState.SENT, at=_NOW) for node in _NODES]
        store.permits.add(permit, "token", sent)
        for site in learning.sites:
            run = Run(
                use_id=site.use_id,
                permit_id=_PERMIT,
                node_id=site.node_id,
                person_id=_ANNA,
                action=Action.LEARN,
                tool=learning.tool,
                datasets=_DATASETS,
                asked_at=_NOW,
                state=RunState.WAITING,
                changed_at=_NOW,
            )
            assert store.runs.add(run)
        assert store.learning.add(learning)
        return learning

    def test_what_was_added_is_there_for_who_opens_the_store_next(self, tmp_path: Path) -> None:
        learning = self.added(self.make(tmp_path), _learning())
        store = self.make(tmp_path)
        assert store.learning.find(learning.learn_id) == learning
        assert not store.learning.add(replace(learning, title="other"))
        assert store.learning.find(learning.learn_id) == learning
        assert store.learning.of_use(learning.sites[1].use_id) == learning
        assert store.learning.find("none") is None
        assert store.learning.of_use("none") is None

    def test_they_are_listed_last_first_and_open_ones_first_first(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        first, second, third = (self.added(store, _learning(n)) for n in (100, 200, 300))
        waiting, failed = LearningState.WAITING, LearningState.FAILED
        assert store.learning.change(second.learn_id, failed, _NOW, was=waiting)
        assert [one.learn_id for one in store.learning.all()] == [
            one.learn_id for one in (third, second, first)
        ]
        assert list(store.learning.open()) == [first, third]

    def test_a_state_changes_only_from_the_one_that_was_seen(self, tmp_path: Path) -> None:
        store, learn_id = self.make(tmp_path), _learning().learn_id
        self.added(store, _learning())
        waiting, running = LearningState.WAITING, LearningState.RUNNING
        assert store.learning.change(learn_id, running, _NOW + _SECOND, was=waiting)
        assert not store.learning.change(learn_id, LearningState.STOPPED, _NOW, was=waiting)
        assert store.learning.change(
            learn_id, LearningState.FAILED, _NOW + 2 * _SECOND, was=running, detail="engine died"
        )
        store.learning.set_model(learn_id, "cd" * 32, 3)
        found = store.learning.find(learn_id)
        assert found is not None
        assert (found.state, found.detail) == (LearningState.FAILED, "engine died")
        assert found.changed_at == _NOW + 2 * _SECOND
        assert (found.model_sha256, found.rounds_done) == ("cd" * 32, 3)

    def test_a_site_stands_as_its_run(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        learning = self.added(store, _learning())
        a, b = learning.sites
        assert store.learning.set_key(a.use_id, "first")
        assert store.learning.set_key(a.use_id, "second")
        assert not store.learning.set_key("none", "key")
        store.runs.set_state(b.use_id, RunState.FAILED, _NOW, "exit 7")
        found = store.learning.find(learning.learn_id)
        assert found is not None
        assert [site.key for site in found.sites] == ["second", ""]
        assert list(found.standings.values()) == [SiteState.READY, SiteState.GONE]
        assert found.sites[1].detail == "exit 7"

    def test_the_hash_of_a_site_is_that_of_a_whole_and_released_model(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        learning = self.added(store, _learning())
        use_id = learning.sites[0].use_id

        def sha256() -> str:
            found = store.learning.find(learning.learn_id)
            assert found is not None
            return found.sites[0].sha256

        part = DeliveredPart(
            use_id=use_id,
            name=MODEL,
            kind="model",
            sha256="ef" * 32,
            part=0,
            n_parts=1,
            data=b"weights",
        )
        store.runs.add_part(part)
        store.runs.set_state(use_id, RunState.RELEASED, _NOW, "")
        assert sha256() == ""
        store.runs.close_file(use_id, MODEL, is_whole=True)
        assert sha256() == "ef" * 32
        store.runs.set_state(use_id, RunState.IN_AIRLOCK, _NOW, "")
        assert sha256() == ""

    def test_the_first_update_of_a_node_in_a_round_is_kept(self, tmp_path: Path) -> None:
        store, learn_id = self.make(tmp_path), _learning().learn_id
        self.added(store, _learning())
        wanted = [
            RoundUpdate(node_id=node, round=number, n_samples=60, metrics={"auc": 0.75})
            for number in (1, 2)
            for node in sorted(_NODES)
        ]
        for update in reversed(wanted):
            assert store.learning.add_update(learn_id, update)
        assert not store.learning.add_update(learn_id, replace(wanted[0], metrics={}))
        found = store.learning.find(learn_id)
        assert found is not None
        assert list(found.updates) == wanted

    def test_runs_are_found_by_their_inputs(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        a, b = self.added(store, _learning()).sites
        store.learning.note_inputs(b.use_id, ["ab" * 32, "cd" * 32])
        store.learning.note_inputs(a.use_id, ["ab" * 32])
        store.learning.note_inputs(a.use_id, ["ab" * 32])
        assert list(store.learning.uses_with_input("ab" * 32)) == sorted([a.use_id, b.use_id])
        assert list(store.learning.uses_with_input("cd" * 32)) == [b.use_id]
        assert list(store.learning.uses_with_input("ef" * 32)) == []
