"""Node or hub is killed at every step of a renewal: one of the two keys, and it goes on.

A child process is killed by SIGKILL right before the n-th time that it opens, renames, links or
deletes a file of its home, or opens a connection; for every n until it comes to its end.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tessera.adapters.jose.key_folder import KeyFolder
from tessera.wire.envelope import OVERLAP
from tests.architecture.source import REPO
from tests.hub_trial import SetClock, TrialHub, pinned, served, trial_hub
from tests.link_key_trial import KeyedNode

CHILD = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from tests.hub_trial import SetClock, trial_hub
from tests.link_key_trial import KeyedNode

who, home, url = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
STEPS = {"open", "os.rename", "os.link", "os.remove", "os.truncate", "socket.connect"}


def work(n, clock):
    left = n

    def step(event, args):
        nonlocal left
        if event in STEPS and (event == "socket.connect" or str(home) in str(args[0])):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if who == "hub":
        with trial_hub(home) as trial:
            trial.clock.at = clock.at
            sys.addaudithook(step)
            trial.hub.link_keys.renew()
    else:
        node = KeyedNode(home, url, clock)
        sys.addaudithook(step)
        node.renew()


KeyedNode(home, url, SetClock())
for line in sys.stdin:
    n, passed_s = map(int, line.split())
    clock = SetClock()
    clock.pass_s(passed_s)
    pid = os.fork()
    if pid == 0:
        work(n, clock)
        os._exit(0)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
KILLED = 9


@contextmanager
def child(who: str, home: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    working = subprocess.Popen(
        [sys.executable, "-c", CHILD, who, str(home), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPO,
        text=True,
    )
    with working:
        yield working


def killed_at(working: "subprocess.Popen[str]", n: int, passed_s: int) -> bool:
    """Return whether the work was killed at step `n`; False when it came to its end."""
    assert working.stdin is not None and working.stdout is not None
    working.stdin.write(f"{n} {passed_s}\n")
    working.stdin.flush()
    status = int(working.stdout.readline())
    assert status in (0, KILLED)
    return status == KILLED


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[TrialHub, KeyedNode]]:
    with trial_hub(tmp_path / "hub") as trial, served(trial.hub) as url:
        home = tmp_path / "node"
        home.mkdir()
        pinned(home / "link", trial.signer.public_key)
        trial.joined(KeyFolder.create(home / "link" / "node.key"))
        yield trial, KeyedNode(home, url, trial.clock)


def test_a_node_that_is_killed_has_one_of_the_two_keys(hub: tuple[TrialHub, KeyedNode]) -> None:
    trial, node = hub
    seen: set[tuple[bool, bool]] = set()
    n = 0
    with child("node", node.home, node.url) as working:
        while killed_at(working, n, _passed_s(trial)):
            at_hub = trial.store.nodes.find("linkoping")
            assert at_hub is not None
            here = node.ring.public_key
            assert at_hub.keys.known(here.fingerprint) is not None or here == at_hub.public_key
            seen.add((node.ring.is_prepared(), here == at_hub.public_key))
            # The overlap may be over before anybody starts the node again.
            trial.clock.at += OVERLAP * 2
            node.finish()
            assert node.state() == "approved"
            at_hub = trial.store.nodes.find("linkoping")
            assert at_hub is not None and at_hub.public_key == node.ring.public_key
            assert not node.ring.is_prepared()
            n += 1
    # Killed before it began, with the next key made, and after the hub had pinned that.
    assert seen >= {(False, True), (True, True), (True, False)}
    assert n > 10
    assert all(one.event.event != "fork-seen" for one in trial.hub.reception.audit.entries())


def test_a_hub_that_is_killed_has_one_of_the_two_keys(hub: tuple[TrialHub, KeyedNode]) -> None:
    trial, node = hub
    before = [trial.signer.public_key]
    n = n_prepared = 0
    with child("hub", trial.signer.path.parent, "") as working:
        while killed_at(working, n, _passed_s(trial)):
            n_prepared += trial.signer.is_prepared()
            if trial.signer.public_key != before[-1]:
                before.append(trial.signer.public_key)
            # Whatever it was killed at, the node is answered, by the key of now.
            assert node.state() == "approved"
            pin = node.folder.pin()
            assert pin is not None and pin.hub_key == trial.signer.public_key
            n += 1
    assert n > 8
    assert n_prepared > 1
    assert not trial.signer.is_prepared()
    assert trial.signer.public_key != before[0]
    assert node.state() == "approved"
    # The former key answers what was addressed to it, for as long as it may.
    former = trial.signer.keys().former[-1]
    assert trial.signer.speaking(former.key.fingerprint, trial.clock.at) is not None
    trial.clock.at = former.until + OVERLAP
    assert trial.signer.speaking(former.key.fingerprint, trial.clock.at) is None


def _passed_s(trial: TrialHub) -> int:
    return round((trial.clock.at - SetClock().at).total_seconds())
