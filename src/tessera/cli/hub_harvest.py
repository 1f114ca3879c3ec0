"""`tessera hub harvest …`: descriptions from other catalogues."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.domain.catalogue.harvested import HarvestSource
    from tessera.hub.harvesting import HarvestReport

harvest_app = typer.Typer(
    no_args_is_help=True, help="Show what other catalogues describe, with its origin."
)
Home = Annotated[Path, typer.Argument(help="The hub's home folder.")]
SourceId = Annotated[
    str, typer.Argument(help="As `tessera hub harvest list` shows it.", metavar="SOURCE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(hub_app: typer.Typer) -> None:
    """Add `harvest` and its sub-commands to `tessera hub`."""
    hub_app.add_typer(harvest_app, name="harvest")


@harvest_app.command("add")
def add(
    home: Home,
    address: Annotated[
        str, typer.Argument(help="A FAIR Data Point, a DCAT document or a table: URL or file.")
    ],
    name: Annotated[str, typer.Option("--name", help="As people call the catalogue.")] = "",
    every: Annotated[
        int, typer.Option("--every", min=0, help="Hours between runs; 0 for by hand alone.")
    ] = 24,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="The source may be inside the own network."),
    ] = False,
) -> None:
    """Name another catalogue, to be read now and then.

    **Example:** `tessera hub harvest add /srv/hub https://nordic.example.org/fdp`
    """
    with told():
        from tessera.bootstrap.hub_harvest import open_harvesting

        if not address.startswith(("http://", "https://")):
            address = str(Path(address).resolve(strict=True))
        with open_harvesting(home) as harvesting:
            source = harvesting.add(address, name=name, every_h=every, allow_private=allow_private)
        typer.echo(f"{source.source_id} is added")
        typer.echo(f"next: tessera hub harvest run {home} {source.source_id}")


@harvest_app.command("list")
def list_command(home: Home, as_json: AsJson = False) -> None:
    """List the sources and how their last run ended.

    **Example:** `tessera hub harvest list /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub_harvest import open_harvesting

        with open_harvesting(home) as harvesting:
            sources = harvesting.store.harvest.sources()
    if as_json:
        print_json([_as_json(source) for source in sources])
        return
    for source in sources:
        when = f"{source.run_at:%Y-%m-%d %H:%M} UTC" if source.run_at else "never"
        period = f"every {source.every_h} h" if source.every_h else "by hand"
        typer.echo(f"{source.source_id}  {source.state.value}  last run {when}  {period}")
        typer.echo(f"  {source.name}  {source.address}")
        if source.detail:
            typer.echo(f"  {source.detail}")


@harvest_app.command("remove")
def remove(home: Home, source_id: SourceId) -> None:
    """Forget a source and all that came from it.

    **Example:** `tessera hub harvest remove /srv/hub nordic-hub`
    """
    with told():
        from tessera.bootstrap.hub_harvest import open_harvesting

        with open_harvesting(home) as harvesting:
            harvesting.remove(source_id)
        typer.echo(f"{source_id} is removed")


@harvest_app.command("run")
def run(
    home: Home,
    source_id: Annotated[
        str | None, typer.Argument(help="One source; without it all of them.", metavar="SOURCE")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Only those whose time has come.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read sources now. What is gone at a source is marked as withdrawn here.

    **Example:** `tessera hub harvest run /srv/hub`
    """
    with told(stopped="stopped; what was kept before stays"):
        from tessera.bootstrap.hub_harvest import open_harvesting

        reports = []
        with open_harvesting(home) as harvesting:
            if source_id:
                wished = [source_id]
            else:
                of_all = harvesting.due() if due else harvesting.store.harvest.sources()
                wished = [source.source_id for source in of_all]
            for one in wished:
                report = harvesting.run(
                    one, lambda n, address: typer.echo(f"{n} {address}", err=True)
                )
                reports.append(report)
                if not as_json:
                    _tell(report)
    if as_json:
        print_json([_report_json(report) for report in reports])
    if any(report.problems for report in reports):
        raise typer.Exit(exit_codes.INCOMPLETE)


def _tell(report: "HarvestReport") -> None:
    typer.echo(
        f"{report.source_id}: {report.state.value}, datasets {report.n_datasets}, "
        f"new {report.n_new}, withdrawn {report.n_withdrawn}, documents {report.n_documents}"
    )
    for problem in report.problems:
        typer.echo(f"  {problem}", err=True)


def _report_json(report: "HarvestReport") -> dict[str, object]:
    return {
        "source": report.source_id,
        "state": report.state.value,
        "datasets": report.n_datasets,
        "new": report.n_new,
        "withdrawn": report.n_withdrawn,
        "documents": report.n_documents,
        "problems": list(report.problems),
    }


def _as_json(source: "HarvestSource") -> dict[str, object]:
    from tessera.wire.fields import moment_text, moment_text_or_none

    return {
        "source": source.source_id,
        "name": source.name,
        "address": source.address,
        "every_h": source.every_h,
        "allow_private": source.allow_private,
        "added_at": moment_text(source.added_at),
        "run_at": moment_text_or_none(source.run_at),
        "state": source.state.value,
        "detail": source.detail,
    }
