"""A series of more slices than a process may have files open is no reason to hold it."""

import subprocess
import sys

_WORDS = """
import os, resource
from tessera.adapters.files.open_files import room_for
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
room_for(min(700, hard - 300))
kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(min(700, hard - 300))]
room_for(10)
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= len(kept)
"""


def test_room_is_made_up_to_the_hard_limit_and_never_taken() -> None:
    done = subprocess.run([sys.executable, "-c", _WORDS], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
