"""A node that refuses a task tells the hub which error it was, and for which reason."""

from pathlib import Path

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.ids import NodeId
from tessera.node.tasks import done_report
from tessera.wire.runs import PermitState
from tests.hub_trial import trial_hub
from tests.permit_trial import PROSTATE, PermitTrial, named


def test_the_hub_shows_why_a_node_did_not_take_a_permit(tmp_path: Path) -> None:
    trial = PermitTrial(tmp_path / "node")
    with trial_hub(tmp_path / "hub") as at_hub:
        node = at_hub.joined(Ed25519Signer.create(tmp_path / "key"))
        permit = trial.permit(datasets=(named(NodeId(node.node_id), PROSTATE, 1),))
        at_hub.store.tools.add(trial.tool, trial.person.person_id, at_hub.clock.now())
        at_hub.hub.permits.issue(permit)
        (task,) = at_hub.hub.dispatch.take(node.node_id)
        report = done_report(task.task_id, "permit-refused", "altered")
        at_hub.hub.dispatch.done(node, report.body)
        standing = at_hub.hub.permits.find(permit.permit_id).at_node(node.node_id)
        assert standing is not None
        assert (standing.state, standing.detail) == (PermitState.FAILED, "permit-refused: altered")
        assert at_hub.hub.dispatch.take(node.node_id) == ()
