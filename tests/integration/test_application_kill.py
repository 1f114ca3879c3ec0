"""The hub is killed outright while a permit is on its way: it comes, and it comes once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.access.application_commands import Conclude, Grant
from tests.accounts_trial import register_key
from tests.application_trial import LINKOPING, PROSTATE, application_trial

_PROGRAM = """
import os, signal, sys
from pathlib import Path
from tessera.domain.access.application_commands import Conclude
from tests.application_trial import application_trial

with application_trial(Path(sys.argv[1])) as world:
    store, hub = world.trial.store, world.trial.hub
    real = store.applications.append

    def append(events, *, expected):
        noted = type(events[0].what).__name__ == "PermitIssued"
        if noted and sys.argv[3] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(events, expected=expected)
        if (noted or type(events[0].what).__name__ == "Concluded") and sys.argv[3] != "before":
            if noted == (sys.argv[3] == "after"):
                os.kill(os.getpid(), signal.SIGKILL)

    store.applications.append = append
    hub.negotiating.step(world.people["carl"], sys.argv[2], Conclude())
"""
"""Killed before the note, after it, or in the middle of the transaction that concludes."""


@pytest.mark.parametrize("moment", ["before", "after", "concluding"])
def test_a_killed_hub_issues_the_permit_once(tmp_path: Path, moment: str) -> None:
    with application_trial(tmp_path) as world:
        key = Ed25519Signer.create(tmp_path / "anna.key")
        register_key(world.trial.hub.accounts, world.people["anna"], key)
        state = world.deciding()
        grant = Grant(LINKOPING, PROSTATE)
        world.trial.hub.negotiating.step(world.people["hedda"], state.application_id, grant)
    words = [sys.executable, "-c", _PROGRAM, str(tmp_path), state.application_id, moment]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        words, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    with application_trial(tmp_path) as world:
        negotiating = world.trial.hub.negotiating
        negotiating.start()
        if moment == "concluding":
            # The step was not whole, so it has not happened; it can be taken again.
            assert negotiating.find(world.people["anna"], state.application_id).permit_id == ""
            negotiating.step(world.people["carl"], state.application_id, Conclude())
        after = negotiating.find(world.people["anna"], state.application_id)
        (held,) = world.trial.hub.permits.public()
        assert held.permit.permit_id == after.permit_id
        assert world.trial.store.tasks.n_open(LINKOPING) == 1
        assert negotiating.start() == 0
