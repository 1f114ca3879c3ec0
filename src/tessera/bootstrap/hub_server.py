"""Serve a hub: the web application over HTTP, until a signal."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import uvicorn

from tessera.adapters.files.open_files import room_for
from tessera.bootstrap.access_log import WithoutCodes
from tessera.bootstrap.hub import DEFAULT_HOST, DEFAULT_PORT, HubSettings, open_hub
from tessera.bootstrap.hub_harvest import HarvestSchedule
from tessera.bootstrap.hub_tables import tables_of
from tessera.bootstrap.hub_tls import LOOK_S, Tls
from tessera.bootstrap.learning import conducting_of
from tessera.domain.errors import Unavailable
from tessera.http.app import create_app
from tessera.http.trainings import Trainings

_log = logging.getLogger(__name__)
_CONNECTIONS: Final = 10_000
"""Wanted at a time: each node has one or two. What the system lets a process open is taken; more
get 503."""
_KEPT_S: Final = 60
"""A node keeps its connections between two polls and answers."""
_STOP_S: Final = 2
"""How long requests under way may take after a stop."""


def run_hub(
    home: Path,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    access_log: bool = False,
    tls: Tls | None = None,
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve the hub until SIGTERM or SIGINT. Port 0 takes a free one; `on_ready` gets its URL.

    Without `tls` it speaks plain HTTP: then a proxy with TLS belongs before it.
    """
    with open_hub(home) as (hub, store):
        harvest = HarvestSchedule(home, store)
        hub.negotiating.start()
        settings = HubSettings.load(home)
        conducting = conducting_of(
            home,
            hub.learnings,
            url=settings.url,
            host=settings.learning_host,
            port=settings.learning_port,
            wait_s=settings.learning_wait_seconds,
        )
        listening = _listen(host, port)
        if tls is None and not ip_address(listening.getsockname()[0]).is_loopback:
            _log.warning(
                "without TLS, beyond this machine: give --tls-certificate and --tls-key, "
                "or let a proxy with TLS alone reach port %d",
                listening.getsockname()[1],
            )
        shown = f"[{host}]" if ":" in host else host
        url = f"{'https' if tls else 'http'}://{shown}:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            create_app(
                hub,
                hub.reception.receive,
                accounts=hub.accounts,
                access=hub.access,
                negotiating=hub.negotiating,
                public=hub.register,
                standings=hub.standings,
                saved=hub.cohorts,
                tables=tables_of(home),
                trainings=Trainings(learnings=hub.learnings, models=hub.models, access=hub.access),
            ),
            access_log=access_log,
            log_config=None,
            lifespan="off",
            server_header=False,
            limit_concurrency=room_for(_CONNECTIONS),
            timeout_graceful_shutdown=_STOP_S,
            timeout_keep_alive=_KEPT_S,
            ssl_context_factory=tls.as_factory if tls else None,
        )
        server = _Server(config, hub.stop, lambda: on_ready(url), tls)
        logging.getLogger("uvicorn").setLevel(logging.INFO if access_log else logging.WARNING)
        logging.getLogger("uvicorn.access").addFilter(WithoutCodes())
        conducting.start()
        harvest.start()
        try:
            runner = asyncio.Runner(loop_factory=config.get_loop_factory())
            with listening, runner:
                runner.run(server.serve(sockets=[listening]))
        finally:
            harvest.close()
            conducting.close()


class _Server(uvicorn.Server):
    """Ends the long polls before it waits for open requests."""

    def __init__(
        self,
        config: uvicorn.Config,
        stop: Callable[[], None],
        ready: Callable[[], None],
        tls: Tls | None,
    ) -> None:
        super().__init__(config)
        self._tls = tls
        self._stop_waiting = stop
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if self._tls and counter % (10 * LOOK_S) == 0:
            self._tls.look()
        return await super().on_tick(counter)

    def _stop(self) -> None:
        self.should_exit = True
        self._stop_waiting()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends without delay only where the protocol is named.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as err:
        listening.close()
        raise Unavailable(f"cannot listen on {host} port {port}: {err.strerror}") from err
    return listening
