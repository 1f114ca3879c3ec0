"""The specification of FederationServer and FederationClient, as tests to inherit.

Nodes are real processes; behind each a real bridge on a Unix socket. Nothing may be left over.
"""

import io
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
import zipfile
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tessera.domain.errors import Unavailable
from tessera.domain.ids import NodeId
from tessera.domain.learning.aggregate import weighted_mean
from tessera.ports.federation import (
    FederationClient,
    FederationPlan,
    FederationServer,
    SiteUpdate,
    Trained,
)
from tessera.wire.frames import Arrays, Frame, arrays_to, read_frame, write_frame

A, B = NodeId("node-a"), NodeId("node-b")
LEFTOVERS_S = 30.0
CLIENT_ENDS_S = 60.0


def first_weights() -> Arrays:
    """Return a model with two arrays of different shape and type."""
    return {
        "layer.weight": np.array([[0.25, -1.5], [3.0, 7.125]], np.float32),
        "layer.bias": np.array([1e-9, 1.0, 2.0], np.float64),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """What a node does in a round: add `step` to every weight."""

    step: float
    n_samples: int
    pauses_in: int = 0
    """The round in which it waits until the test ends; 0 is never."""
    refuses_in: int = 0

    def trained(self, weights: Arrays) -> Arrays:
        return {n: (a + np.asarray(self.step, a.dtype)).astype(a.dtype) for n, a in weights.items()}


@dataclass
class Bridge:
    """The node's end of the socket. It runs in a thread, and remembers what it was asked."""

    path: Path
    trainer: Trainer
    asked: list[tuple[str, object]] = field(default_factory=list)
    final: Arrays | None = None
    is_paused: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def open(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen()
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
        return listener

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError):  # the client may be killed meanwhile
                self._serve_one(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        with (
            connection,
            connection.makefile("rb") as reader,
            connection.makefile("wb") as writer,
        ):
            asked = read_frame(reader)
            if asked is not None:
                write_frame(writer, self._answer(asked))

    def _answer(self, asked: Frame) -> Frame:
        number = asked.header.get("round", asked.header.get("rounds"))
        self.asked.append((asked.type, number))
        if asked.type == "begin":
            return Frame({"type": "weights"}, arrays_to(first_weights()))
        if asked.type == "final":
            self.final = asked.arrays()
            return Frame({"type": "kept"})
        if number == self.trainer.refuses_in:
            return Frame({"type": "refused"})
        if number == self.trainer.pauses_in:
            self.is_paused.set()
            self.released.wait(120)
        new = self.trainer.trained(asked.arrays())
        header = {
            "type": "update",
            "n_samples": self.trainer.n_samples,
            "metrics": {"loss": self.trainer.step / 2, "round": number},
        }
        return Frame(header, arrays_to(new))


@dataclass
class Site:
    """A node in the test: bridge and client process."""

    bridge: Bridge
    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> int:
        """Return the client's exit code; it has to end by itself."""
        return self.process.wait(CLIENT_ENDS_S)


@dataclass
class Run:
    """A server's `run` in a thread."""

    heard: list[SiteUpdate] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    outcome: Trained | Exception | None = None

    def wait_until(self, event: threading.Event) -> None:
        """Return when `event` is set; fail at once when the run has ended instead."""
        until = time.monotonic() + 60
        while not event.wait(0.1):
            assert self.outcome is None, self.outcome
            assert time.monotonic() < until

    def start(self, call: Callable[["Run"], Trained]) -> threading.Thread:
        def work() -> None:
            try:
                self.outcome = call(self)
            except Exception as err:  # looked at by the test
                self.outcome = err

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


def make_plan(**changes: int) -> FederationPlan:
    given = {"rounds": 3, "min_nodes": 2, "round_s": 60} | changes
    return FederationPlan(learn_id=str(uuid.uuid4()), nodes=(A, B), **given)


def unpack(kit: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(kit)) as archive:
        archive.extractall(folder)
    return folder


def processes_about(folder: Path) -> list[str]:
    """Return the command lines of processes that name `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def expected(initial: Arrays, trainers: Sequence[Trainer], rounds: int) -> Arrays:
    """Return the weights after `rounds`, computed here by the pure mean."""
    weights = initial
    for _ in range(rounds):
        weights = weighted_mean([(t.n_samples, t.trained(weights)) for t in trainers])
    return weights


def assert_same(found: Arrays | None, wanted: Arrays) -> None:
    assert found is not None
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


TRAINERS: Mapping[NodeId, Trainer] = {
    A: Trainer(step=1.0, n_samples=10),
    B: Trainer(step=-0.3, n_samples=37),
}


class FederationContract:
    """`make_server` gives a node 60 s to come and calls it gone after at most 10 s of silence;
    a client of `make_client` ends within 20 s when its server is gone.
    """

    @abstractmethod
    def make_server(self, *, join_s: float = 60.0, port: int = 0) -> FederationServer: ...

    @abstractmethod
    def make_client(self) -> FederationClient: ...

    @contextmanager
    def sites(
        self, folder: Path, kits: Mapping[NodeId, bytes], trainers: Mapping[NodeId, Trainer]
    ) -> Iterator[dict[NodeId, Site]]:
        """Start the clients; in the end everything must be gone by itself."""
        made: dict[NodeId, Site] = {}
        listeners: list[socket.socket] = []
        temporary = folder / "tmp"
        temporary.mkdir()
        try:
            for node, trainer in trainers.items():
                bridge = Bridge(folder / f"{node}.sock", trainer)
                listeners.append(bridge.open())
                log = folder / f"{node}.log"
                with log.open("wb") as output:
                    process = subprocess.Popen(
                        self.make_client().command(unpack(kits[node], folder / node), bridge.path),
                        env={**os.environ, "TMPDIR": str(temporary)},
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                made[node] = Site(bridge, process, log)
            yield made
            until = time.monotonic() + LEFTOVERS_S
            while (left := processes_about(folder)) and time.monotonic() < until:
                time.sleep(0.1)
            assert left == []
        finally:
            for site in made.values():
                site.bridge.released.set()
                site.process.kill()
                site.process.wait()
            for listener in listeners:
                listener.close()

    @pytest.mark.slow
    def test_the_model_is_the_weighted_mean_of_the_updates(self, tmp_path: Path) -> None:
        server, plan = self.make_server(), make_plan()
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        run = Run()
        initial: Arrays = {
            "w": np.linspace(-3, 3, 7, dtype=np.float32),
            "n": np.array([5], np.int64),
        }
        with self.sites(tmp_path, kits, TRAINERS) as sites:
            trained = server.run(plan, tmp_path / "hub", initial, run.heard.append, lambda: False)
            assert {node: site.ended() for node, site in sites.items()} == {A: 0, B: 0}
        wanted = expected(initial, [TRAINERS[A], TRAINERS[B]], plan.rounds)
        assert_same(trained.weights, wanted)
        assert trained.rounds == 3
        assert list(trained.updates) == run.heard
        assert {(u.node_id, u.round) for u in run.heard} == {
            (node, number) for node in (A, B) for number in (1, 2, 3)
        }
        for update in run.heard:
            trainer = TRAINERS[update.node_id]
            assert update.n_samples == trainer.n_samples
            assert update.metrics == {"loss": trainer.step / 2, "round": update.round}
        for site in sites.values():
            assert site.bridge.asked == [("train", 1), ("train", 2), ("train", 3), ("final", 3)]
            assert_same(site.bridge.final, wanted)

    @pytest.mark.slow
    def test_without_weights_the_nodes_are_asked_and_one_may_leave(self, tmp_path: Path) -> None:
        server, plan = self.make_server(), make_plan(min_nodes=1)
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        trainers = {A: TRAINERS[A], B: Trainer(step=-0.3, n_samples=37, pauses_in=2)}
        run = Run()
        with self.sites(tmp_path, kits, trainers) as sites:
            thread = run.start(
                lambda r: server.run(plan, tmp_path / "hub", None, r.heard.append, r.stop.is_set)
            )
            run.wait_until(sites[B].bridge.is_paused)
            sites[B].process.send_signal(signal.SIGKILL)
            thread.join(60)
            assert isinstance(run.outcome, Trained), run.outcome
            assert sites[A].ended() == 0
        both, alone = [TRAINERS[A], TRAINERS[B]], [TRAINERS[A]]
        wanted = expected(expected(first_weights(), both, 1), alone, 2)
        assert_same(run.outcome.weights, wanted)
        assert [(u.node_id, u.round) for u in run.heard] == [(A, 1), (B, 1), (A, 2), (A, 3)]
        assert sites[A].bridge.asked[0] == ("begin", None)

    @pytest.mark.slow
    def test_too_few_nodes_left_end_it_and_are_named(self, tmp_path: Path) -> None:
        server, plan = self.make_server(), make_plan()
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        trainers = {A: TRAINERS[A], B: Trainer(step=1.0, n_samples=1, pauses_in=1)}
        run = Run()
        with self.sites(tmp_path, kits, trainers) as sites:
            thread = run.start(
                lambda r: server.run(plan, tmp_path / "hub", None, r.heard.append, r.stop.is_set)
            )
            run.wait_until(sites[B].bridge.is_paused)
            sites[B].process.send_signal(signal.SIGKILL)
            thread.join(60)
            assert isinstance(run.outcome, Unavailable), run.outcome
            assert "round 1" in str(run.outcome)
            assert B in str(run.outcome)
            assert sites[A].ended() != 0

    @pytest.mark.slow
    def test_a_node_that_refuses_ends_it_and_is_named(self, tmp_path: Path) -> None:
        server, plan = self.make_server(), make_plan()
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        trainers = {A: TRAINERS[A], B: Trainer(step=1.0, n_samples=1, refuses_in=2)}
        heard: list[SiteUpdate] = []
        with self.sites(tmp_path, kits, trainers) as sites:
            with pytest.raises(Unavailable, match=r"round 2: .*node-b"):
                server.run(plan, tmp_path / "hub", None, heard.append, lambda: False)
            assert sites[B].ended() != 0
            assert sites[A].ended() != 0
        assert [(u.node_id, u.round) for u in heard] == [(A, 1), (B, 1), (A, 2)]

    @pytest.mark.slow
    def test_stop_ends_everything_within_seconds(self, tmp_path: Path) -> None:
        server, plan = self.make_server(), make_plan()
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        trainers = {A: TRAINERS[A], B: Trainer(step=1.0, n_samples=1, pauses_in=2)}
        run = Run()
        with self.sites(tmp_path, kits, trainers) as sites:
            thread = run.start(
                lambda r: server.run(plan, tmp_path / "hub", None, r.heard.append, r.stop.is_set)
            )
            run.wait_until(sites[B].bridge.is_paused)
            run.stop.set()
            stopped = time.monotonic()
            thread.join(30)
            assert time.monotonic() - stopped < 10  # two, and the rest for a busy machine
            assert isinstance(run.outcome, Unavailable), run.outcome
            assert processes_about(tmp_path / "hub") == []
            assert all(site.ended() != 0 for site in sites.values())

    @pytest.mark.slow
    def test_a_kit_of_another_training_is_refused_and_enough_others_start(
        self, tmp_path: Path
    ) -> None:
        other, plan = self.make_server(), make_plan(min_nodes=1, rounds=1)
        stolen = other.provision(make_plan(), tmp_path / "other", host="127.0.0.1")
        server = self.make_server(join_s=5.0, port=self.port_in(stolen[A]))
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        began = time.monotonic()
        with self.sites(tmp_path, {A: stolen[A], B: kits[B]}, TRAINERS) as sites:
            trained = server.run(plan, tmp_path / "hub", None, lambda _: None, lambda: False)
            assert time.monotonic() - began < plan.round_s  # nobody waits for the other
            assert sites[A].ended() != 0
            assert sites[B].ended() == 0
        assert sites[A].bridge.asked == []
        assert_same(trained.weights, expected(first_weights(), [TRAINERS[B]], 1))

    def test_nodes_that_do_not_come_are_named(self, tmp_path: Path) -> None:
        server, plan = self.make_server(join_s=0.5), make_plan()
        server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        with pytest.raises(Unavailable, match="not here: node-a, node-b"):
            server.run(plan, tmp_path / "hub", None, lambda _: None, lambda: False)
        assert processes_about(tmp_path) == []

    @abstractmethod
    def port_in(self, kit: bytes) -> int:
        """Return the server's port that a kit names."""

    def test_kits_are_the_same_when_asked_again_and_hold_no_other_key(self, tmp_path: Path) -> None:
        server, plan = self.make_server(), make_plan()
        kits = server.provision(plan, tmp_path / "hub", host="127.0.0.1")
        assert server.provision(plan, tmp_path / "hub", host="127.0.0.1") == kits
        assert kits.keys() == {A, B}
        keys = [p for p in (tmp_path / "hub").rglob("*") if p.suffix in {".key", ".zip"}]
        assert keys
        assert {p.stat().st_mode & 0o777 for p in keys} == {0o600}
        private = [n for kit in kits.values() for n in _private_keys(kit)]
        assert len(private) == len(set(private)) == 2


def _private_keys(kit: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(kit)) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    return [content for content in contents if b"PRIVATE" in content]
