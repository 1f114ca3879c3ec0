"""The bwrap command for one tool: what it sees of the machine, and that is all there is."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tessera.adapters.bubblewrap.python_place import PythonPlace
from tessera.domain.access.tool import Limits
from tessera.domain.errors import InvalidInput
from tessera.ports.sandbox import SandboxRequest

INSIDE_UID: Final = 1000
RUNNER: Final = "/run/tessera/runner.py"
MB: Final = 1_000_000
_INSIDE = re.compile(r"/[a-z][a-z0-9_-]{0,30}(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,80}){0,5}")
_TAKEN: Final = frozenset(
    "bin dev etc lib lib32 lib64 libx32 out proc run sys tmp tool usr".split()
)
_DATA: Final = frozenset({"data", "inputs"})
_SYSTEM: Final = frozenset("etc lib lib32 lib64 libx32 usr".split())
"""What everybody on a machine can read anyway."""
_SHM_MB: Final = 64
_MOST_TMP_MB: Final = 1024
_CERTIFICATES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
_MOST_THREADS: Final = 4
MADE_UP: Final[Mapping[str, str]] = {
    "/etc/passwd": f"tool:x:{INSIDE_UID}:{INSIDE_UID}::/tmp:/nowhere\n",
    "/etc/group": f"tool:x:{INSIDE_UID}:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
}
"""The whole of /etc, but for what the network needs."""


def checked(request: SandboxRequest) -> SandboxRequest:
    """Return `request`. Raises InvalidInput, naming what is wrong in it."""
    if not (request.program / request.entry).is_file():
        raise InvalidInput(f"the tool has no file {request.entry!r}")
    for inside, outside in (*request.mounts.items(), *request.sockets.items()):
        if not _INSIDE.fullmatch(inside) or (inside in request.mounts and _first(inside) in _TAKEN):
            raise InvalidInput(f"{inside!r}: not a place for a mount in the sandbox")
        if not outside.exists():
            raise InvalidInput(f"{inside}: what is to be mounted there does not exist")
    if request.has_network and any(_first(inside) in _DATA for inside in request.mounts):
        raise InvalidInput("data or network, never both")
    return request


def tmp_bytes(limits: Limits) -> int:
    """Return the size of /tmp: a quarter of the memory, since it is memory."""
    return min(limits.memory_mb // 4 + 1, _MOST_TMP_MB) * MB


@dataclass(frozen=True, slots=True)
class Staging:
    """Where bwrap finds what it shows: where it is, or where root staged it for it."""

    folder: str | None
    places: dict[str, str] = field(default_factory=dict)
    """What lies outside → where it was staged."""

    def of(self, path: Path, *, is_system: bool = False) -> str:
        outside = str(path.resolve())
        if self.folder is None or (is_system and _first(outside) in _SYSTEM):
            return outside
        return self.places.setdefault(outside, f"{self.folder}/{len(self.places)}")


def arguments(
    request: SandboxRequest,
    place: PythonPlace,
    runner: Path,
    folders: tuple[Path, ...],
    made_up: Mapping[str, int],
    staging: Staging,
) -> list[str]:
    """Return the arguments of bwrap up to the command. `made_up`: path inside → descriptor."""
    return [
        *("--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL"),
        *(("--share-net",) if request.has_network else ()),
        *("--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", "sandbox"),
        *("--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"),
        # first, since the environment of Python may lie in /tmp itself
        *_tmpfs("/tmp", tmp_bytes(request.limits)),  # noqa: S108
        *_python(place, folders, staging),
        *("--ro-bind", staging.of(runner), RUNNER),
        *("--ro-bind", staging.of(request.program), "/tool"),
        *_each(request.mounts, staging),
        *_each(request.sockets, staging),
        *(part for inside, fd in made_up.items() for part in ("--file", str(fd), inside)),
        *(_network() if request.has_network else ()),
        *("--proc", "/proc", "--remount-ro", "/proc"),
        *("--dev", "/dev", *_tmpfs("/dev/shm", _SHM_MB * MB), "--remount-ro", "/dev"),  # noqa: S108
        *_tmpfs("/out", (request.limits.output_mb + 1) * MB),
        *("--remount-ro", "/", "--chdir", "/tmp"),  # noqa: S108
        *_environment(request, folders),
    ]


def _first(inside: str) -> str:
    return inside.split("/")[1]


def _tmpfs(inside: str, n_bytes: int) -> tuple[str, ...]:
    return ("--perms", "0700", "--size", str(n_bytes), "--tmpfs", inside)


def _each(places: Mapping[str, Path], staging: Staging) -> Iterator[str]:
    for inside, outside in sorted(places.items()):
        yield from ("--ro-bind", staging.of(outside), inside)


def _python(place: PythonPlace, folders: tuple[Path, ...], staging: Staging) -> Iterator[str]:
    for path in (*place.shown, *folders):
        yield from ("--ro-bind", staging.of(path, is_system=True), str(path))
    for text, path in place.links:
        yield from ("--symlink", text, str(path))


def _network() -> Iterator[str]:
    resolver = Path("/etc/resolv.conf").resolve()
    if resolver.is_file():
        yield from ("--ro-bind", str(resolver), "/etc/resolv.conf")
    for text in _CERTIFICATES:
        if Path(text).is_file():
            yield from ("--ro-bind", str(Path(text).resolve()), text)


def _environment(request: SandboxRequest, folders: tuple[Path, ...]) -> Iterator[str]:
    threads = str(max(1, min(os.cpu_count() or 1, _MOST_THREADS, request.limits.processes // 2)))
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
    given = {
        "HOME": "/tmp",  # noqa: S108 - of the sandbox
        "LANG": "C.UTF-8",
        "PATH": "/nowhere",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": "UTC",
        **{f"{name}_NUM_THREADS": threads for name in names},
        **({} if request.has_channel else {"PYTHONUNBUFFERED": "1"}),
        **({"PYTHONPATH": ":".join(map(str, folders))} if folders else {}),
        **request.environment,
    }
    for name, value in sorted(given.items()):
        yield from ("--setenv", name, value)
