"""Wiring of a node's link to its hub."""

import asyncio
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tessera import __version__
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import node_audit, write_down
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.gate import gate_of
from tessera.bootstrap.node import NodeSettings
from tessera.domain.audit.events import joined_hub
from tessera.domain.catalogue.description import DatasetDescription
from tessera.domain.catalogue.notice import Notice
from tessera.domain.errors import Conflict
from tessera.domain.zones import Released
from tessera.node import link as node_link
from tessera.node.link import NodeLink
from tessera.node.link_key import LinkKey
from tessera.ports.hub_link import HubPin
from tessera.ports.renewal import signed_renewal
from tessera.wire.keys import InviteCode, Keys
from tessera.wire.messages import StatusReply

SOFTWARE = f"tessera {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What `tessera node join` has to tell."""

    pin: HubPin
    fingerprint: str
    """Of the node's key; the hub's operator compares it before approving."""


def join_hub(home: Path, hub_url: str, code: str, *, new_key: bool = False) -> Joined:
    """Make the node's key pair and join. Raises Refused with the cause, Unavailable, Conflict.

    `new_key`: join the same hub anew, by an invite for this node, with another key.
    """
    from tessera.adapters.link.http_link import HttpLink

    settings = NodeSettings.load(home)
    invite = InviteCode.parse(code)
    folder = LinkFolder(home / "link")

    async def joining() -> Joined:
        async with HttpLink(hub_url) as link:
            ring = _ring(folder)
            is_again = folder.pin() is not None and new_key
            signer = ring.prepare() if is_again else ring
            pin = await node_link.join(
                code=invite,
                hub_url=hub_url.rstrip("/"),
                name=settings.name,
                country=settings.country,
                software=SOFTWARE,
                records=folder,
                link=link,
                signer=signer,
                verifier=Ed25519Verifier(),
                clock=SystemClock(),
                is_again=is_again,
            )
            write_down(home, joined_hub(pin.node_id, pin.hub_key.fingerprint))
            if is_again:
                at = SystemClock().now()
                ring.adopt(
                    signed_renewal(ring, signer, party=pin.node_id, at=at), keeps_former=False
                )
            return Joined(pin=pin, fingerprint=signer.public_key.fingerprint)

    return asyncio.run(joining())


def _ring(folder: LinkFolder) -> KeyFolder:
    path = folder.key_file
    return KeyFolder(path) if path.exists() else KeyFolder.create(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKeysHere:
    """What `tessera node link-key show` has to tell."""

    own: Keys
    hub: Keys
    is_prepared: bool
    """A renewal has begun and is not done."""


def link_keys(home: Path) -> LinkKeysHere:
    """Return the keys of the link as they are pinned here. Raises Conflict without a hub."""
    folder, pin = _require_joined(home)
    ring = KeyFolder(folder.key_file)
    return LinkKeysHere(own=ring.keys(), hub=pin.keys, is_prepared=ring.is_prepared())


def renew_link_key(home: Path) -> str:
    """Renew the node's key at its hub and return the new fingerprint.

    Raises Unavailable, Refused, Conflict: then the former key goes on.
    """

    async def renewing() -> str:
        async with _open_link(home) as (link, folder):
            return (await LinkKey(link=link, ring=KeyFolder(folder.key_file)).renew()).fingerprint

    return asyncio.run(renewing())


def hub_pin(home: Path) -> HubPin | None:
    """Return the hub that this node has joined, without asking it."""
    return LinkFolder(home / "link").pin() if (home / "link").exists() else None


def hub_status(home: Path) -> StatusReply:
    """Ask the hub how this node stands. Raises Unavailable, Refused."""

    async def asking() -> StatusReply:
        async with _open_link(home) as (link, _):
            return await link.status()

    return asyncio.run(asking())


def publish_dataset(home: Path, released: Released[DatasetDescription]) -> None:
    """Send a description to the hub; from then on the node answers for that version.

    Raises Unavailable, or NodePending: then it is kept, and `run_node` sends it later. Raises
    Refused, Conflict or InvalidInput when the hub does not want it.
    """
    description = released.value
    version_folder = f"research/datasets/{description.dataset_id}/v{description.version}"

    async def publishing() -> None:
        async with _open_link(home) as (link, folder):
            await node_link.publish(link, folder, released, version_folder)

    asyncio.run(publishing())


def give_notice(home: Path, notice: Notice) -> None:
    """Confirm or withdraw a published dataset. Raises as `publish_dataset`."""

    async def giving() -> None:
        async with _open_link(home) as (link, folder):
            await node_link.give_notice(link, folder, notice)

    asyncio.run(giving())


def run_node(home: Path, on_ready: Callable[[HubPin], None] = lambda pin: None) -> None:
    """Answer the hub's queries until SIGTERM or SIGINT. Raises Conflict when it runs already."""
    from tessera.adapters.columns.engine import ColumnCohortEngine
    from tessera.bootstrap.tasks import Running, served, task_handlers
    from tessera.node.link_loop import LinkLoop

    settings = NodeSettings.load(home)
    gate = gate_of(home, settings)

    async def running() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        engine = ColumnCohortEngine(home / "research" / "datasets")
        async with _open_link(home) as (link, folder):
            node = Running.of(home, link)
            loop = LinkLoop(
                home=home,
                link=link,
                records=folder,
                engine=engine,
                gate=gate,
                exclusions=exclusions_of(home),
                tasks=task_handlers(node),
                link_key=LinkKey(link=link, ring=KeyFolder(folder.key_file)),
            )
            on_ready(link.pin)
            async with served(node):
                await loop.run(stop)
        engine.close()

    _require_joined(home)
    with _only_one(LinkFolder(home / "link").lock_file):
        asyncio.run(running())


@asynccontextmanager
async def _open_link(home: Path) -> AsyncIterator[tuple[NodeLink, LinkFolder]]:
    from tessera.adapters.link.http_link import HttpLink

    folder, pin = _require_joined(home)
    async with HttpLink(pin.hub_url) as http:
        link = NodeLink(
            records=folder,
            link=http,
            signer=KeyFolder(folder.key_file),
            verifier=Ed25519Verifier(),
            clock=SystemClock(),
            software=SOFTWARE,
            audit=node_audit(home),
        )
        yield link, folder


def _require_joined(home: Path) -> tuple[LinkFolder, HubPin]:
    folder = LinkFolder(home / "link")
    pin = folder.pin()
    if pin is None:
        raise Conflict(
            f"the node in {home} has not joined a hub; use `tessera node join {home} URL CODE`"
        )
    return folder, pin


@contextmanager
def _only_one(lock_file: Path) -> Iterator[None]:
    """Hold the lock that keeps two processes from running one node's link."""
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        os.close(descriptor)
        raise Conflict("this node is running already") from err
    try:
        yield
    finally:
        os.close(descriptor)
