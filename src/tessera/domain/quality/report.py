"""Run every check and gather what they say: findings, and what was looked at. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.finding import Finding, Severity
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.registry import NOT_LOOKED, Check, Looked

FORMAT = "tessera-quality/1"
"""Name and version of the JSON form. A change that breaks a reader raises the number."""


class Verdict(StrEnum):
    """What the checks say of one tier statement."""

    MET = "met"
    NOT_MET = "not met"
    NOT_LOOKED = "not looked at"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much one check looked at, so that "no finding" differs from "not looked at"."""

    check: Check
    n_looked: int
    n_passed: int
    not_looked: str
    """Key of the reason in `NOT_LOOKED`, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What was there. Exact; they stay inside the node."""

    n_subjects: int
    n_studies: int
    n_series: int
    n_instances: int
    n_unreadable: int
    n_not_dicom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """Findings, errors first within each check; coverage in the order of the registry."""

    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]
    totals: Totals
    left_out: tuple[Finding, ...] = ()
    """Findings that a reader did not ask for; the verdicts on statements count them."""

    @property
    def counts(self) -> dict[Severity, int]:
        """Number of findings by severity, all severities present."""
        return {level: sum(f.severity is level for f in self.findings) for level in Severity}

    @property
    def has_errors(self) -> bool:
        return any(item.severity is Severity.ERROR for item in self.findings)

    def statements(self) -> dict[str, Verdict]:
        """Return the verdict on each tier statement that the checks cover.

        A statement is met when every check that covers it looked, and none found an error or
        gave a warning.
        """
        every = (*self.findings, *self.left_out)
        doubts = {item.check for item in every if item.severity is not Severity.NOTE}
        verdicts: dict[str, Verdict] = {}
        for name in sorted({s for item in self.coverage for s in item.check.statements}):
            covering = [item for item in self.coverage if name in item.check.statements]
            if any(item.check.id in doubts for item in covering):
                verdicts[name] = Verdict.NOT_MET
            elif any(item.not_looked for item in covering) or not any(
                item.n_looked for item in covering
            ):
                verdicts[name] = Verdict.NOT_LOOKED
            else:
                verdicts[name] = Verdict.MET
        return verdicts

    def to_json(self) -> str:
        """Return the report as JSON text, the same bytes for the same report."""
        body = {
            "format": FORMAT,
            "summary": {level.value: n for level, n in self.counts.items()},
            "totals": {name: getattr(self.totals, name) for name in Totals.__slots__},
            "statements": {name: verdict.value for name, verdict in self.statements().items()},
            "checks": [_coverage_json(item) for item in self.coverage],
            "findings": [_finding_json(item) for item in self.findings],
        }
        return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def run_checks(data: CheckInput, checks: Sequence[Check] = CHECKS) -> QualityReport:
    """Return what the checks say of `data`. A check without its input says that it did not look."""
    rank = {level: index for index, level in enumerate(Severity)}
    findings: list[Finding] = []
    coverage = []
    for check in checks:
        looked: Looked = check.run(data)
        findings += sorted(looked.findings, key=lambda item: rank[item.severity])
        coverage.append(Coverage(check, looked.n_looked, looked.n_passed, looked.not_looked))
    return QualityReport(findings=tuple(findings), coverage=tuple(coverage), totals=_totals(data))


def _totals(data: CheckInput) -> Totals:
    return Totals(
        n_subjects=len({row.subject for row in data.rows}),
        n_studies=len({row.study_uid for row in data.rows}),
        n_series=len(data.series),
        n_instances=len({row.instance_uid for row in data.rows}),
        n_unreadable=len(data.unreadable),
        n_not_dicom=data.n_not_dicom,
    )


def _coverage_json(item: Coverage) -> dict[str, object]:
    return {
        "id": item.check.id,
        "title": item.check.title,
        "dimension": item.check.dimension.value,
        "unit": item.check.unit.value,
        "looks_at": item.check.looks_at,
        "source": item.check.source,
        "n_looked": item.n_looked,
        "n_passed": item.n_passed,
        "not_looked": NOT_LOOKED.get(item.not_looked, item.not_looked),
    }


def _finding_json(item: Finding) -> dict[str, object]:
    body: dict[str, object] = {
        "check": item.check,
        "kind": item.kind,
        "severity": item.severity.value,
        "where": {"level": item.where.level.value, "uid": item.where.uid},
        "message": item.message,
        "evidence": dict(item.evidence),
        "mend": item.mend,
    }
    if item.slices_mm:
        body["slices_mm"] = list(item.slices_mm)
    if item.pictures:
        body["pictures"] = list(item.pictures)
    return body
