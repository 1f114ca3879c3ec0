"""Updates as frames for an engine's client: the only way in which weights leave a node. Pure."""

from tessera.domain.learning.update_gate import Update
from tessera.domain.zones import Released
from tessera.wire.frames import Frame, arrays_to


def update_frame(released: Released[Update]) -> Frame:
    """Return the frame that carries an update. Raises TypeError for anything else."""
    if not isinstance(released, Released) or not isinstance(released.value, Update):
        raise TypeError("weights leave the node only as Released[Update]")
    update = released.value
    payload = arrays_to(update.weights)
    if not update.round:
        return Frame({"type": "weights"}, payload)
    header = {
        "type": "update",
        "n_samples": update.n_samples,
        "metrics": dict(update.metrics),
    }
    return Frame(header, payload)
