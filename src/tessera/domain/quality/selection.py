"""Choose among the checks and among what they found. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from tessera.domain.errors import InvalidInput
from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.finding import Severity
from tessera.domain.quality.registry import Check
from tessera.domain.quality.report import QualityReport

NEEDS_PICTURES: Final = frozenset(
    check.id for check in CHECKS if check.id.startswith("Q-IMG-") or check.id == "Q-UNI-04"
)
"""Checks that look at decoded pictures."""


def chosen_checks(only: Iterable[str] = (), skip: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return the checks of `only` (all when empty) without those of `skip`, in the report's order.

    A name is an id (Q-GEO-01), the beginning of ids (Q-GEO, GEO), or a dimension (integrity).
    Raises InvalidInput for a name that means no check.
    """
    wanted = _named(only) or frozenset(check.id for check in CHECKS)
    return tuple(check for check in CHECKS if check.id in wanted - _named(skip))


def at_least(report: QualityReport, least: Severity) -> QualityReport:
    """Return the report with the findings of `least` severity or worse.

    Its coverage and its verdicts on statements stay as they are.
    """
    order: Sequence[Severity] = list(Severity)
    kept = [item for item in report.findings if order.index(item.severity) <= order.index(least)]
    rest = [f for f in report.findings if order.index(f.severity) > order.index(least)]
    return replace(report, findings=tuple(kept), left_out=(*report.left_out, *rest))


def _named(names: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        plain = name.strip().upper()
        start = plain if plain.startswith("Q-") else f"Q-{plain}"
        ids = {
            check.id
            for check in CHECKS
            if check.id == start
            or check.id.startswith(f"{start}-")
            or check.dimension.value == plain.lower()
        }
        if not ids:
            raise InvalidInput(f"{name!r} is no check; see tessera check --list")
        found |= ids
    return frozenset(found)
