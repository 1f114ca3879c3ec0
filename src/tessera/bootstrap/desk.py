"""Wire the desk: the node's pages for the person who decides, on this computer alone."""

import secrets
import socket
import webbrowser
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from starlette.applications import Starlette

from tessera.adapters.files.header_compare import Line, compare_headers
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.node import Node
from tessera.bootstrap.pixels import decide, refuse, review_queue_of
from tessera.domain.deid.pixels.findings import Decision
from tessera.domain.errors import NotFound
from tessera.domain.ids import InstanceUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.http.desk import leaves, review
from tessera.http.desk.app import create_desk
from tessera.ports.ledger import LedgerEntry
from tessera.ports.review import Remembered, ReviewItem


class DeskReviews:
    """What the review pages ask for, over one node's home."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._queue = review_queue_of(node.home)

    def waiting(self) -> Sequence[ReviewItem]:
        return self._queue.waiting()

    def find(self, item_id: str) -> ReviewItem:
        return self._queue.find(item_id)

    def decide(self, item_id: str, decisions: Sequence[Decision], *, remember: bool) -> LedgerEntry:
        return decide(self._node, item_id, decisions, remember=remember)

    def refuse(self, item_id: str) -> LedgerEntry:
        return refuse(self._node, item_id)

    def remembered(self) -> Sequence[Remembered]:
        return self._queue.remembered()

    def forget(self, key: str) -> None:
        self._queue.forget(key)

    def now(self) -> datetime:
        return SystemClock().now()


class DeskLeaving:
    """What the pages "what leaves" ask for, over one node's home."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def samples(self) -> Sequence[InstanceRow]:
        of_series: dict[str, InstanceRow] = {}
        for row in islice(self._node.index.all(), _LOOKED_AT):
            of_series.setdefault(row.series_uid, row)
        return list(of_series.values())[:_SAMPLES]

    def original(self, instance_uid: str) -> Path | None:
        keys = self._node.ledger.stored([instance_uid])
        if instance_uid not in keys:
            raise NotFound("no stored instance has this UID")
        path = Path(keys[instance_uid])
        return path if path.is_file() else None

    def compare(self, instance_uid: str) -> Sequence[Line]:
        before = self.original(instance_uid)
        row = self._node.index.find([InstanceUid(instance_uid)])[InstanceUid(instance_uid)]
        if before is None:
            raise NotFound("the file that it was made of is not where it was taken from")
        return compare_headers(before, self._node.store.path(row.path))

    def now(self) -> datetime:
        return SystemClock().now()


_LOOKED_AT = 20_000
"""Rows of the index that are looked through for samples."""
_SAMPLES = 60


def desk_of(node: Node, key: str) -> Starlette:
    """Return the desk's application for one node, opened by `key`."""
    return create_desk(
        [*review.routes(DeskReviews(node)), *leaves.routes(DeskLeaving(node))],
        key=key,
        name=node.settings.name,
        now=SystemClock().now,
    )


def serve_desk(node: Node, *, port: int, tell: Callable[[str], None], browser: bool) -> None:
    """Serve the desk until it is stopped; tell its address, which holds the key."""
    import uvicorn

    key = secrets.token_urlsafe(24)
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(128)  # whoever reads the address may connect at once
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/?key={key}"
        tell(address)
        if browser:
            webbrowser.open(address)
        config = uvicorn.Config(desk_of(node, key), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])
