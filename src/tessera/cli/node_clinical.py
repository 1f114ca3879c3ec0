"""`tessera node clinical`: a hospital's table becomes clinical records of the node."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, print_json, progress, told


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("clinical")(clinical_command)


def clinical_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    tables: Annotated[list[Path], typer.Argument(help="CSV or XLSX tables.", metavar="TABLE…")],
    mapping: Annotated[
        Path, typer.Option("--mapping", help="Mapping file (TOML).", show_default=False)
    ],
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write the problems, without raw values: CSV or .json.",
            callback=has_folder,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Map clinical tables to the common data model and store the de-identified records.

    A patient delivered before is replaced. What cannot be read becomes no value and a
    problem; the problems with their raw values stay in HOME/identified/clinical/.
    Exit code 3 when there was a problem.

    **Example:** `tessera node clinical /srv/tessera registry.csv --mapping registry.toml`
    """
    from tessera.bootstrap.clinical import load_tables, write_report

    with told():
        with progress() as bar:
            task = bar.add_task("rows", total=None)
            intake = load_tables(
                home, tables, mapping, on_row=lambda n: bar.update(task, completed=n)
            )
        outcome = intake.outcome
        if report is not None:
            write_report(report, outcome)
    if as_json:
        print_json(
            {
                "mapping": intake.mapping,
                "rows": outcome.n_rows,
                "converted": outcome.n_converted,
                "rejected": outcome.n_rejected,
                "subjects": outcome.n_subjects,
                "conditions": outcome.n_conditions,
                "mapped": outcome.mapped,
                "problems": outcome.reasons,
                "problems_file": str(intake.problems) if intake.problems else None,
            }
        )
    else:
        typer.echo(
            f"{outcome.n_rows} rows by {intake.mapping}: {outcome.n_converted} converted, "
            f"{outcome.n_rejected} rejected; {outcome.n_subjects} subjects, "
            f"{outcome.n_conditions} cancers"
        )
        width = max((len(name) for name in outcome.mapped), default=0)
        for name, n_rows in outcome.mapped.items():
            typer.echo(f"  {name:<{width}}  {n_rows} mapped")
        for reason, n_problems in outcome.reasons.items():
            typer.echo(f"problem {reason}: {n_problems}")
        if intake.problems:
            typer.echo(f"with raw values, for this hospital only: {intake.problems}", err=True)
    if outcome.problems:
        raise typer.Exit(exit_codes.INCOMPLETE)
