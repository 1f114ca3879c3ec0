"""Entry `learn`: the rounds of a federated training, in frames over stdin and stdout.

begin → weights; train → update; final → final. Images are read once, at begin.
"""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tessera.toolbox.lesion_classifier import frames, metrics, network, study_data, task
else:
    import frames
    import metrics
    import network
    import study_data
    import task


@dataclass(frozen=True)
class Site:
    """What this site learns with; `validation` is never trained on."""

    seed: int
    minimum: int
    epochs: int
    spec: network.Spec
    network: network.Network
    training: task.Samples
    validation: task.Samples

    @property
    def size(self) -> dict[str, int]:
        """What goes with every message; whether it may be told is for the node to say."""
        return {"n_subjects": self.training.n_subjects, "n_samples": len(self.training.labels)}


def begin(header: frames.Header) -> Site:
    """Read the site's images. Raises UnusableData and BadArguments."""
    asked = task.learn_arguments(header.get("arguments") or {})
    seed, minimum = int(header.get("seed") or 0), task.smallest_group()
    spec = task.spec_for(asked)
    marked = task.load(study_data.folder("data"), asked.modality, minimum)
    found = task.samples(marked, spec, seed, asked.places)
    kept = task.validation_subjects(found.pseudonyms, asked.validation_share, minimum)
    others = np.setdiff1d(np.arange(len(found.pseudonyms)), kept)
    return Site(
        seed=seed,
        minimum=minimum,
        epochs=asked.epochs,
        spec=spec,
        network=task.network_for(spec, asked.learning_rate),
        training=found.of(others),
        validation=found.of(kept),
    )


def answer(site: Site, header: frames.Header, arrays: frames.Arrays) -> tuple[frames.Header, Any]:
    """Return the reply to one message of the node: header and arrays or None."""
    if header.get("type") == "begin":
        weights = site.network.initial(np.random.default_rng(site.seed))
        return {"type": "weights"} | site.size, network.with_spec(weights, site.spec)
    weights = _weights(site, arrays)
    if header.get("type") == "train":
        number = int(header.get("round") or 0)
        rng = np.random.default_rng([site.seed, number])
        new = site.network.train(
            weights, site.training.seen, site.training.labels, site.epochs, rng
        )
        told = _told(
            loss=_loss(site, new, site.training),
            train_auc=_auc(site, new, site.training),
            auc=_auc(site, weights, site.validation),
            local_auc=_auc(site, new, site.validation),
        )
        reply = {"type": "update", "metrics": told} | site.size
        return reply, network.with_spec(new, site.spec)
    told = _told(
        train_loss=_loss(site, weights, site.training),
        validation_loss=_loss(site, weights, site.validation),
        train_auc=_auc(site, weights, site.training),
        validation_auc=_auc(site, weights, site.validation),
        membership_auc=_membership_auc(site, weights),
    )
    return {"type": "final", "metrics": told} | site.size, None


def _weights(site: Site, arrays: frames.Arrays) -> network.Weights:
    if network.SPEC in arrays and network.spec_of(arrays) != site.spec:
        raise network.WrongModel("the model was made with other arguments")
    return {k: v.astype(np.float32) for k, v in arrays.items() if k != network.SPEC}


def _told(**numbers: float) -> dict[str, float]:
    """Leave out what could not be computed, or is about too few."""
    return {name: round(value, 4) for name, value in numbers.items() if np.isfinite(value)}


def _auc(site: Site, weights: network.Weights, of: task.Samples) -> float:
    if of.n_subjects < site.minimum:
        return float("nan")
    return metrics.auc(of.labels, site.network.probability(weights, of.seen))


def _loss(site: Site, weights: network.Weights, of: task.Samples) -> float:
    if of.n_subjects < site.minimum:
        return float("nan")
    return float(np.mean(_subject_losses(site, weights, of)))


def _subject_losses(
    site: Site, weights: network.Weights, of: task.Samples
) -> npt.NDArray[np.float64]:
    each = network.losses(site.network.probability(weights, of.seen), of.labels)
    _, subject = np.unique(of.subjects, return_inverse=True)
    mean: npt.NDArray[np.float64] = np.bincount(subject, each) / np.bincount(subject)
    return mean


def _membership_auc(site: Site, weights: network.Weights) -> float:
    """How well the loss tells who was trained on: 0.5 not at all, 1 always.

    Source: Yeom et al., Privacy risk in machine learning, CSF 2018, section 3.2.
    """
    if min(site.training.n_subjects, site.validation.n_subjects) < site.minimum:
        return float("nan")
    inside = _subject_losses(site, weights, site.training)
    outside = _subject_losses(site, weights, site.validation)
    labels = np.concatenate([np.ones(len(inside)), np.zeros(len(outside))])
    return metrics.auc(labels, -np.concatenate([inside, outside]))


def main() -> int:
    stdin, stdout = frames.channel()
    site: Site | None = None
    while (frame := frames.read_frame(stdin)) is not None:
        header, arrays = frame
        if header.get("type") == "begin":
            site = begin(header)
        if site is None or header.get("type") not in ("begin", "train", "final"):
            raise frames.UnknownMessage(str(header.get("type"))[:40])
        reply, weights = answer(site, header, arrays)
        frames.write_frame(stdout, reply, weights)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (
        study_data.UnusableData,
        task.BadArguments,
        network.WrongModel,
        frames.EndInTheMiddle,
        frames.UnknownMessage,
    ) as err:
        sys.exit(f"lesion-classifier: {err}")
