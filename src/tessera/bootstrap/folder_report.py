"""Wire the report of `tessera deid`: one run over a folder."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tessera.adapters.files.deid_folder import FileOutcome
from tessera.adapters.report.deid import render_deid_html
from tessera.bootstrap.deid import write_private
from tessera.domain.deid.report import DeidReport, NotTaken, report_of
from tessera.domain.deid.rules import RuleSet
from tessera.domain.deid.tally import Changes
from tessera.ports.ledger import State

if TYPE_CHECKING:
    from tessera.adapters.files.deid_faces import DefacedSeries


def folder_report(
    rules: RuleSet,
    changes: Changes,
    outcomes: Iterable[FileOutcome],
    faces: Iterable["DefacedSeries"] = (),
) -> DeidReport:
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
        faces=sum(one.before is not None for one in faces),
    )


def write_deid_html(
    report: DeidReport,
    path: Path,
    *,
    title: str,
    language: str,
    faces: Iterable["DefacedSeries"] = (),
) -> None:
    """Write the report as one HTML file. Raises InvalidInput for an unknown language.

    With faces that were taken out it shows them, before and after, and is for its owner alone.
    """
    pictures = [(one.before.value, one.after) for one in faces if one.before]
    text = render_deid_html(report, title=title, language=language, faces=pictures)
    if pictures:
        write_private(path, text)
    else:
        path.write_text(text, encoding="utf-8")
