"""Port: a place in which a permitted tool runs and from which nothing leaves but its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from tessera.domain.access.tool import Limits


class Ended(StrEnum):
    """How a run came to its end."""

    DONE = "done"
    FAILED = "failed"
    """The tool ended with another code than 0."""
    STOPPED = "stopped"
    """The node stopped it: permit revoked or run out, or a person did."""
    TOO_LONG = "too-long"
    TOO_MUCH_MEMORY = "too-much-memory"
    TOO_MUCH_OUTPUT = "too-much-output"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRequest:
    """What runs, and what it may see. Everything else of the machine is absent."""

    program: Path
    """Folder of the tool, read-only at /tool."""
    entry: str
    """The Python file in it."""
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Path inside (/data, /inputs) → folder outside, read-only."""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    has_channel: bool = False
    """stdin and stdout carry frames (`wire/frames.py`) instead of text."""
    sockets: Mapping[str, Path] = field(default_factory=dict)
    """Path inside → Unix socket outside. For an engine's client only."""
    has_network: bool = False
    """For an engine's client only, which then has no data: never with mounts of data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxResult:
    ended: Ended
    exit_code: int | None
    seconds: float
    outputs: Mapping[str, bytes]
    """Plain file name in /out → content; empty unless DONE."""
    log: str
    """The last part of stderr, and of stdout without a channel. It stays at the node."""
    peak_memory_bytes: int = 0


class SandboxRun(Protocol):
    """One running tool. It ends with the process that started it, whatever happens."""

    @property
    def stdin(self) -> IO[bytes]:
        """Return the channel to the tool."""
        ...

    @property
    def stdout(self) -> IO[bytes]:
        """Return the channel from the tool."""
        ...

    def is_running(self) -> bool: ...

    def stop(self) -> None:
        """Kill every process of it now. Safe from any thread, and more than once."""
        ...

    def wait(self) -> SandboxResult:
        """Return when it has ended, and close the channel: read it to its end before.

        Limits are watched from the start, also without `wait`.
        """
        ...


class Sandbox(Protocol):
    """Its implementations pass `tessera.testing.sandbox.SandboxContract`."""

    def start(self, request: SandboxRequest) -> SandboxRun:
        """Start a tool. Raises Unavailable when this machine cannot contain one, and says why."""
        ...
