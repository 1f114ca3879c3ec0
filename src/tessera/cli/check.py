"""`tessera check`. The report on stdout or in files, progress on stderr."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, told
from tessera.domain.errors import NotFound

if TYPE_CHECKING:
    from rich.console import Console

    from tessera.bootstrap.check import Checked, CheckRequest
    from tessera.domain.quality.report import QualityReport

_SHOWN_FINDINGS = 25
_WIDTH_OF_A_FILE = 140


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("check")(check_command)


def check_command(
    target: Annotated[
        Path,
        typer.Argument(help="A file, folder or zip, or the folder of a dataset version."),
    ] = Path(),
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the report as one HTML file.", callback=has_folder),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", help="Write the report as JSON; - for stdout.", callback=has_folder),
    ] = None,
    clinical: Annotated[
        Path | None,
        typer.Option("--clinical", help="Clinical table (CSV or XLSX) to link images to."),
    ] = None,
    id_column: Annotated[
        str, typer.Option("--id-column", help="Its column with the identifiers of PatientID.")
    ] = "",
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes; 0 means one per core.")
    ] = 0,
    language: Annotated[
        str, typer.Option("--language", help="Language of the HTML report: en or sv.")
    ] = "en",
    pixels: Annotated[
        str,
        typer.Option("--pixels", help="Pictures to decode: none, few (3 of each series) or all."),
    ] = "none",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Run these checks: an id, its beginning, or a dimension."),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Leave these checks out, named likewise.")
    ] = None,
    severity: Annotated[
        str, typer.Option("--severity", help="Least severity to report: error, warning or note.")
    ] = "note",
    list_all: Annotated[
        bool, typer.Option("--list", help="List the checks and end; with --json - as JSON.")
    ] = False,
    tier: Annotated[
        int | None,
        typer.Option(
            "--tier", min=1, max=3, help="Check a version in a node's home for tiers 1 to this."
        ),
    ] = None,
    signed: Annotated[
        Path | None,
        typer.Option(
            "--signed",
            help="With --tier: write the report signed by the node.",
            callback=has_folder,
        ),
    ] = None,
    verify: Annotated[
        str, typer.Option("--verify", metavar="KEY", help="Check a signed report by this key.")
    ] = "",
) -> None:
    """Check DICOM files and their clinical table: complete, unique, consistent, accurate, sound.

    With --tier every statement of the tiers is looked at for one dataset version, each with its
    evidence and what to do, and the quality label of the EHDS is computed.

    Exits with 0 when no error was found, 4 when one was, 1 when nothing could be looked at.

    **Example:** `tessera check exports --clinical patients.csv --id-column pnr --html report.html`

    **Example:** `tessera check exports --pixels few --skip Q-T1 --severity warning`

    **Example:** `tessera check /srv/tessera/research/datasets/prostate-mr/v1 --tier 3 --html
    tier3.html --signed tier3.jws`
    """
    if list_all:
        from tessera.cli.check_list import list_checks

        with told():
            list_checks(only or [], skip or [], wide_console(), as_json=json is not None)
        return
    if language not in ("en", "sv"):
        raise typer.BadParameter("--language is en or sv")
    if signed is not None and tier is None:
        raise typer.BadParameter("--signed goes with --tier")
    if verify:
        from tessera.cli.check_tiers import verify_signed

        verify_signed(target, verify)
        return
    if tier is not None:
        from tessera.cli.check_tiers import check_tiers

        check_tiers(target, tier, html=html, json=json, signed=signed, language=language)
        return
    if (clinical is None) != (not id_column):
        raise typer.BadParameter("--clinical and --id-column go together")
    if severity not in _STYLES:
        raise typer.BadParameter("--severity is error, warning or note")
    if pixels not in ("none", "few", "all"):
        raise typer.BadParameter("--pixels is none, few or all")
    with told(stopped="stopped; nothing was written"):
        asked = _asked(target, clinical, id_column, workers, pixels, only or [], skip or [])
        done = _run(asked, severity)
        report = done.report
        is_empty = report.totals.n_instances + report.totals.n_unreadable == 0
        _write(done, target, html, json, language)
        if is_empty:
            raise NotFound(f"there is no DICOM instance in {target}")
    if json is None or str(json) != "-":
        _print(report)
    if report.has_errors:
        raise typer.Exit(exit_codes.FINDINGS)


def _asked(
    target: Path,
    clinical: Path | None,
    id_column: str,
    workers: int,
    pixels: str,
    only: list[str],
    skip: list[str],
) -> "CheckRequest":
    from datetime import UTC, datetime

    from tessera.bootstrap.check import CheckRequest, Pixels
    from tessera.domain.quality.selection import chosen_checks

    return CheckRequest(
        target=target,
        workers=workers,
        clinical=clinical,
        id_column=id_column,
        pixels=Pixels(pixels),
        checks=chosen_checks(only, skip),
        checked_on=datetime.now(UTC).date(),
    )


def _run(request: "CheckRequest", severity: str) -> "Checked":
    import sys
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from tessera.bootstrap.check import checked
    from tessera.domain.quality.finding import Severity
    from tessera.domain.quality.selection import at_least

    columns = (TextColumn("check"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    ) as bar:
        task = bar.add_task("check", total=None)
        done = checked(
            request,
            on_total=lambda total: bar.update(task, total=total),
            on_outcome=lambda _: bar.advance(task),
        )
    return replace(done, report=at_least(done.report, Severity(severity)))


def _write(
    done: "Checked", target: Path, html: Path | None, json: Path | None, language: str
) -> None:
    report = done.report
    if html is not None:
        from tessera.bootstrap.check import render_html

        text = render_html(
            report, title=target.resolve().name, language=language, pictures=done.pictures
        )
        html.write_text(text, encoding="utf-8")
    if json is not None:
        text = report.to_json()
        if str(json) == "-":
            typer.echo(text, nl=False)
        else:
            json.write_text(text, encoding="utf-8")


def _print(report: "QualityReport") -> None:
    from rich.table import Table
    from rich.text import Text

    from tessera.domain.quality.registry import NOT_LOOKED

    console = wide_console()
    totals = report.totals
    console.print(
        f"{totals.n_instances} instances, {totals.n_series} series, {totals.n_studies} studies, "
        f"{totals.n_subjects} subjects; {totals.n_unreadable} unreadable, "
        f"{totals.n_not_dicom} not DICOM"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("check", "", "passed", "findings"):
        table.add_column(heading, justify="right" if heading == "passed" else "left")
    for item in report.coverage:
        found = [f.severity.value for f in report.findings if f.check == item.check.id]
        counts = ", ".join(f"{name} {found.count(name)}" for name in dict.fromkeys(found))
        if item.not_looked:
            passed, counts = "", f"not looked at: {NOT_LOOKED[item.not_looked]}"
        elif not item.n_looked:
            passed, counts = "", counts or "nothing of this kind here"
        else:
            passed = f"{item.n_passed}/{item.n_looked}"
        style = _STYLES[found[0]] if found else "dim" if not passed else ""
        table.add_row(item.check.id, item.check.title, passed, Text(counts or "-", style=style))
    console.print(table)
    print_findings(report)
    verdicts = ", ".join(f"{name} {verdict.value}" for name, verdict in report.statements().items())
    console.print(f"\ntier 1: {verdicts}" if verdicts else "")
    summary = report.counts
    console.print(", ".join(f"{level.value}s {n}" for level, n in summary.items()))


_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def wide_console() -> "Console":
    """Return stdout as a console; as wide as the text needs where it is not a terminal."""
    import sys

    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDTH_OF_A_FILE
    return Console(highlight=False, soft_wrap=width is not None, width=width)


def print_findings(report: "QualityReport") -> None:
    """Print each distinct finding once, with the first place and the number of others."""
    from rich.text import Text

    console = wide_console()
    groups: dict[tuple[str, str, str], list[str]] = {}
    mends: dict[tuple[str, str, str], str] = {}
    for item in report.findings:
        key = (item.severity.value, item.check, item.message)
        level = item.where.level.value if item.where.uid else "file"
        place = item.where.uid or str(item.evidence.get("path", item.evidence.get("paths", "")))
        groups.setdefault(key, []).append(f"{level} {place}".strip())
        mends[key] = item.mend
    for key in list(groups)[:_SHOWN_FINDINGS]:
        severity, check, message = key
        places = groups[key]
        others = f" and {len(places) - 1} more" if len(places) > 1 else ""
        line = Text.assemble(
            "\n", (severity, _STYLES[severity]), f" {check} {message}\n  ",
            (f"{places[0]}{others}", "dim"), f"\n  {mends[key]}",
        )  # fmt: skip
        console.print(line)
    if len(groups) > _SHOWN_FINDINGS:
        console.print(f"\n… and {len(groups) - _SHOWN_FINDINGS} more; see --html or --json")
