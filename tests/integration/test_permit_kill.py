"""A node that is killed while it takes in, countersigns, revokes and takes uses up."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tessera.adapters.access import SqlitePermitRecords
from tessera.domain.access.permit import Action, PermitRefused, Reason
from tessera.ports.permit_book import Verdict
from tests.architecture.source import REPO
from tests.permit_trial import PermitTrial

WORK = """
import sys
from pathlib import Path
from tessera.domain.access.permit import Action
from tests.permit_trial import PermitTrial
trial = PermitTrial(Path(sys.argv[1]))
print("begun", flush=True)
while True:
    permit, token = trial.in_force()
    trial.book.check(trial.use_token(trial.use(permit, token)), Action.RUN, task_id="t")
    trial.book.revoke_here(permit.permit_id, "over", "x")
"""


@pytest.mark.parametrize("seconds", [0.05, 0.21, 0.4, 0.63])
def test_a_kill_at_any_moment_leaves_nothing_half_done(tmp_path: Path, seconds: float) -> None:
    folder = tmp_path / "node"
    working = subprocess.Popen(
        [sys.executable, "-c", WORK, str(folder)], stdout=subprocess.PIPE, cwd=REPO
    )
    assert working.stdout is not None and working.stdout.readline() == b"begun\n"
    time.sleep(seconds)
    working.send_signal(signal.SIGKILL)
    working.wait(20)
    working.stdout.close()

    trial = PermitTrial(folder)
    kept = list(SqlitePermitRecords(trial.database).all())
    told = [event.event for event in trial.events()]
    said = []
    while waiting := trial.outbox.first():
        said += [str(one.body["kind"]) for one in waiting]
        trial.outbox.remove([one.number for one in waiting])
    decided = [one for one in kept if one.decision is not None]
    over = [one for one in kept if one.revoked is not None]
    # What is in the records was reported, and nothing else; what was granted was written down.
    assert (said.count("countersigned"), said.count("revoked")) == (len(decided), len(over))
    assert 0 <= told.count("permit-countersigned") - len(decided) <= 1
    assert 0 <= len(over) - told.count("permit-revoked") <= 1
    for one in over:
        assert trial.book.still_allowed(one.permit_id) is Reason.REVOKED
    for one in kept:
        if one.decision is None:  # killed before: the same command goes on
            trial.book.receive(one.token, [trial.tool])
            trial.desk.countersign(one.permit_id, "Data office")
        decision = trial.book.records.find(one.permit_id)
        assert decision is not None and decision.decision is not None
        assert decision.decision.verdict is Verdict.COUNTERSIGNED
    permit, token = trial.in_force()
    signed = trial.use_token(trial.use(permit, token))
    trial.book.check(signed, Action.RUN)
    with pytest.raises(PermitRefused):
        trial.book.check(signed, Action.RUN)
