"""The specification of the stores of permits, tools, runs and tasks, for any implementation."""

from abc import abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from tessera.domain.access.permit import (
    AccessMode,
    Action,
    Permit,
    PermittedDataset,
    PermittedPerson,
    PermittedTool,
)
from tessera.domain.access.tool import OutputKind, ToolBundle, tool_bundle
from tessera.domain.ids import DatasetId, NodeId
from tessera.ports.access_records import TaskRecord
from tessera.ports.hub_store import HubStore
from tessera.wire.runs import ListedTool, PermitAtNode, PermitState, Run
from tessera.wire.tasks import DeliveredPart, RunState

_NOW = datetime(2026, 3, 5, 14, 7, 1, 250, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_ANNA, _BO = (str(UUID(int=n)) for n in (1, 2))


def _tool(name: str = "counts") -> ToolBundle:
    manifest = f'name = "{name}"\nversion = "1.0"\ntitle = "Counts"\n'
    manifest += '[entries]\nrun = "main.py"\n[outputs]\n"counts.json" = "aggregate"\n'
    return tool_bundle({"tool.toml": manifest.encode(), "main.py": b"print(1)\n"})


def _permit(n: int = 10, person_id: str = _ANNA) -> Permit:
    tool = _tool()
    return Permit(
        permit_id=str(UUID(int=n)),
        application_id=str(UUID(int=100 + n)),
        title=f"Project {n}",
        purpose="To see whether it can be seen.",
        duo=("DUO_0000042",),
        persons=(
            PermittedPerson(
                person_id=person_id, name="Anna Ek", organisation="Uppsala", keys=("I" * 43,)
            ),
        ),
        datasets=tuple(
            PermittedDataset(
                node_id=NodeId(name),
                dataset_id=DatasetId("prostate-mr"),
                version=2,
                manifest_sha256="ab" * 32,
            )
            for name in ("valencia", "linkoping")
        ),
        modes=frozenset({AccessMode.RUN}),
        tools=(PermittedTool(name=tool.name, version=tool.version, digest=tool.digest),),
        outputs=frozenset({OutputKind.AGGREGATE}),
        issued_at=_NOW + n * _SECOND,
        starts=_NOW,
        ends=_NOW + timedelta(days=30),
    )


def _at(node: str, state: PermitState = PermitState.SENT, detail: str = "") -> PermitAtNode:
    return PermitAtNode(node_id=NodeId(node), state=state, at=_NOW, detail=detail)


def _run(n: int = 50, permit: int = 10) -> Run:
    return Run(
        use_id=str(UUID(int=n)),
        permit_id=str(UUID(int=permit)),
        node_id=NodeId("linkoping"),
        person_id=_ANNA,
        action=Action.RUN,
        tool=_tool().digest,
        datasets=((DatasetId("prostate-mr"), 2),),
        asked_at=_NOW + n * _SECOND,
        state=RunState.WAITING,
        changed_at=_NOW,
    )


def _part(n: int, data: bytes, whole: bytes, use: int = 50) -> DeliveredPart:
    return DeliveredPart(
        use_id=str(UUID(int=use)),
        name="counts.json",
        kind="aggregate",
        sha256=sha256(whole).hexdigest(),
        part=n,
        n_parts=2,
        data=data,
    )


class AccessRecordsContract:
    @abstractmethod
    def make(self, folder: Path) -> HubStore:
        """Open the store in `folder`; a second one there sees what the first has done."""

    def put(self, store: HubStore, n: int, node: str = "linkoping", size: int = 0) -> str:
        task = TaskRecord(
            task_id=str(UUID(int=n)),
            node_id=NodeId(node),
            kind="use",
            body='{"x":"' + "x" * size + '"}',
            subject="s",
        )
        store.tasks.put(task, _NOW)
        return task.task_id

    def take(self, store: HubStore, after_s: int = 0, max_bytes: int = 1000) -> list[str]:
        now = _NOW + after_s * _SECOND
        taken = store.tasks.take(
            "linkoping", given_before=now - 30 * _SECOND, now=now, max_bytes=max_bytes
        )
        return [task.task_id for task in taken]

    def test_tasks_are_given_in_order_and_again_until_done(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        first, second = self.put(store, 9), self.put(store, 3)
        self.put(store, 4, node="valencia")
        assert self.take(store) == [first, second]
        assert self.take(store, 29) == []
        assert self.take(self.make(tmp_path), 31) == [first, second]
        done = store.tasks.done("linkoping", first, _NOW)
        assert done is not None and (done.task_id, done.subject) == (first, "s")
        assert store.tasks.done("linkoping", first, _NOW) is None
        assert store.tasks.done("valencia", second, _NOW) is None
        assert self.take(store, 62) == [second]
        assert store.tasks.n_open("linkoping") == 1

    def test_a_new_task_never_overtakes_one_that_may_be_lost(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        first = self.put(store, 1)
        assert self.take(store) == [first]
        second = self.put(store, 2)
        assert self.take(store, 1) == [first, second]

    def test_one_reply_holds_so_many_bytes_and_at_least_one_task(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        large, small, last = (
            self.put(store, n, size=s) for n, s in ((1, 5000), (2, 600), (3, 600))
        )
        assert self.take(store) == [large]
        assert self.take(store, 1) == []
        store.tasks.done("linkoping", large, _NOW)
        assert self.take(store, 2) == [small]
        store.tasks.done("linkoping", small, _NOW)
        assert self.take(store, 3) == [last]

    def test_a_permit_is_added_once_and_found_by_its_persons(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        nodes = [_at("valencia"), _at("linkoping")]
        assert store.permits.add(_permit(10), "a.b.c", nodes)
        assert not store.permits.add(_permit(10, _BO), "d.e.f", [])
        assert store.permits.add(_permit(11), "g.h.i", nodes)
        held = store.permits.find(str(UUID(int=10)))
        assert held is not None
        assert (held.permit, held.token, list(held.nodes)) == (_permit(10), "a.b.c", nodes)
        assert [one.permit.title for one in store.permits.for_person(_ANNA)] == [
            "Project 11",
            "Project 10",
        ]
        assert store.permits.for_person(_BO) == []
        assert len(store.permits.all()) == 2
        assert store.permits.find("nothing") is None

    def test_a_permit_keeps_what_nodes_say_and_ends_once(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        permit_id = _permit().permit_id
        store.permits.add(_permit(), "a.b.c", [_at("valencia"), _at("linkoping")])
        signed = _at("linkoping", PermitState.COUNTERSIGNED)
        assert store.permits.set_at_node(permit_id, signed, "x.y.z")
        assert not store.permits.set_at_node(permit_id, _at("uppsala"))
        gone = _at("linkoping", PermitState.REVOKED, "over")
        assert store.permits.set_at_node(permit_id, gone)
        assert store.permits.countersignature(permit_id, "linkoping") == "x.y.z"
        assert store.permits.countersignature(permit_id, "valencia") == ""
        assert store.permits.revoke(permit_id, _NOW, "why")
        assert not store.permits.revoke(permit_id, _NOW + _SECOND, "again")
        held = self.make(tmp_path).permits.find(permit_id)
        assert held is not None
        assert held.nodes == (_at("valencia"), gone)
        assert (held.revoked_at, held.revoked_reason) == (_NOW, "why")

    def test_a_tool_is_kept_by_its_digest(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        tool = _tool()
        assert store.tools.add(tool, _ANNA, _NOW)
        assert not store.tools.add(tool, _BO, _NOW + _SECOND)
        assert store.tools.add(_tool("other"), _ANNA, _NOW + _SECOND)
        assert store.tools.find(tool.digest) == tool
        assert store.tools.listed(tool.digest) == ListedTool.of(tool, _NOW)
        assert [one.name for one in store.tools.all()] == ["other", "counts"]
        assert (store.tools.n_of(_ANNA), store.tools.n_of(_BO)) == (2, 0)
        assert store.tools.find("sha256:" + "0" * 64) is None

    def test_a_run_is_added_once_and_keeps_its_last_state(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        for n in (10, 11):
            store.permits.add(_permit(n), "a.b.c", [])
        run = _run()
        assert store.runs.add(run)
        assert not store.runs.add(replace(run, person_id=_BO))
        store.runs.add(_run(51, permit=11))
        assert store.runs.find(run.use_id) == run
        store.runs.set_state(run.use_id, RunState.RUNNING, _NOW + _SECOND, "half")
        assert store.runs.ask_stop(run.use_id, _NOW)
        assert not store.runs.ask_stop(run.use_id, _NOW + _SECOND)
        found = self.make(tmp_path).runs.find(run.use_id)
        assert found == replace(
            run,
            state=RunState.RUNNING,
            changed_at=_NOW + _SECOND,
            detail="half",
            stop_asked_at=_NOW,
        )
        assert [r.use_id for r in store.runs.for_permits([_permit(11).permit_id])] == [
            _run(51).use_id
        ]
        assert store.runs.for_permits([]) == []
        assert [r.use_id for r in store.runs.all()] == [_run(51).use_id, run.use_id]
        assert (store.runs.n_open(run.person_id), store.runs.n_open(_BO)) == (2, 0)
        store.runs.set_state(run.use_id, RunState.STOPPED, _NOW + _SECOND, "")
        assert store.runs.n_open(run.person_id) == 1

    def test_a_file_comes_in_parts_in_any_order(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.permits.add(_permit(), "a.b.c", [])
        store.runs.add(_run())
        use_id, whole = _run().use_id, b"one two"
        assert store.runs.add_part(_part(1, b" two", whole))
        assert not store.runs.add_part(_part(1, b" two", whole))
        assert store.runs.n_parts(use_id, "counts.json") == (1, 2)
        assert store.runs.add_part(_part(0, b"one", whole))
        assert store.runs.n_parts(use_id, "counts.json") == (2, 2)
        assert b"".join(store.runs.parts(use_id, "counts.json")) == whole
        assert store.runs.n_bytes(use_id) == 7
        store.runs.close_file(use_id, "counts.json", is_whole=True)
        found = self.make(tmp_path).runs.find(use_id)
        assert found is not None
        (file,) = found.files
        assert (file.is_whole, file.n_bytes, file.kind) == (True, 7, OutputKind.AGGREGATE)

    def test_a_file_that_is_wrong_is_dropped_with_its_parts(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.permits.add(_permit(), "a.b.c", [])
        store.runs.add(_run())
        store.runs.add_part(_part(0, b"one", b""))
        store.runs.close_file(_run().use_id, "counts.json", is_whole=False)
        found = store.runs.find(_run().use_id)
        assert found is not None and found.files == ()
        assert store.runs.n_bytes(_run().use_id) == 0
        assert store.runs.n_parts(_run().use_id, "counts.json") == (0, 0)

    def test_the_announcement_of_a_release_is_kept(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        store.permits.add(_permit(), "a.b.c", [])
        store.runs.add(_run())
        assert store.runs.announced(_run().use_id) is None
        store.runs.announce(_run().use_id, ["counts.json"])
        assert self.make(tmp_path).runs.announced(_run().use_id) == ("counts.json",)
