"""One node's answer to one cohort query, per dataset version. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tessera.domain.catalogue.description import Facet
from tessera.domain.cohort.result import Outcome
from tessera.domain.errors import InvalidInput
from tessera.domain.ids import DatasetId
from tessera.domain.zones import Released


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rounded counts. Only `disclosure.disclose` makes one that may leave the node."""

    outcome: Outcome
    """counted or too_few."""
    n_subjects: int | None = None
    """Set exactly when counted."""
    n_studies: int | None = None
    """None when too few to tell."""
    distributions: Mapping[str, tuple[Facet, ...]] = field(default_factory=dict)
    """Field → the counted subjects by its values; a subject may be under several. A value without
    a number is too few to tell. A field that the dataset does not support is not there, and none
    is where the node gives none."""
    cuts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Cut → the counted subjects in each of its cells that is not too few to tell. A cut with a
    field that the dataset does not support is not there."""

    def __post_init__(self) -> None:
        if self.outcome not in (Outcome.COUNTED, Outcome.TOO_FEW):
            raise InvalidInput("counts are either counted or too_few")
        if (self.outcome is Outcome.COUNTED) != (self.n_subjects is not None):
            raise InvalidInput("n_subjects is set exactly when the outcome is counted")
        if self.outcome is Outcome.TOO_FEW and self.n_studies is not None:
            raise InvalidInput("n_studies is set only when the outcome is counted")
        if self.outcome is Outcome.TOO_FEW and (self.distributions or self.cuts):
            raise InvalidInput("distributions and cuts are set only when the outcome is counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetAnswer:
    """What one dataset version answered.

    Exactly one of three: `counts` is set; `not_supported` names fields; `problem` says in
    public words why there is no answer (a file is damaged, or the memory did not suffice).
    """

    dataset_id: DatasetId
    version: int
    created: datetime
    """When the dataset version was frozen."""
    policy: str
    """The count policy in words."""
    counts: Released[Counts] | None = None
    not_supported: tuple[str, ...] = ()
    problem: str = ""

    def __post_init__(self) -> None:
        given = (self.counts is not None, bool(self.not_supported), bool(self.problem))
        if sum(given) != 1:
            raise InvalidInput("an answer has counts, or fields not supported, or a problem")

    @property
    def outcome(self) -> Outcome:
        """counted, too_few, not_supported, or no_answer when there was a problem."""
        if self.counts is not None:
            return self.counts.value.outcome
        return Outcome.NOT_SUPPORTED if self.not_supported else Outcome.NO_ANSWER
