"""A node that receives, as a process of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tessera.bootstrap.node import Node, open_node

PROGRAM = "from tessera.cli import main; main()"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def set_in(home: Path, **settings: object) -> None:
    """Change settings in node.toml; values as TOML writes them."""
    lines = (home / "node.toml").read_text("utf-8").splitlines()
    kept = [line for line in lines if line.split(" = ")[0] not in settings]
    kept += [f"{name} = {value}" for name, value in settings.items()]
    (home / "node.toml").write_text("\n".join(kept) + "\n", "utf-8")


def command(home: Path) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "node", "receive", str(home)]


def start(home: Path) -> subprocess.Popen[str]:
    """Start it and wait until it listens. It is a group of processes of its own."""
    process = subprocess.Popen(
        command(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert "receives at port" in process.stdout.readline()
    return process


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """End the node; SIGKILL goes to all of its processes at once."""
    if number == signal.SIGKILL:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.stdout is not None
    process.stdout.close()
    return process.wait(30)


@contextmanager
def receiving_node(home: Path) -> Iterator[Node]:
    process = start(home)
    try:
        yield open_node(home)
    finally:
        code = end(process)
    assert code == 0
