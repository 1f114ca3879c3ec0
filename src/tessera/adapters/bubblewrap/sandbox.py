"""BubblewrapSandbox: builds the command, looks whether this machine can contain a tool at all."""

import os
import platform
import shutil
import tempfile
from pathlib import Path
from threading import Lock

from tessera.adapters.bubblewrap import command
from tessera.adapters.bubblewrap.python_place import python_place
from tessera.adapters.bubblewrap.run import BubblewrapRun, Start, descriptor_of
from tessera.adapters.bubblewrap.seccomp import filter_program
from tessera.adapters.bubblewrap.step_down import STAGE, is_needed
from tessera.domain.errors import Unavailable
from tessera.ports.sandbox import Ended, SandboxRequest

_RUNNER = Path(__file__).with_name("runner.py")


class BubblewrapSandbox:
    """Runs tools in bubblewrap. A Sandbox.

    `python_folders` are further folders of Python code that every tool of this sandbox can
    import (for an engine's client; a tool that was permitted by its digest needs none).
    Without `has_control_groups` only the limits that any user can set, and the watch, hold.
    """

    def __init__(
        self,
        *,
        program: str = "bwrap",
        python_folders: tuple[Path, ...] = (),
        has_control_groups: bool = True,
    ) -> None:
        self._program = program
        self._folders = tuple(folder.resolve() for folder in python_folders)
        self._has_groups = has_control_groups
        self._lock = Lock()
        self._is_probed = False

    def available(self) -> None:
        """Return when this machine can contain a tool. Raises Unavailable, and says why not."""
        with self._lock:
            if not self._is_probed:
                self._probe()
                self._is_probed = True

    def start(self, request: SandboxRequest) -> BubblewrapRun:
        """Start a tool. Raises Unavailable, InvalidInput."""
        self.available()
        return self._start(request)

    def _start(self, request: SandboxRequest) -> BubblewrapRun:
        request = command.checked(request)
        place = python_place()
        descriptors = {path: descriptor_of(text.encode()) for path, text in _etc(request).items()}
        program = filter_program(platform.machine(), has_network=request.has_network)
        try:
            staging = command.Staging(STAGE if is_needed() else None)
            line = [
                self._found(),
                *command.arguments(request, place, _RUNNER, self._folders, descriptors, staging),
            ]
            if program is not None:
                descriptors["seccomp"] = descriptor_of(program)
                line += ("--seccomp", str(descriptors["seccomp"]))
            return BubblewrapRun(
                Start(
                    request=request,
                    line=tuple(line),
                    staged=tuple(staging.places.items()),
                    python=str(place.executable),
                    plain_python=str(place.plain),
                    has_groups=self._has_groups,
                    descriptors=tuple(descriptors.values()),
                )
            )
        finally:
            for descriptor in descriptors.values():
                os.close(descriptor)

    def _found(self) -> str:
        found = shutil.which(self._program)
        if found is None:
            raise Unavailable("bubblewrap is not installed: apt-get install bubblewrap")
        return found

    def _probe(self) -> None:
        with tempfile.TemporaryDirectory(prefix="tessera-probe-") as folder:
            Path(folder).chmod(0o755)
            (Path(folder) / "probe.py").write_text("")
            try:
                result = self._start(SandboxRequest(program=Path(folder), entry="probe.py")).wait()
            except Unavailable as err:
                raise Unavailable(f"no sandbox on this machine: {_mend(str(err))}") from err
        if result.ended is not Ended.DONE:
            raise Unavailable(f"no sandbox on this machine: {_mend(result.log.strip()[-500:])}")


def _etc(request: SandboxRequest) -> dict[str, str]:
    made_up = dict(command.MADE_UP)
    if request.has_network:
        made_up["/etc/hosts"] = Path("/etc/hosts").read_text()
    return made_up


def _mend(text: str) -> str:
    if "namespace" in text or "uid map" in text:
        return (
            f"{text} (user namespaces are off for this user: allow bwrap in AppArmor, or set "
            "user.max_user_namespaces, kernel.unprivileged_userns_clone=1 or "
            "kernel.apparmor_restrict_unprivileged_userns=0)"
        )
    return text
