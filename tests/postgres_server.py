"""A real PostgreSQL of the test's own: started, stopped, started again, and gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pwd import getpwnam
from typing import Any

import pytest

_SETTINGS = (
    "listen_addresses=''",
    "fsync=off",
    "max_connections=30",
    "shared_buffers=16MB",
    "max_wal_senders=0",
    "wal_level=minimal",
    "lc_messages=C",
)


def _program(name: str) -> str:
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), ""
    )
    if not found:
        pytest.skip(f"no {name} on this machine: install PostgreSQL to run these tests")
    return found


@dataclass(frozen=True, slots=True)
class PostgresServer:
    folder: Path
    account: dict[str, Any]
    """What subprocess needs to run it as somebody who is not root."""

    @property
    def dsn(self) -> str:
        return f"host={self.folder} dbname=postgres user=tessera"

    def start(self) -> None:
        settings = [part for one in _SETTINGS for part in ("-c", one)]
        options = " ".join([*settings, f"-c unix_socket_directories={self.folder}"])
        self._control("start", "-o", options, "-l", str(self.folder / "log"))

    def stop(self, mode: str = "fast") -> None:
        """Stop it: "immediate" is what a lost power line does."""
        self._control("stop", "-m", mode)

    def _control(self, *words: str) -> None:
        subprocess.run(
            [_program("pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "30", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self.account,
        )


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Yield a server that is up; skip the test where PostgreSQL cannot run."""
    initdb = _program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="tessera-postgres-"))
    account: dict[str, Any] = {}
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            somebody = getpwnam("nobody")
            account = {"user": somebody.pw_uid, "group": somebody.pw_gid, "extra_groups": []}
            os.chown(folder, somebody.pw_uid, somebody.pw_gid)
        words = ["-A", "trust", "-U", "tessera", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [initdb, "-D", str(folder / "data"), *words],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **account,
        )
        server = PostgresServer(folder, account)
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
