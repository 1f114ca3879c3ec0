"""Wire the report of `tessera deid`: one run over a folder."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tessera.adapters.files.deid_folder import FileOutcome
from tessera.adapters.report.deid import render_deid_html
from tessera.domain.deid.report import Changes, DeidReport, NotTaken, report_of
from tessera.domain.deid.rules import RuleSet
from tessera.ports.ledger import State


def folder_report(rules: RuleSet, changes: Changes, outcomes: Iterable[FileOutcome]) -> DeidReport:
    """Return what was done in one run. The residual risk needs an index: a node has one."""
    files = list(outcomes)
    not_taken = Counter(
        (str(one.state), one.reason, one.mend)
        for one in files
        if one.state in (State.HELD, State.REFUSED)
    )
    return report_of(
        rules,
        {key: n for key, n in changes.items() if n},
        states=Counter(str(one.state) for one in files),
        not_taken=[NotTaken(*what, n) for what, n in not_taken.items()],
    )


def write_deid_html(report: DeidReport, path: Path, *, title: str, language: str) -> None:
    """Write the report as one HTML file. Raises InvalidInput for an unknown language."""
    path.write_text(render_deid_html(report, title=title, language=language), encoding="utf-8")
