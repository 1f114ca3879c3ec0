"""What a node answered, as the hub reads it."""

import json

import numpy as np
import pytest

from tessera.adapters.nvflare.answers import Answer, update_of
from tessera.domain.errors import InvalidInput
from tessera.wire.frames import arrays_to

MODEL = {"w": np.zeros((2, 2), np.float32)}


def answer(header: object, payload: bytes = arrays_to(MODEL)) -> Answer:
    return Answer(header if isinstance(header, str) else json.dumps(header), payload)


GOOD = {"type": "update", "n_samples": 3, "metrics": {"loss": 0.5, "n": 2}}


def test_an_update_is_read() -> None:
    update = update_of(answer(GOOD), MODEL)
    assert update.n_samples == 3
    assert update.metrics == {"loss": 0.5, "n": 2.0}
    np.testing.assert_array_equal(update.weights["w"], MODEL["w"])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "[]",
        "{",
        {},
        GOOD | {"n_samples": 0},
        GOOD | {"n_samples": True},
        GOOD | {"n_samples": 1.5},
        GOOD | {"n_samples": "3"},
        GOOD | {"metrics": None},
        GOOD | {"metrics": [1]},
        GOOD | {"metrics": {"loss": "high"}},
        GOOD | {"metrics": {"loss": float("nan")}},
        GOOD | {"metrics": {"loss": float("inf")}},
    ],
)
def test_a_wrong_header_is_refused(header: object) -> None:
    with pytest.raises(InvalidInput):
        update_of(answer(header), MODEL)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"PK\x03\x04",
        arrays_to({"v": np.zeros((2, 2), np.float32)}),
        arrays_to({"w": np.zeros((2, 3), np.float32)}),
        arrays_to({"w": np.full((2, 2), np.nan, np.float32)}),
    ],
)
def test_another_model_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        update_of(answer(GOOD, payload), MODEL)
