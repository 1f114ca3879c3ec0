"""Wire the fetching of studies from an archive."""

import fcntl
import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from tessera.adapters.pacs.address import PacsAddress
from tessera.adapters.pacs.scu import PynetdicomPacs
from tessera.adapters.sqlite_node.pulls import SqlitePullBook
from tessera.bootstrap.node import Node
from tessera.bootstrap.receive import arrivals_of, only_receiver, received_folder, take_in_waiting
from tessera.domain.deid.deidentified import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from tessera.domain.errors import Conflict, InvalidInput, InvalidSettings
from tessera.node.pull import Hours, PullPace, keys_of, pull
from tessera.ports.pacs import Kind, PullRequest, PullStudy


def pacs_address(node: Node, name: str) -> PacsAddress:
    """Return the archive of that name, or the first one. Raises InvalidSettings."""
    known = [PacsAddress.parse(text) for text in node.settings.dicom_pacs]
    if not known:
        raise InvalidSettings(
            f"dicom_pacs is not set in {node.home / 'node.toml'}; for example "
            '["ARCHIVE@pacs.example.org:104"]'
        )
    for one in known:
        if name in ("", one.name):
            return one
    raise InvalidSettings(
        f"dicom_pacs has no {name!r:.40}; it has {', '.join(p.name for p in known)}"
    )


def pull_book(node: Node, pacs: PacsAddress) -> SqlitePullBook:
    return SqlitePullBook(node.identified / "pulls.sqlite", pacs.name)


def requests_in(kind: Kind, file: Path) -> list[PullRequest]:
    """Read a list, one value in a line and "#" before remarks, or a query file: TOML with
    tables `[[query]]`.

    Raises InvalidInput, which names the line.
    """
    text = file.read_text("utf-8-sig")
    if kind is Kind.QUERY:
        return _queries(file, text)
    requests = []
    for number, line in enumerate(text.splitlines(), 1):
        value = line.partition("#")[0].strip()
        if not value:
            continue
        request = PullRequest(kind=kind, value=value)
        try:
            keys_of(request)
        except InvalidInput as err:
            raise InvalidInput(f"{file}, line {number}: {err}") from err
        requests.append(request)
    return requests


def _queries(file: Path, text: str) -> list[PullRequest]:
    try:
        tables = tomllib.loads(text).get("query", [])
    except tomllib.TOMLDecodeError as err:
        raise InvalidInput(f"{file} is not valid TOML: {err}") from err
    if not isinstance(tables, list) or not tables or not all(tables):
        raise InvalidInput(f"{file}: give each query as a table [[query]] with at least one key")
    return [
        PullRequest(kind=Kind.QUERY, value=json.dumps(table, sort_keys=True)) for table in tables
    ]


def run_pull(
    node: Node,
    pacs: PacsAddress,
    *,
    method: str = "auto",
    between: str = "",
    per_second: float = 0.0,
) -> Iterator[PullRequest | PullStudy]:
    """Fetch what waits; see `tessera.node.pull.pull`. Then take it in, unless a receiver does.

    Raises Conflict when another fetch runs at this node.
    """
    settings = node.settings
    pace = PullPace(
        hours=Hours.parse(between) if between else None,
        per_second=per_second,
        local_time=lambda: datetime.now().astimezone(),
    )
    with _only_one(node.identified / "pull.lock"):
        archive = PynetdicomPacs(
            pacs,
            our_title=settings.dicom_ae_title,
            implementation=(IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION.decode().strip()),
            folder=received_folder(node.home),
            book=arrivals_of(node.home),
            free_bytes=settings.dicom_free_mb << 20,
            method=method,
        )
        try:
            yield from pull(pull_book(node, pacs), archive, pace)
        finally:
            with suppress(Conflict), only_receiver(node):
                take_in_waiting(node)


def add_requests(node: Node, pacs: PacsAddress, requests: Sequence[PullRequest]) -> int:
    """Write requests down; return how many are new."""
    return pull_book(node, pacs).add(requests)


@contextmanager
def _only_one(lock_file: Path) -> Iterator[None]:
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as err:
        raise Conflict("another fetch is running at this node; wait for it") from err
    finally:
        os.close(descriptor)
