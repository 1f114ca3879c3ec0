"""Wire the receiver of DICOM instances and the intake of what arrives."""

import asyncio
import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tessera.adapters.dimse.listener import Listener
from tessera.adapters.dimse.options import ReceiverOptions
from tessera.adapters.files.arrivals_folder import ArrivalsFolder
from tessera.adapters.sqlite_node.arrivals import SqliteArrivals
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.ingest import arrivals_executor, ingest_round
from tessera.bootstrap.node import Node, NodeSettings, open_node
from tessera.domain.audit.events import ingest_finished
from tessera.domain.deid.deidentified import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from tessera.domain.errors import Conflict, InvalidSettings, TesseraError
from tessera.domain.ids import Pseudonym
from tessera.node.arrivals import IntakeLoop
from tessera.ports.executor import Executor
from tessera.ports.ledger import LedgerEntry, SourceFile
from tessera.wire.dimse.negotiation import Caller

_log = logging.getLogger(__name__)
_MOST_PROCESSES: Final = 4
_AGAIN_S: Final = 10.0


def received_folder(home: Path) -> Path:
    return home / "identified" / "received"


def arrivals_of(home: Path) -> SqliteArrivals:
    return SqliteArrivals(home / "identified" / "arrivals.sqlite")


def receiver_options(home: Path, settings: NodeSettings) -> ReceiverOptions:
    """Return what the receiver of a node is told. Raises InvalidSettings."""
    return ReceiverOptions(
        folder=received_folder(home),
        book=home / "identified" / "arrivals.sqlite",
        title=settings.dicom_ae_title,
        callers=tuple(map(Caller.parse, settings.dicom_callers)),
        implementation_uid=IMPLEMENTATION_CLASS_UID,
        implementation_name=IMPLEMENTATION_VERSION.decode().strip(),
        address=settings.dicom_address,
        port=settings.dicom_port,
        processes=settings.dicom_processes or min(os.cpu_count() or 1, _MOST_PROCESSES),
        associations=settings.dicom_associations,
        sync=settings.dicom_sync,
        free_bytes=settings.dicom_free_mb << 20,
        idle_s=settings.dicom_idle_seconds,
        pdu_s=settings.dicom_pdu_seconds,
        certificate=_in_home(home, settings.dicom_tls_certificate),
        key=_in_home(home, settings.dicom_tls_key),
        clients=_in_home(home, settings.dicom_tls_clients),
    )


def receive(home: Path, on_ready: Callable[[str, int], None] = lambda title, port: None) -> None:
    """Receive and take in until SIGTERM or SIGINT.

    `on_ready` is told our title and port. Raises Conflict when it runs already or the port is
    taken, and InvalidSettings.
    """
    node = open_node(home)
    if not node.settings.dicom_port:
        raise InvalidSettings(
            f"dicom_port is not set: choose one in {home / 'node.toml'}, for example 11112"
        )
    options = receiver_options(node.home, node.settings)
    if not options.callers:
        _log.warning("dicom_callers is empty: every caller is refused")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with only_receiver(node):
        files = arrival_files(node)
        files.mend()
        intake = _NodeIntake(node)
        listener = Listener(options)
        try:
            on_ready(options.title, listener.open())
            IntakeLoop(
                files,
                intake,
                lambda counts: write_down(node.home, ingest_finished(counts)),
                stop.wait,
            ).run()
        finally:
            listener.close()
            intake.close()
            files.tidy()


def arrival_files(node: Node) -> ArrivalsFolder:
    keep = node.identified / "kept" if node.settings.dicom_keep else None
    return ArrivalsFolder(received_folder(node.home), lambda: arrivals_of(node.home), keep)


def take_in_waiting(node: Node) -> None:
    """Take in what waits now, once, and return; for a node that is not receiving."""
    files, intake = arrival_files(node), _NodeIntake(node)
    loop = IntakeLoop(
        files,
        intake,
        lambda counts: write_down(node.home, ingest_finished(counts)),
        lambda _s: True,
    )
    try:
        while loop.round():
            pass
        loop.run()
    finally:
        intake.close()


class _NodeIntake:
    """Ingests rounds with workers that are kept between them."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._executor: Executor | None = None
        self._excluded: frozenset[Pseudonym] = frozenset()

    def __call__(self, sources: Sequence[SourceFile]) -> Iterator[LedgerEntry | None]:
        excluded = frozenset(exclusions_of(self._node.home).excluded())
        if excluded != self._excluded:
            self.close()  # the workers were told another list: an opt-out counts at once
        if self._executor is None:
            self._executor, self._excluded = arrivals_executor(self._node), excluded
        try:
            yield from ingest_round(self._node, sources, self._executor)
        except TesseraError:
            self.close()
            raise

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()
            self._executor = None


async def keep_receiving(home: Path) -> None:
    """Run `tessera node receive` beside the node, and again when it ends before the node does."""
    if not NodeSettings.load(home).dicom_port:
        return
    program = "from tessera.cli import main; main()"
    command = [sys.executable, "-c", program, "node", "receive", str(home)]
    while True:
        child = await asyncio.create_subprocess_exec(*command, preexec_fn=_die_with_parent)
        try:
            code = await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
                await asyncio.shield(child.wait())
        _log.error("the receiver has ended (%s); it begins again in %.0f s", code, _AGAIN_S)
        await asyncio.sleep(_AGAIN_S)


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _in_home(home: Path, name: str) -> str:
    """Return a path of the settings; a relative one is from the home."""
    return str(home / name) if name else ""


@contextmanager
def only_receiver(node: Node) -> Iterator[None]:
    """Let one process at a time receive for a home. Raises Conflict."""
    lock_file = node.identified / "receive.lock"
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as err:
        raise Conflict("this node is receiving already") from err
    finally:
        os.close(descriptor)
