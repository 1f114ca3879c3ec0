"""FederationServer on FLARE: provisioning and the server are processes of their own."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tessera.adapters.nvflare import layout
from tessera.domain.errors import Conflict, InvalidInput, Unavailable
from tessera.domain.ids import NodeId
from tessera.ports.federation import FederationPlan, SiteUpdate, Trained
from tessera.wire.frames import Arrays, arrays_from, arrays_to

_CHECK_S: Final = 0.1
_PROVISION_S: Final = 180
_STOP_S: Final = 1.5
"""Time for the nodes to hear that it is over."""
_SLACK_S: Final = 120.0
"""Of the one deadline over all: starting, deploying, the final model."""
_LOG: Final = "server.log"
_RUN_FILES: Final = (layout.INITIAL, layout.UPDATES, layout.FINAL, layout.ENDED, layout.STOP)
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NvflareServer:
    """One server process for each training. It ends with the hub."""

    port: int = 0
    """TCP port at which nodes reach the server; 0 takes a free one when provisioning."""
    join_s: float = 600.0
    """How long nodes may take to come; then `min_nodes` are enough. Seconds."""
    silent_s: float = 60.0
    """A node that is silent for so long has left. Seconds."""

    def provision(
        self, plan: FederationPlan, workdir: Path, *, host: str
    ) -> Mapping[NodeId, bytes]:
        """Return each node's kit; asked again for the same, the same kits.

        `host` is a DNS name or an IPv4 address. Raises InvalidInput, Unavailable (FLARE is not
        installed), Conflict (`workdir` belongs to another training).
        """
        _check(plan, host)
        about = {"learn_id": plan.learn_id, "nodes": list(plan.nodes), "host": host}
        workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _provisioned(workdir)
        if made is None:
            port = self.port or _free_port()
            _provision(workdir, {**about, "port": port})
            layout.write_whole(
                workdir / "provisioned.json", json.dumps({**about, "port": port}).encode()
            )
        elif {name: made[name] for name in about} != about:
            raise Conflict("this folder is provisioned for another training")
        return {node: (workdir / "kits" / f"{node}.zip").read_bytes() for node in plan.nodes}

    def run(
        self,
        plan: FederationPlan,
        workdir: Path,
        initial: Arrays | None,
        on_update: Callable[[SiteUpdate], None],
        is_stopped: Callable[[], bool],
    ) -> Trained:
        """Train as the port says; one deadline over all, from the plan's times."""
        made = _provisioned(workdir)
        if made is None or made["learn_id"] != plan.learn_id:
            raise Conflict("this folder is not provisioned for this training")
        self._prepare(plan, workdir, made, initial)
        until = time.monotonic() + self.join_s + (plan.rounds + 1) * plan.round_s + _SLACK_S
        heard = _Updates(workdir / layout.UPDATES)
        with (workdir / _LOG).open("wb") as log:
            process = _start(workdir, log)
            try:
                while (ended := layout.read_ended(workdir)) is None:
                    heard.tell(on_update)
                    if is_stopped():
                        layout.write_whole(workdir / layout.STOP, b"")
                        _let_the_nodes_hear(process)
                        raise Unavailable("the training was stopped")
                    if process.poll() is not None:
                        raise Unavailable(_last_words(workdir, process.returncode))
                    if time.monotonic() > until:
                        raise Unavailable("the training did not end within its time")
                    time.sleep(_CHECK_S)
                heard.tell(on_update)
                reason, rounds = ended
                if reason:
                    _let_the_nodes_hear(process)
            finally:
                _kill(process)
        if reason:
            raise Unavailable(reason)
        weights = arrays_from((workdir / layout.FINAL).read_bytes())
        return Trained(weights=weights, rounds=rounds, updates=tuple(heard.updates))

    def _prepare(
        self,
        plan: FederationPlan,
        workdir: Path,
        made: Mapping[str, object],
        initial: Arrays | None,
    ) -> None:
        for name in _RUN_FILES:
            (workdir / name).unlink(missing_ok=True)
        if not _is_free(int(str(made["port"]))):
            raise Unavailable(f"port {made['port']} is in use; another training, or a program")
        if initial is not None:
            layout.write_whole(workdir / layout.INITIAL, arrays_to(initial))
        asked = {
            "nodes": list(plan.nodes),
            "rounds": plan.rounds,
            "min_nodes": plan.min_nodes,
            "round_s": plan.round_s,
            "host": made["host"],
            "port": made["port"],
            "join_s": self.join_s,
            "silent_s": self.silent_s,
        }
        layout.write_whole(workdir / layout.PLAN, json.dumps(asked).encode())


class _Updates:
    """Reads the lines that the job writes, each once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._n_read = 0
        self.updates: list[SiteUpdate] = []

    def tell(self, on_update: Callable[[SiteUpdate], None]) -> None:
        for found in self._new():
            self.updates.append(found)
            on_update(found)

    def _new(self) -> Iterator[SiteUpdate]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._n_read)
            whole, _, _ = file.read().rpartition(b"\n")
        for line in whole.splitlines(keepends=True):
            found = json.loads(line)
            yield SiteUpdate(
                node_id=NodeId(found["node_id"]),
                round=found["round"],
                n_samples=found["n_samples"],
                metrics=found["metrics"],
            )
        self._n_read += len(whole) + (1 if whole else 0)


def _check(plan: FederationPlan, host: str) -> None:
    if not _HOST.fullmatch(host):
        raise InvalidInput(f"host {host!r}: a DNS name or an IPv4 address")
    if len(set(plan.nodes)) != len(plan.nodes) or not 1 <= plan.min_nodes <= len(plan.nodes):
        raise InvalidInput("min_nodes lies between 1 and the number of different nodes")
    if plan.rounds < 1 or plan.round_s < 1:
        raise InvalidInput("rounds and round_s are at least 1")
    if layout.SERVER in plan.nodes or "server" in plan.nodes:
        raise InvalidInput(f"no node may be called {layout.SERVER!r} or 'server' in a training")


def _provisioned(workdir: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads((workdir / "provisioned.json").read_bytes())
    except FileNotFoundError:
        return None
    return found


def _provision(workdir: Path, asked: Mapping[str, object]) -> None:
    command = [sys.executable, "-m", "tessera.adapters.nvflare.provisioning", str(workdir)]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_PROVISION_S,
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise Unavailable(f"provisioning did not end within {_PROVISION_S} s") from err
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        missing = "; install the extra 'federated'" if "nvflare" in last else ""
        raise Unavailable(f"FLARE could not provision: {last}{missing}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _start(workdir: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tessera.adapters.nvflare.server_main"]
    command += [str(workdir), str(os.getpid())]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _let_the_nodes_hear(process: subprocess.Popen[bytes]) -> None:
    """Wait a little: the job's end tells its clients that it is over."""
    until = time.monotonic() + _STOP_S
    while time.monotonic() < until and process.poll() is None:
        time.sleep(_CHECK_S)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the server's process group and wait until its leader is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(workdir: Path, code: int) -> str:
    lines = (workdir / _LOG).read_text("utf-8", "replace").strip().splitlines()
    return f"the server's process ended (code {code}): {lines[-1] if lines else 'no reason given'}"
