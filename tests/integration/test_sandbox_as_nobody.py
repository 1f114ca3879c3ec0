"""What holds as root holds for a user without rights: the same tests, run as nobody."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65_534
REPO = Path(__file__).parents[2]
SYSTEM_PYTHON = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
CHOSEN = (
    "comes_back or read_and_not_written or both_ways or memory_and_output"
    " or host_can_be_read or nothing_is_inherited or cannot_be_ended or no_privilege"
    " or fork_bomb_stays or many or ignores_every_signal or node_is_killed or unix_socket"
)

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="not root: the other tests run so already"),
    pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason=f"{SYSTEM_PYTHON} is absent"),
]


@pytest.fixture
def python() -> Iterator[Path]:
    """Yield an environment that nobody can run, with the packages of this one."""
    with tempfile.TemporaryDirectory(prefix="tessera-nobody-") as text:
        folder = Path(text)
        subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", folder / "v"], check=True)
        (packages,) = (folder / "v" / "lib").glob("python3.*/site-packages")
        packages.rmdir()
        packages.symlink_to(sysconfig.get_paths()["purelib"])
        os.chown(folder, NOBODY, NOBODY)
        yield folder / "v" / "bin" / "python"


def as_nobody(python: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [python, "-B", *arguments],
        cwd=REPO,
        env={"HOME": str(python.parents[2]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )


def test_the_sandbox_holds_for_a_user_without_rights(python: Path) -> None:
    if as_nobody(python, "-c", "import tessera, numpy, pytest").returncode:
        pytest.skip("nobody can read neither this source nor its packages")
    done = as_nobody(
        python,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHOSEN),
        f"--basetemp={python.parents[2] / 't'}",
        "tests/contract/test_sandbox_bubblewrap.py",
        "tests/integration/test_sandbox_attacks.py",
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "skipped" not in done.stdout
