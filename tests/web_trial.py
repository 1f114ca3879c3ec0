"""A node with a few instances, and its DICOMweb on a real socket."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tessera.bootstrap.dicomweb import NodeDicomWeb, add_key, dicomweb_of, server_for
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node

OPERATOR = "the-operator-of-this-node"


@dataclass(frozen=True, slots=True)
class Served:
    node: Node
    service: NodeDicomWeb
    base: str
    key: str

    def client(self, key: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.Client(headers=headers, base_url=self.base, trust_env=False)


def make_node(folder: Path, files: Sequence[Path] | Path) -> Node:
    """Return a new node that has taken these in and described them."""
    settings = NodeSettings(name="Node", country="SE")
    node = init_node(folder / "home", settings, vault_key=str(folder / "vault.key"))
    paths = [files] if isinstance(files, Path) else list(files)
    for _ in ingest_sources(node, list_sources(paths), workers=1):
        pass
    return node


@contextmanager
def served(node: Node) -> Iterator[Served]:
    """Serve a node's DICOMweb; the key sees all and may store."""
    service = NodeDicomWeb(node)
    for _ in service.describe():
        pass
    key = add_key(node, "all", days=1, sees_all=True, may_store=True)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = server_for(dicomweb_of(service, operator_key=OPERATOR))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield Served(node, service, f"http://127.0.0.1:{port}/dicom-web", key)
        finally:
            server.should_exit = True
            thread.join(10)
