"""`tessera clinical apply`: a hospital's tables become clinical records of its node."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, print_json, progress, told

if TYPE_CHECKING:
    from tessera.bootstrap.clinical import ClinicalIntake

_SHOWN_COLUMNS = 12


def register(clinical_app: typer.Typer) -> None:
    """Add the command to `tessera clinical`."""
    clinical_app.command("apply")(apply_command)


def apply_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    tables: Annotated[
        list[Path],
        typer.Argument(help="CSV, XLSX, Parquet or FHIR (JSON) tables.", metavar="TABLE…"),
    ],
    mapping: Annotated[
        Path, typer.Option("--mapping", help="Mapping file (TOML).", show_default=False)
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; tell what would change.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Write the problems, without raw values: CSV or .json.",
            callback=has_folder,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a report as one HTML file.", callback=has_folder),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", help="Language of the HTML report: en or sv.")
    ] = "en",
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes; 0 means one per core.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Map clinical tables to the common data model and store the de-identified records.

    A patient delivered before is replaced. What cannot be read becomes no value and a
    problem; problems with their raw values, and where each cell came from, stay in
    HOME/identified/clinical/. Exit code 3 when there was a problem.

    **Example:** `tessera clinical apply /srv/tessera registry.csv --mapping registry.toml`

    **Example:** `tessera clinical apply /srv/tessera labs.parquet registry.xlsx --mapping both.toml
    --dry-run --html difference.html`
    """
    from tessera.bootstrap.clinical import load_tables, write_report

    if language not in ("en", "sv"):
        raise typer.BadParameter("--language is en or sv")
    with told():
        with progress() as bar:
            task = bar.add_task("rows", total=None)
            intake = load_tables(
                home,
                tables,
                mapping,
                on_row=lambda n: bar.update(task, completed=n),
                is_dry=dry_run,
                workers=workers,
            )
        if report is not None:
            write_report(report, intake)
        if html is not None:
            from tessera.adapters.report.clinical import render_clinical

            facts, problems = _as_json(intake), intake.outcome.problems
            page = render_clinical(facts, problems, intake.files, language=language)
            html.write_text(page, "utf-8")
    if as_json:
        print_json(_as_json(intake))
    else:
        _print(intake, is_dry=dry_run)
    if intake.outcome.problems:
        raise typer.Exit(exit_codes.INCOMPLETE)


def _as_json(intake: "ClinicalIntake") -> dict[str, object]:
    outcome, changes = intake.outcome, intake.outcome.changes
    return {
        "mapping": intake.mapping,
        "rows": outcome.n_rows,
        "converted": outcome.n_converted,
        "rejected": outcome.n_rejected,
        "subjects": outcome.n_subjects,
        "conditions": outcome.n_conditions,
        "mapped": outcome.mapped,
        "problems": outcome.reasons,
        "changes": {
            "new": changes.n_new,
            "changed": changes.n_changed,
            "same": changes.n_same,
            "gone": changes.n_gone,
            "columns": changes.columns,
        },
        "problems_file": str(intake.problems) if intake.problems else None,
        "provenance": str(intake.provenance) if intake.provenance else None,
    }


def _print(intake: "ClinicalIntake", *, is_dry: bool) -> None:
    outcome, changes = intake.outcome, intake.outcome.changes
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
    would = "would be " if is_dry else ""
    typer.echo(
        f"subjects {would}new {changes.n_new}, changed {changes.n_changed}, same {changes.n_same}; "
        f"of an earlier delivery and not in this one: {changes.n_gone}"
    )
    most = sorted(changes.columns.items(), key=lambda one: -one[1])[:_SHOWN_COLUMNS]
    for name, n_subjects in most:
        typer.echo(f"  {name}: differs in {n_subjects}")
    if is_dry:
        typer.echo("dry run: nothing was stored")
    if intake.problems:
        typer.echo(f"with raw values, for this hospital only: {intake.problems}", err=True)
