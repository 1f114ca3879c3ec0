"""`tessera check VERSION --tier N`: every statement of the tiers, with evidence and mend."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tessera.cli import exit_codes
from tessera.cli.show import told
from tessera.domain.errors import InvalidInput

if TYPE_CHECKING:
    from tessera.domain.tiers.judged import Conformance

_STYLES = {"met": "green", "not-met": "bold red", "not-looked": "yellow", "not-applicable": "dim"}


def check_tiers(
    target: Path,
    tier: int,
    *,
    html: Path | None,
    json: Path | None,
    signed: Path | None,
    language: str,
) -> None:
    """Look at a version in a node's home, write the reports that were asked for, and print."""
    from tessera.bootstrap import tiers
    from tessera.domain.tiers.judged import missing_for

    with told(stopped="stopped; nothing was written"):
        place = tiers.place_of(target)
        if place is None:
            raise InvalidInput(
                f"{target}: --tier looks at the folder of a dataset version in a node's home "
                "(HOME/research/datasets/ID/vN)"
            )
        home, identifier, version = place
        report = tiers.conformance(
            home, identifier, version, on_step=lambda step: typer.echo(f"{step} …", err=True)
        )
        if html is not None:
            from tessera.adapters.report.tiers import render_tiers

            title = f"{identifier} v{version}"
            html.write_text(render_tiers(report, title=title, language=language), "utf-8")
        if signed is not None:
            signed.write_text(tiers.sign(home, report) + "\n", "ascii")
        if json is not None and str(json) != "-":
            json.write_text(report.to_json(), "utf-8")
    if json is not None and str(json) == "-":
        typer.echo(report.to_json(), nl=False)
    else:
        _print(report)
        if signed is not None:
            typer.echo(f"signed: {signed}; the node's public key is {tiers.node_key(home)}")
    if missing_for(report.verdicts, tier):
        raise typer.Exit(exit_codes.FINDINGS)


def verify_signed(file: Path, key: str) -> None:
    """Print what a signed report says, or fail when its signature is not of `key`."""
    from tessera.bootstrap.tiers import verify

    with told():
        said = verify(file.read_text("ascii", errors="replace"), key)
    typer.echo(
        f"{said.node}: dataset {said.dataset_id} version {said.version}, tier {said.tier}, "
        f"{said.at:%Y-%m-%d %H:%M} UTC, {said.software}\ncontent {said.manifest_sha256}"
    )
    for name, verdict in said.statements.items():
        typer.echo(f"{name}  {verdict.value}")
    typer.echo(", ".join(f"{name} {grade.value}" for name, grade in said.label.items()))


def _print(report: "Conformance") -> None:
    from rich.table import Table
    from rich.text import Text

    from tessera.cli.check import wide_console
    from tessera.domain.tiers.judged import missing_for
    from tessera.domain.tiers.statements import BY_ID, TIERS

    console = wide_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("statement", "", "verdict", "what was found"):
        table.add_column(heading)
    for one in report.judged:
        advice = " (advice)" if BY_ID[one.id].is_advice else ""
        text = one.found + (f"\n→ {one.mend}" if one.mend else "")
        verdict = Text(one.verdict.value.replace("-", " "), style=_STYLES[one.verdict.value])
        table.add_row(one.id, BY_ID[one.id].asks + advice, verdict, text)
    console.print(table)
    grades = ", ".join(f"{one.name} {one.grade.value}" for one in report.label)
    console.print(f"\ndata quality and utility label: {grades}")
    reached = f"tier {report.tier}" if report.tier else "no tier yet"
    following = min(report.tier + 1, TIERS[-1])
    missing = missing_for(report.verdicts, following)
    rest = f"; for tier {following}: {', '.join(missing)}" if missing else ""
    console.print(f"{report.dataset_id} v{report.version}: {reached}{rest}")
