"""The bubblewrap sandbox, against its specification."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tessera.adapters.bubblewrap import BubblewrapSandbox
from tessera.adapters.bubblewrap.cgroup import new_group, places
from tessera.domain.access.tool import Limits
from tessera.domain.errors import Unavailable
from tessera.testing.sandbox import SandboxContract

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


class TestBubblewrapSandbox(SandboxContract):
    def make(self) -> BubblewrapSandbox:
        return BubblewrapSandbox()


def test_without_bubblewrap_the_reason_is_told() -> None:
    with pytest.raises(Unavailable, match="apt-get install bubblewrap"):
        BubblewrapSandbox(program="bwrap-that-is-absent").available()


def own(folder: Path, text: str) -> Path:
    path = folder / "own"
    path.write_text(text)
    return path


def test_a_control_group_is_made_beside_or_below_that_of_the_node(tmp_path: Path) -> None:
    service = tmp_path / "system.slice" / "tessera.service"
    (service / "node").mkdir(parents=True)
    (service / "node" / "cgroup.subtree_control").write_text("")
    (service / "cgroup.subtree_control").write_text("cpu memory pids\n")
    delegated = own(tmp_path, "0::/system.slice/tessera.service/node\n")
    assert places(tmp_path, delegated) == (service,)
    (service / "cgroup.subtree_control").write_text("cpu\n")
    assert places(tmp_path, delegated) == ()
    old = own(tmp_path, "9:name=systemd:/\n8:pids:/a\n4:memory:/b/c\n0::/\n")
    assert places(tmp_path, old) == (tmp_path / "memory" / "b" / "c", tmp_path / "pids" / "a")


def test_a_group_without_limits_is_no_group(tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("memory pids")
    assert new_group(Limits(), root=tmp_path, own=own(tmp_path, "0::/\n")) is None
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


WITHOUT_NAMESPACES = """
import sys
from tessera.adapters.bubblewrap import BubblewrapSandbox
from tessera.domain.errors import Unavailable
try:
    BubblewrapSandbox().available()
except Unavailable as err:
    sys.exit(str(err))
"""


def test_where_user_namespaces_are_off_the_reason_is_told() -> None:
    off = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" -c "$1"'
    done = subprocess.run(
        [
            "unshare",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            off,
            sys.executable,
            WITHOUT_NAMESPACES,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no sandbox on this machine" in done.stderr
    assert "user namespaces are off for this user: allow bwrap in AppArmor" in done.stderr
