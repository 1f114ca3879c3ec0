"""A trained model is looked at for how well it remembers who was in the training."""

import math

import numpy as np
import pytest

from tessera.domain.access.airlock_models import model_findings
from tessera.domain.access.airlock_search import Known
from tessera.wire.frames import arrays_to


@pytest.mark.parametrize(
    ("auc", "severity"),
    [(0.5, "info"), (0.6, "info"), (0.61, "look"), (0.75, "look"), (0.76, "stop")],
)
def test_a_model_that_remembers_is_looked_at_or_stopped(auc: float, severity: str) -> None:
    content = arrays_to({"w": np.zeros(3)})
    known = Known(minimum=10, n_subjects=30, membership_auc=auc)
    found = {one.code: one.severity for one in model_findings(content, known)[0]}
    assert found["memory"] == severity


def test_not_measured_is_said_and_other_models_are_not_asked() -> None:
    content = arrays_to({"w": np.zeros(3)})
    unknown = Known(minimum=10, n_subjects=30, membership_auc=math.nan)
    (told,) = [one for one in model_findings(content, unknown)[0] if one.code == "memory"]
    assert (told.severity, "did not measure" in told.text) == ("look", True)
    other = Known(minimum=10, n_subjects=30)
    assert all(one.code != "memory" for one in model_findings(content, other)[0])
