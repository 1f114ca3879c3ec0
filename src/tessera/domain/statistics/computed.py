"""Compute a statistic of what datasets told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tessera.domain.statistics.models import Model, model
from tessera.domain.statistics.statistic import Kind, Statistic
from tessera.domain.statistics.survival import Survival, survival
from tessera.domain.statistics.tables import Histogram, Table, histogram, table
from tessera.domain.statistics.told import Draws, Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """How patients like one were treated first, and how they fared."""

    treatments: Table
    together: Survival
    by_treatment: Survival


Computed = Table | Histogram | Survival | Model | Similar


def computed(statistic: Statistic, told: Sequence[Told], rng: Draws) -> Computed:
    """Return the statistic of the datasets that told its cuts, as if their subjects were pooled.

    `rng` draws what the hospitals' noise hides (`told`).
    """
    cuts = statistic.cuts
    match statistic.kind:
        case Kind.TABLE:
            return table(cuts[0], told, rng)
        case Kind.HISTOGRAM:
            return histogram(cuts, told, rng)
        case Kind.SURVIVAL:
            return survival(cuts[0], told, rng)
        case Kind.SIMILAR:
            return Similar(
                treatments=table(cuts[0], told, rng),
                together=survival(cuts[1], told, rng),
                by_treatment=survival(cuts[2], told, rng),
            )
    return model(statistic, told, rng)
