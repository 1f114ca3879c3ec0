"""The numbered checks: what each looks at, why, and the function that does it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from tessera.domain.quality.finding import Finding, Level
from tessera.domain.quality.inputs import CheckInput


class Dimension(StrEnum):
    """What is judged. The first five are the dimensions of data quality in common use."""

    INTEGRITY = "integrity"
    COMPLETENESS = "completeness"
    UNIQUENESS = "uniqueness"
    CONSISTENCY = "consistency"
    ACCURACY = "accuracy"
    LINKAGE = "linkage"
    TIER = "tier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a check did: how many things it looked at, how many were in order, what it found."""

    n_looked: int
    n_passed: int
    findings: tuple[Finding, ...] = ()
    not_looked: str = ""
    """Key of the reason for not looking; empty when it looked or there was nothing to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One numbered check."""

    id: str
    title: str
    dimension: Dimension
    unit: Level
    """What `n_looked` counts."""
    looks_at: str
    source: str
    """Section of the standard, or where the requirement is stated."""
    statements: tuple[str, ...] = field(default=())
    """Tier statements (T1-xx) that an error or a warning of this check contradicts."""
    run: Callable[[CheckInput], Looked]


NOT_LOOKED: dict[str, str] = {
    "no-clinical-table": "no clinical table was given",
    "no-clinical-values": "no clinical values in the common data model were given",
    "no-manifest": "this is not a dataset version with a manifest",
    "no-pixel-hashes": "pixel hashes were not computed",
    "no-headers": "the headers were not read, only the index",
    "no-pictures": "no picture was decoded; use --pixels few or --pixels all",
    "no-source-table": "no clinical table was given",
}
"""Reason for not looking → English text."""
