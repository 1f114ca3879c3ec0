"""Wire the viewer: install its package, and serve its pages with DICOMweb on this computer."""

import secrets
import socket
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from tessera.adapters.system_clock import SystemClock
from tessera.adapters.viewer.package import (
    PINNED,
    SOURCE,
    check_package,
    fetch_package,
    installed_folder,
    is_installed,
    unpack,
)
from tessera.bootstrap.dicomweb import NodeDicomWeb, server_for
from tessera.bootstrap.node import Node
from tessera.bootstrap.similar import patient_of
from tessera.http.viewer.app import create_viewer

VERSION = f"{PINNED.name} {PINNED.version}"
__all__ = ["SOURCE", "VERSION", "install_viewer", "serve_viewer", "viewer_of"]


def install_viewer(
    node: Node,
    *,
    file: Path | None = None,
    source: str = SOURCE,
    tell: Callable[[int, int], None] = lambda _n, _all: None,
) -> Path:
    """Fetch the pinned package, or take the file; check and unpack it; return its folder.

    Raises InvalidInput when it is another package, NotFound, and Unavailable.
    """
    if file is not None:
        check_package(file)
        return unpack(file, node.home)
    with tempfile.TemporaryDirectory(prefix=".viewer-", dir=node.home) as folder:
        fetched = Path(folder, "package.tgz")
        fetch_package(source, fetched, tell=tell)
        check_package(fetched)
        return unpack(fetched, node.home)


def viewer_of(node: Node, service: NodeDicomWeb, key: str) -> ASGIApp:
    """Return the application for one node, opened by `key`."""
    folder = installed_folder(node.home) if is_installed(node.home) else None
    return create_viewer(
        service,
        folder,
        key=key,
        name=node.settings.name,
        now=SystemClock().now,
        describe=lambda subject: patient_of(node, subject),
    )


def serve_viewer(node: Node, *, port: int, tell: Callable[[str], None], browser: bool) -> None:
    """Serve until stopped, to this computer alone; tell the address, which holds the key."""
    key = secrets.token_urlsafe(24)
    service = NodeDicomWeb(node)
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/?key={key}"
        tell(address)
        if browser:
            webbrowser.open(address)
        with service.keeping_up():
            server_for(viewer_of(node, service, key)).run(sockets=[listening])
