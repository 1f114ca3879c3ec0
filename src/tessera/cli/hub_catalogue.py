"""`tessera hub catalogue …`: descriptions as an Excel workbook."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told

catalogue_app = typer.Typer(
    no_args_is_help=True, help="The catalogue as an Excel workbook, and an empty form."
)
Force = Annotated[bool, typer.Option("--force", help="Write over the file.")]
Workbook = Annotated[Path, typer.Argument(help="To be written; ends with .xlsx.", dir_okay=False)]


def register(hub_app: typer.Typer) -> None:
    """Add `catalogue` and its sub-commands to `tessera hub`."""
    hub_app.add_typer(catalogue_app, name="catalogue")


@catalogue_app.command("template")
def template(file: Workbook, force: Force = False) -> None:
    """Write an empty form in which a hospital without a node describes its datasets.

    When it is filled in, `tessera hub harvest add` shows it in a catalogue.

    **Example:** `tessera hub catalogue template datasets.xlsx`
    """
    with told():
        from tessera.bootstrap.hub_catalogue import write_form

        write_form(file, force=force)
    typer.echo(f"{file} has a column for each dataset; the sheet Words lists what may be chosen")
    typer.echo(f"next: tessera hub harvest add HOME {file}")


@catalogue_app.command("export")
def export(
    home: Annotated[Path, typer.Argument(help="The hub's home folder.")],
    file: Workbook,
    force: Force = False,
) -> None:
    """Write the descriptions of the hub's own datasets to a workbook.

    **Example:** `tessera hub catalogue export /srv/hub catalogue.xlsx`
    """
    with told():
        from tessera.bootstrap.hub_catalogue import export_workbook

        n = export_workbook(home, file, force=force)
    typer.echo(f"{n} {'dataset' if n == 1 else 'datasets'} in {file}")
