"""`tessera node report`: what de-identification did here, and the risk that is left."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import has_folder, print_json, told

_SHOWN = 15


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("report")(report_command)


def report_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    dataset: Annotated[
        str, typer.Option(help="Only the people of this dataset count for the risk.")
    ] = "",
    version: Annotated[
        int | None, typer.Option(help="Version of the dataset; default the newest.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page to this file.", callback=has_folder)
    ] = None,
    language: Annotated[str, typer.Option(help="Of the page: en or sv.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report each action with its reason and clause, what was held, and the residual risk.

    Risk: k over what an outsider may know of a subject, from headers and the clinical table
    together. The figures are exact: for the hospital.

    **Example:** `tessera node report /srv/tessera --html report.html`
    """
    with told():
        from tessera.bootstrap.deid_report import node_report
        from tessera.bootstrap.folder_report import write_deid_html
        from tessera.bootstrap.node import open_node

        node = open_node(home)
        report = node_report(node, dataset, version)
        title = node.settings.name + (f", {dataset}" if dataset else "")
        if html:
            write_deid_html(report, html, title=title, language=language)
    if as_json:
        print_json(report.as_json())
        return
    typer.echo(f"profile {report.label}")
    states = ", ".join(f"{state} {n}" for state, n in report.states.items())
    typer.echo(f"sources {states or 'none'}")
    if (risk := report.risk) and risk.n_subjects:
        typer.echo(
            f"risk    {risk.n_subjects} subjects, smallest class {risk.k}, {risk.unique} alone, "
            f"{risk.small} in classes below 5"
        )
        for one in risk.coarser[:1]:
            change = f"without {one.column}" if one.change == "left-out" else "ages in ten years"
            typer.echo(f"        {change}: {one.unique} alone, {one.small} in classes below 5")
    for held in report.not_taken:
        typer.echo(f"{held.state:<7} {held.sources} {held.reason}; {held.mend}")
    for changed in report.changes[:_SHOWN]:
        typer.echo(f"{changed.elements:>9} {changed.element} {changed.keyword}: {changed.action}")
    if len(report.changes) > _SHOWN:
        typer.echo(f"… {len(report.changes) - _SHOWN} more: --html FILE or --json")
    if html:
        typer.echo(f"written to {html}", err=True)
