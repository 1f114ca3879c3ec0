"""Wire a node's permits: HOME/access, the home's key and the pinned hub."""

import getpass
from pathlib import Path

from tessera.adapters.access import FolderToolShelf, SqliteOutbox, SqlitePermitRecords
from tessera.adapters.files.tool_folder import write_tool
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import node_audit
from tessera.bootstrap.datasets import dataset_store
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import NodeSettings, open_node
from tessera.domain.access.tool import ToolBundle
from tessera.domain.errors import Conflict
from tessera.node.countersigning import Countersigning
from tessera.node.permits import PermitBook
from tessera.node.reports import Reports
from tessera.ports.hub_link import HubPin


def permit_book(home: Path) -> PermitBook:
    """Return the permits of a node. Raises NotFound, and Conflict when it has no hub."""
    NodeSettings.load(home)
    folder = LinkFolder(home / "link")
    return PermitBook(
        node_id=_pinned(folder, home).node_id,
        hub_keys=lambda: _pinned(folder, home).keys,
        records=SqlitePermitRecords(_database(home)),
        tools=FolderToolShelf(home / "access" / "tools"),
        signer=KeyFolder(folder.key_file),
        verifier=Ed25519Verifier(),
        audit=node_audit(home),
        clock=SystemClock(),
    )


def countersigning(home: Path) -> Countersigning:
    """Return what a person at the node looks at and decides with. Raises as `permit_book`."""
    return Countersigning(
        book=permit_book(home),
        store=dataset_store(open_node(home)),
        exclusions=exclusions_of(home),
    )


def reports_of(home: Path) -> Reports:
    """Return what the node has to tell its hub; the running node sends it."""
    return Reports(outbox=outbox_of(home))


def outbox_of(home: Path) -> SqliteOutbox:
    return SqliteOutbox(_database(home))


def unpack_tool(bundle: ToolBundle, folder: Path) -> None:
    """Write a tool's files into a new folder, for a person to read. Raises Conflict."""
    if folder.exists():
        raise Conflict(f"{folder} is there already; name a new folder")
    write_tool(bundle, folder)


def account() -> str:
    """Return the account that the command runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "unknown"


def _pinned(folder: LinkFolder, home: Path) -> HubPin:
    pin = folder.pin()
    if pin is None:
        raise Conflict(
            f"the node in {home} has not joined a hub; use `tessera node join {home} URL CODE`"
        )
    return pin


def _database(home: Path) -> Path:
    return home / "access" / "permits.sqlite"
