"""The answer to one search over all nodes, as pages, REST and the client see it. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tessera.domain.catalogue.description import Facet
from tessera.domain.catalogue.progress import summed_facets
from tessera.domain.ids import DatasetId, NodeId


class Outcome(StrEnum):
    """Four different things, never folded into one another."""

    COUNTED = "counted"
    TOO_FEW = "too_few"
    """Fewer than the policy's minimum, perhaps none: not told apart."""
    NOT_SUPPORTED = "not_supported"
    """The dataset or the node cannot evaluate a condition of the query."""
    NO_ANSWER = "no_answer"
    """The node did not answer in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionExplained:
    """One condition of the query and what it means."""

    text: str
    """As in the query, normalised: `modality = MR`."""
    level: str
    """patient, condition, study or series: some row of the patient at this level satisfies it."""
    meaning: str
    """In plain English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetResult:
    """What one dataset version at one node answered."""

    node_id: NodeId
    node_name: str
    country: str
    dataset_id: DatasetId
    version: int
    title: str
    outcome: Outcome
    n_subjects: int | None = None
    """Rounded by the node's policy; set only when counted."""
    n_studies: int | None = None
    """Studies of the counted subjects; None when too few."""
    not_supported: tuple[str, ...] = ()
    """Fields that cannot be evaluated, when the outcome is not_supported."""
    policy: str = ""
    """The node's count policy in words."""
    data_created: datetime | None = None
    """When the dataset version was frozen."""
    last_seen: datetime | None = None
    """When the node last called, for no_answer."""
    detail: str = ""
    """Plain words for the outcome, when there is something to add."""
    distributions: Mapping[str, tuple[Facet, ...]] = field(default_factory=dict)
    """Of the counted subjects, as `Counts.distributions`."""
    cuts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Of the counted subjects, as `Counts.cuts`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    search_id: str
    query: str
    """Normalised text."""
    explained: tuple[ConditionExplained, ...]
    asked_at: datetime
    complete: bool
    """Every node that was asked has answered or run out of time."""
    deadline: datetime
    results: tuple[DatasetResult, ...]
    n_subjects: int
    """Sum over counted datasets; a person in two datasets is counted twice."""
    n_studies: int
    n_answered: int = 0
    """Datasets for which an answer has come, whatever it says."""
    statistic: str = ""
    """What is computed of the answers, as `Statistic` is written; empty for counts alone."""

    @property
    def distributions(self) -> Mapping[str, tuple[Facet, ...]]:
        """Sums of what the datasets told; None for a value that none gave a number for."""
        return summed_facets([row.distributions for row in self.results])
