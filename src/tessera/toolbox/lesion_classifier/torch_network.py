"""The same task with a small convolutional network in PyTorch, where that is installed."""

from typing import TYPE_CHECKING

import numpy as np
import torch  # type: ignore[import-not-found, unused-ignore]
from torch import nn  # type: ignore[import-not-found, unused-ignore]
from torch.nn import functional  # type: ignore[import-not-found, unused-ignore]

if TYPE_CHECKING:
    from tessera.toolbox.lesion_classifier.network import Float, Labels, Weights

_BATCH = 128
_AT_ONCE = 4096


class Convolutional:
    """Patch and its mirror → two convolutions → the centre and the mean → one probability."""

    def __init__(self, hidden: int, learning_rate: float) -> None:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        self._rate = learning_rate
        self._net = nn.Sequential(
            nn.Conv2d(2, hidden, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(hidden, hidden, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * hidden, 1),
        )

    def initial(self, rng: "np.random.Generator") -> "Weights":
        """He's initialisation from NumPy's stream, so that the seed means the same; biases 0."""
        made = {}
        for name, value in self._net.state_dict().items():
            shape = tuple(value.shape)
            fan = int(np.prod(shape[1:])) if len(shape) > 1 else 0
            drawn = rng.standard_normal(shape) * np.sqrt(2 / fan) if fan else np.zeros(shape)
            made[name] = drawn.astype(np.float32)
        return made

    def train(
        self,
        weights: "Weights",
        seen: "Float",
        labels: "Labels",
        epochs: int,
        rng: "np.random.Generator",
    ) -> "Weights":
        self._load(weights)
        self._net.train()
        inputs, wanted = torch.from_numpy(seen), torch.from_numpy(labels.astype(np.float32))
        lesion = max(float(wanted.sum()), 1.0)
        balance = torch.tensor((len(labels) - lesion) / lesion)
        steps = torch.optim.Adam(self._net.parameters(), lr=self._rate, weight_decay=1e-4)
        for _ in range(epochs):
            order = torch.from_numpy(rng.permutation(len(labels)))
            for batch in order.split(_BATCH):
                steps.zero_grad()
                loss = functional.binary_cross_entropy_with_logits(
                    self._net(inputs[batch])[:, 0], wanted[batch], pos_weight=balance
                )
                loss.backward()
                steps.step()
        return {name: value.numpy().copy() for name, value in self._net.state_dict().items()}

    def probability(self, weights: "Weights", seen: "Float") -> "Float":
        self._load(weights)
        self._net.eval()
        with torch.no_grad():
            parts = [
                torch.sigmoid(self._net(part)[:, 0]).numpy()
                for part in torch.from_numpy(seen).split(_AT_ONCE)
            ]
        joined: Float = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return joined

    def _load(self, weights: "Weights") -> None:
        self._net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in weights.items()})
