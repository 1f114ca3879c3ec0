"""The task: what may be asked for, the samples of one site, and the network that fits a model."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tessera.toolbox.lesion_classifier import network, patches, study_data
else:
    import network
    import patches
    import study_data

FORMAT = "lesion-classifier/1"
BACKENDS = ("numpy", "torch")
_THRESHOLD = 0.9


class BadArguments(Exception):
    """The arguments are wrong; the message names the key."""


@dataclass(frozen=True)
class LearnArguments:
    """What a researcher can set for learning."""

    backend: str = "numpy"
    modality: str = "MR"
    hidden: int = 16
    epochs: int = 2
    """Passes over the site's samples per round."""
    learning_rate: float = 0.003
    places: int = 40
    """Of each class and series."""
    validation_share: float = 0.4
    """Of the site's subjects; at least the node's smallest group when there are twice as many."""


@dataclass(frozen=True)
class TestArguments:
    """What a researcher can set for a test."""

    repeats: int = 1000
    level: float = 0.95
    seed: int = 1
    places: int = 40
    segments: bool = True
    """Mark whole series as well and compare with what a person drew."""


@dataclass(frozen=True)
class Samples:
    """Places of a site. `seen` is what the network gets; `subjects` and `series` are numbers."""

    seen: network.Float
    labels: network.Labels
    subjects: npt.NDArray[np.intp]
    pseudonyms: tuple[str, ...]
    """By number, sorted."""

    def of(self, subjects: npt.NDArray[np.intp]) -> "Samples":
        rows = np.isin(self.subjects, subjects)
        return Samples(self.seen[rows], self.labels[rows], self.subjects[rows], self.pseudonyms)

    @property
    def n_subjects(self) -> int:
        return len(np.unique(self.subjects))


def learn_arguments(raw: Mapping[str, Any]) -> LearnArguments:
    """Check the arguments of learning. Raises BadArguments."""
    found = LearnArguments(**_known(raw, asdict(LearnArguments())))
    if found.backend not in BACKENDS:
        raise BadArguments(f"backend: expected one of {', '.join(BACKENDS)}")
    if found.modality not in ("MR", "CT"):
        raise BadArguments("modality: expected MR or CT")
    for key, low, high in (("hidden", 1, 256), ("epochs", 1, 100), ("places", 1, 1000)):
        if not low <= getattr(found, key) <= high:
            raise BadArguments(f"{key}: from {low} to {high}")
    if not 0 < found.learning_rate <= 1 or not 0 <= found.validation_share <= 0.9:
        raise BadArguments("learning_rate: over 0 to 1; validation_share: 0 to 0.9")
    return found


def test_arguments(raw: Mapping[str, Any]) -> TestArguments:
    """Check the arguments of a test. Raises BadArguments."""
    found = TestArguments(**_known(raw, asdict(TestArguments())))
    if not 100 <= found.repeats <= 20_000 or not 0.5 <= found.level < 1:
        raise BadArguments("repeats: 100 to 20000; level: 0.5 to below 1")
    if not 1 <= found.places <= 1000:
        raise BadArguments("places: from 1 to 1000")
    return found


def _known(raw: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in raw.items():
        if key not in defaults:
            raise BadArguments(f"{key}: not known; there are {', '.join(defaults)}")
        wanted = type(defaults[key])
        is_number = wanted is float and type(value) is int
        if type(value) is not wanted and not is_number:
            raise BadArguments(f"{key}: expected {wanted.__name__}")
    return dict(raw)


def arguments_from_environment() -> dict[str, Any]:
    raw = json.loads(os.environ.get("TESSERA_ARGUMENTS") or "{}")
    if not isinstance(raw, dict):
        raise BadArguments("the arguments are no JSON object")
    return raw


def smallest_group() -> int:
    """Return how many subjects a number must at least be about."""
    return max(1, int(os.environ.get("TESSERA_MINIMUM") or 10))


def spec_for(arguments: LearnArguments) -> network.Spec:
    """Return what a model made with these arguments says of itself; the same at every site."""
    return {
        "format": FORMAT,
        "backend": arguments.backend,
        "modality": arguments.modality,
        "hidden": arguments.hidden,
        "pixel_mm": patches.PIXEL_MM,
        "patch": patches.PATCH,
        "features": list(patches.FEATURES),
        "normalisation": "median 0, quartiles 1.349 apart, over 8 % of percentile 99.5",
        "threshold": _THRESHOLD,
    }


def network_for(spec: Mapping[str, Any], learning_rate: float = 0.003) -> network.Network:
    """Return the network that a model's spec describes. Raises WrongModel."""
    if spec.get("format") != FORMAT:
        raise network.WrongModel(f"the model is no {FORMAT}")
    if spec.get("features") != list(patches.FEATURES) or spec.get("patch") != patches.PATCH:
        raise network.WrongModel("the model wants other features than this tool makes")
    hidden = spec.get("hidden")
    if not isinstance(hidden, int) or not 1 <= hidden <= 256:
        raise network.WrongModel("the model's spec has no usable `hidden`")
    if spec.get("backend") == "torch":
        if TYPE_CHECKING:
            from tessera.toolbox.lesion_classifier import torch_network
        else:
            try:
                import torch_network
            except ModuleNotFoundError as err:
                raise network.WrongModel("backend torch: PyTorch is not installed here") from err
        return torch_network.Convolutional(hidden, learning_rate)
    return network.Perceptron(len(patches.FEATURES), hidden, learning_rate)


def read_model(path: Path) -> tuple[network.Weights, network.Spec]:
    """Return weights and spec of a model file. Raises WrongModel; never unpickles."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as err:
        raise network.WrongModel(f"{path.name} is no npz archive of plain arrays") from err
    spec = network.spec_of(arrays)
    weights = {k: v.astype(np.float32) for k, v in arrays.items() if k != network.SPEC}
    expected = network_for(spec).initial(np.random.default_rng(0))
    if {k: v.shape for k, v in weights.items()} != {k: v.shape for k, v in expected.items()}:
        raise network.WrongModel("the model's arrays have other names or shapes than its spec says")
    return weights, spec


def prepared(
    volume: study_data.Volume,
) -> tuple[patches.Float, patches.Mask]:
    """Return the volume as the network sees it, normalised and resampled, and the body in it."""
    values, body = patches.normalised(volume.values)
    shape = patches.working_shape(values.shape, volume.pixel_mm)
    inside = patches.resampled(body.astype(np.float32), shape) > 0.5
    return patches.resampled(values, shape), inside


def samples(marked: list[study_data.Marked], spec: network.Spec, seed: int, places: int) -> Samples:
    """Return places of all series; which ones depends on the seed and the series alone."""
    pseudonyms = tuple(sorted({m.volume.subject for m in marked}))
    seen, labels, subjects = [], [], []
    for one in marked:
        values, body = prepared(one.volume)
        mask = patches.resampled(one.mask.astype(np.float32), values.shape[1:]) > 0.5
        key = hashlib.sha256(f"{seed}/{one.volume.series_uid}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(key[:8], "big"))
        where, found = patches.sample_places(mask, body, rng, places)
        seen.append(seen_at(values, where, spec))
        labels.append(found)
        subjects.append(np.full(len(found), pseudonyms.index(one.volume.subject)))
    return Samples(
        np.concatenate(seen), np.concatenate(labels), np.concatenate(subjects), pseudonyms
    )


def seen_at(values: patches.Float, places: patches.Index, spec: network.Spec) -> network.Float:
    """Return the network's input at each place (slice, row, column)."""
    if spec["backend"] == "torch":
        return patches.cut_patches(values, places)
    z, y, x = places.T
    seen: network.Float = patches.feature_maps(values)[z, y, x]
    return seen


def validation_subjects(
    pseudonyms: tuple[str, ...], share: float, minimum: int
) -> npt.NDArray[np.intp]:
    """Return the numbers of the subjects kept out of training: the first by hash of pseudonym.

    At least `minimum` stay for training, and where there are enough, as many are kept out.
    """
    n = len(pseudonyms)
    wanted = round(share * n)
    if share and n >= 2 * minimum:
        wanted = max(wanted, minimum)
    wanted = min(wanted, max(n - minimum, 0))
    by_hash = sorted(range(n), key=lambda i: hashlib.sha256(pseudonyms[i].encode()).digest())
    return np.array(sorted(by_hash[:wanted]), dtype=np.intp)


def load(data: Path, modality: str, minimum: int) -> list[study_data.Marked]:
    """Return every marked series of every version below `data`.

    Raises UnusableData with fewer than `minimum` subjects: nothing can be told of them.
    """
    found = [
        marked
        for dataset in study_data.dataset_folders(data)
        for marked in study_data.marked_series(dataset, modality)
    ]
    n_subjects = len({m.volume.subject for m in found})
    if n_subjects < minimum:
        raise study_data.UnusableData(
            f"{n_subjects} subjects have {modality} series with a drawn lesion; "
            f"at least {minimum} are needed"
        )
    return found
