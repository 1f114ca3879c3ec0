"""Wire the endpoint for searches from outside (EUCAIM explorer, Beacon) over one node's home."""

import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from tessera.adapters.access_runs.rows import FolderRows
from tessera.adapters.columns.engine import ColumnCohortEngine
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import node_audit
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.gate import gate_of
from tessera.bootstrap.node import Node
from tessera.bootstrap.permits import permit_book
from tessera.bootstrap.published import PublishedHere
from tessera.domain.access.permit import PermitRefused, Reason
from tessera.domain.cohort.beacon import RecordSet
from tessera.domain.errors import InvalidInput
from tessera.http.beacon import Records
from tessera.http.explorer import create_outside
from tessera.node.outside import OutsideSearch
from tessera.node.record_desk import RecordDesk
from tessera.ports.cohort_engine import CohortEngine


def outside_search(node: Node, engine: CohortEngine) -> OutsideSearch:
    """Return the search over what the node has published at its hub."""
    here = PublishedHere(node.home)
    return OutsideSearch(
        name=node.settings.name,
        published=here.versions,
        described=here.described,
        engine=engine,
        gate=gate_of(node.home, node.settings),
        exclusions=exclusions_of(node.home),
        audit=node_audit(node.home),
        clock=SystemClock(),
    )


def records_of(node: Node, engine: CohortEngine) -> Records:
    """Return what tells records under a permit; a node without a hub has no permits."""
    if LinkFolder(node.home / "link").pin() is None:

        def nothing(*asked: object) -> list[RecordSet]:
            raise PermitRefused(Reason.UNKNOWN, "this node has joined no hub")

        return nothing
    desk = RecordDesk(
        book=permit_book(node.home),
        rows=FolderRows(node.home / "research" / "datasets"),
        engine=engine,
        exclusions=exclusions_of(node.home),
        audit=node_audit(node.home),
        clock=SystemClock(),
    )
    return desk.records


def token_of(file: Path) -> str:
    """Return the token in the file; make one, readable by its owner alone, if there is none.

    Raises InvalidInput when others can read it, or it is too short.
    """
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(opened, "w", encoding="ascii") as new:
            new.write(f"tsx_{secrets.token_urlsafe(32)}\n")
    if file.stat().st_mode & 0o077:
        raise InvalidInput(f"{file} can be read by others; chmod 600 {file}")
    token = file.read_text("utf-8").strip()
    if len(token) < 32:
        raise InvalidInput(f"{file} holds no token of at least 32 characters")
    return token


def serve_explorer(
    node: Node,
    *,
    token_file: Path,
    address: str,
    port: int,
    beacon_counts: bool,
    tell: Callable[[str], None],
) -> None:
    """Serve until stopped; tell the address. `beacon_counts`: see `http/beacon.py`."""
    token_of(token_file)
    engine = ColumnCohortEngine(node.home / "research" / "datasets")
    app = create_outside(
        outside_search(node, engine),
        lambda: token_of(token_file),
        records_of(node, engine),
        beacon_counts=beacon_counts,
    )
    serve(app, address=address, port=port, tell=tell)


def serve(app: Starlette, *, address: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until stopped; tell the address."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(128)  # whoever reads the address may connect at once
        name, number = listening.getsockname()[:2]
        tell(f"http://{name}:{number}/")
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])
