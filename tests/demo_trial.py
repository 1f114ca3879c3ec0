"""The demonstration in a test: its hub and nodes as programs, and every byte between them kept."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import tessera
from tessera.bootstrap.demo import SITES, Demo, Servers
from tessera.domain.cohort.result import SearchResult
from tessera.testing.identity_forms import byte_forms


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Wire:
    """A relay between nodes and hub which keeps every byte in both directions."""

    def __init__(self, target: int, record: Path) -> None:
        self.port = free_port()
        self._target, self._record = target, record
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                with self._lock, self._record.open("ab") as file:
                    file.write(data)
                other.sendall(data)
        except OSError:
            pass
        finally:
            one.close()
            other.close()

    def close(self) -> None:
        self._listener.close()


@dataclass(frozen=True)
class Whole:
    """The running whole: hub, three nodes, and what was said on the way."""

    demo: Demo
    servers: Servers
    said: list[str]
    wire: Path
    outside: Demo
    """The demonstration as people and nodes see it: their way to the hub is recorded."""

    def search(self, query: str, *, wait_s: float = 20) -> SearchResult:
        with tessera.Client(self.demo.url) as client:
            return client.search(query, wait_s=wait_s)


@contextmanager
def running_whole(home: Path, n_patients: int) -> Iterator[Whole]:
    """Prepare three hospitals in `home`, start everything and let the nodes join."""
    said: list[str] = []
    demo = Demo(home, n_patients, free_port(), said.append)
    record = home / "wire.bin"
    with Servers(demo) as servers:
        demo.prepare()
        servers.start_hub()
        wire = Wire(demo.port, record)
        outside = replace(demo, port=wire.port)
        outside.join()
        servers.start_nodes()
        yield Whole(demo, servers, said, record, outside)
        wire.close()


def planted(demo: Demo) -> list[str]:
    """Return every identity of the three hospitals that is long enough to be looked for.

    Short runs of digits stand in long random numbers by chance. The place is public (it is
    the node's name), and so is the word hospital.
    """
    public = {word for site in SITES for word in site.name.split()} | {"Hospital"}
    found: set[str] = set()
    for site in SITES:
        truth = json.loads((demo.pacs(site) / "truth.json").read_text(encoding="utf-8"))
        for patient in truth["patients"]:
            for identity in patient["identities"]:
                value = str(identity["value"])
                if identity["kind"] == "institution":
                    found.update(w for w in re.split(r"[\s,]+", value) if w not in public)
                else:
                    found.add(value)
    digits = re.compile(r"[\d\s-]{1,7}")
    return sorted(v for v in found if not digits.fullmatch(v) and list(byte_forms(v)))
