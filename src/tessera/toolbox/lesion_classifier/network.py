"""The reference network: one hidden layer in NumPy, trained with Adam; deterministic from a seed.

It is also the form of a model file: plain arrays by name, and `spec`, JSON as bytes.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Weights = dict[str, Float]
Spec = dict[str, Any]
SPEC = "spec"
_LAYERS = ("hidden_weight", "hidden_bias", "out_weight", "out_bias")
_DECAY = 1e-3
_BATCH = 128


class WrongModel(Exception):
    """The arrays are no model of this tool; the message says what is wrong."""


class Network(Protocol):
    """What learning needs of a network. `seen` is its kind of input, one row per place."""

    def initial(self, rng: np.random.Generator) -> Weights: ...

    def train(
        self, weights: Weights, seen: Float, labels: Labels, epochs: int, rng: np.random.Generator
    ) -> Weights:
        """Return new weights after `epochs` passes."""
        ...

    def probability(self, weights: Weights, seen: Float) -> Float:
        """Return the probability of lesion at each place, 0 to 1."""
        ...


class Perceptron:
    """Features → `hidden` units (ReLU) → one probability."""

    def __init__(self, n_features: int, hidden: int, learning_rate: float) -> None:
        self._shapes = {
            "hidden_weight": (n_features, hidden),
            "hidden_bias": (hidden,),
            "out_weight": (hidden, 1),
            "out_bias": (1,),
        }
        self._rate = learning_rate

    def initial(self, rng: np.random.Generator) -> Weights:
        """He's initialisation; biases 0."""
        return {
            name: (
                rng.standard_normal(shape) * np.sqrt(2 / shape[0])
                if len(shape) == 2
                else np.zeros(shape)
            ).astype(np.float32)
            for name, shape in self._shapes.items()
        }

    def train(
        self, weights: Weights, seen: Float, labels: Labels, epochs: int, rng: np.random.Generator
    ) -> Weights:
        now = {name: weights[name].astype(np.float64) for name in _LAYERS}
        first = {name: np.zeros_like(value) for name, value in now.items()}
        second = {name: np.zeros_like(value) for name, value in now.items()}
        balance = _balance(labels)
        step = 0
        for _ in range(epochs):
            order = rng.permutation(len(labels))
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                slopes = _slopes(now, seen[batch].astype(np.float64), labels[batch], balance)
                step += 1
                for name, slope in slopes.items():
                    first[name] = 0.9 * first[name] + 0.1 * slope
                    second[name] = 0.999 * second[name] + 0.001 * slope**2
                    rise = first[name] / (1 - 0.9**step)
                    spread = np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
                    now[name] = now[name] - self._rate * rise / spread
        return {name: value.astype(np.float32) for name, value in now.items()}

    def probability(self, weights: Weights, seen: Float) -> Float:
        hidden = np.maximum(seen @ weights["hidden_weight"] + weights["hidden_bias"], 0)
        return _sigmoid((hidden @ weights["out_weight"] + weights["out_bias"])[:, 0])


def _balance(labels: Labels) -> tuple[float, float]:
    """Weights of the two classes so that both count alike."""
    lesion = max(int((labels == 1).sum()), 1)
    other = max(len(labels) - lesion, 1)
    return len(labels) / (2 * other), len(labels) / (2 * lesion)


def _slopes(
    weights: Mapping[str, npt.NDArray[np.float64]],
    seen: npt.NDArray[np.float64],
    labels: Labels,
    balance: tuple[float, float],
) -> dict[str, npt.NDArray[np.float64]]:
    """Gradient of the balanced cross-entropy, with weight decay."""
    before = seen @ weights["hidden_weight"] + weights["hidden_bias"]
    hidden = np.maximum(before, 0)
    logit = (hidden @ weights["out_weight"] + weights["out_bias"])[:, 0]
    each = np.where(labels == 1, balance[1], balance[0])
    error = (each * (_sigmoid(logit) - labels) / len(labels))[:, None]
    back = (error @ weights["out_weight"].T) * (before > 0)
    return {
        "hidden_weight": seen.T @ back + _DECAY * weights["hidden_weight"],
        "hidden_bias": back.sum(0),
        "out_weight": hidden.T @ error + _DECAY * weights["out_weight"],
        "out_bias": error.sum(0),
    }


def _sigmoid(logit: npt.NDArray[Any]) -> npt.NDArray[Any]:
    positive = np.exp(-np.abs(logit))
    share: npt.NDArray[Any] = np.where(logit >= 0, 1 / (1 + positive), positive / (1 + positive))
    return share


def losses(probability: Float, labels: Labels) -> npt.NDArray[np.float64]:
    """Return the cross-entropy at each place."""
    sure = np.clip(probability.astype(np.float64), 1e-7, 1 - 1e-7)
    out: npt.NDArray[np.float64] = -np.where(labels == 1, np.log(sure), np.log(1 - sure))
    return out


def with_spec(weights: Weights, spec: Spec) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a model that describes itself: `spec` is the bytes of its JSON.

    A rounded mean of equal ones, as sites' arrays are joined, is the same text again.
    """
    text = json.dumps(spec, sort_keys=True).encode("ascii")
    return {**weights, SPEC: np.frombuffer(text, dtype=np.uint8).copy()}


def spec_of(arrays: Mapping[str, npt.NDArray[Any]]) -> Spec:
    """Return what a model says of itself. Raises WrongModel."""
    try:
        text = np.rint(np.asarray(arrays[SPEC], dtype=np.float64)).astype(np.uint8).tobytes()
        found = json.loads(text)
    except (KeyError, ValueError) as err:
        raise WrongModel("the model has no readable array `spec`; is it of this tool?") from err
    if not isinstance(found, dict):
        raise WrongModel("the model's `spec` is no JSON object")
    return found
