"""`tessera hub incidence …` and `tessera hub calls …`: for the page of the progress."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

incidence_app = typer.Typer(
    no_args_is_help=True, help="How many fall ill: the table that the catalogue is held against."
)
calls_app = typer.Typer(
    no_args_is_help=True, help="Open calls and support, as the progress page lists them."
)
Home = Annotated[Path, typer.Argument(help="The hub's home folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(hub_app: typer.Typer) -> None:
    """Add both groups to `tessera hub`."""
    hub_app.add_typer(incidence_app, name="incidence")
    hub_app.add_typer(calls_app, name="calls")


@incidence_app.command("set")
def set_command(
    home: Home,
    table: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: area,cancer,new_cases.")
    ],
    source: Annotated[str, typer.Option(help="Who published it, and what it is called.")],
    year: Annotated[int, typer.Option(help="Of which the numbers are.")],
    address: Annotated[str, typer.Option(help="Where everybody can read it.")] = "",
    licence: Annotated[str, typer.Option(help="Under which it may be shown.")] = "",
) -> None:
    """Show your own table of new cases, for example of the European Cancer Information System.

    An area is a country's two letters, EU or EUROPE; a cancer is written as in a query.

    **Example:** `tessera hub incidence set /srv/hub cases.csv --source ECIS --year 2022`
    """
    with told():
        from tessera.bootstrap.hub_tables import set_incidence

        found = set_incidence(
            home, table, source=source, address=address, year=year, licence=licence
        )
    typer.echo(f"{len(found.rows)} numbers of {found.year} are shown from now on")


@incidence_app.command("show")
def show_command(home: Home, json: AsJson = False) -> None:
    """Show the table that is used, with its source.

    **Example:** `tessera hub incidence show /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub_tables import tables_of
        from tessera.wire.public_tables import incidence_to_json

        found = tables_of(home).incidence()
    if json:
        print_json(incidence_to_json(found))
        return
    typer.echo(f"{found.source}\n{found.address}\nyear {found.year}; {found.licence}")
    for row in found.rows:
        typer.echo(f"{row.area:<7} {row.cancer:<24} {row.n:>10}")


@incidence_app.command("remove")
def remove_command(home: Home) -> None:
    """Go back to the table that comes with the program.

    **Example:** `tessera hub incidence remove /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub_tables import tables_of

        was_set = tables_of(home).remove_incidence()
    typer.echo("your table is no longer shown" if was_set else "no table of yours was set")


@calls_app.command("add")
def add_command(
    home: Home,
    address: Annotated[str, typer.Argument(help="Where the call is described.")],
    title: Annotated[
        list[str], typer.Option("--title", help="As en=Open call 2027; once for each language.")
    ],
    kind: Annotated[str, typer.Option(help="call, or support.")] = "call",
    country: Annotated[str, typer.Option(help="Two letters, or EU; none for everywhere.")] = "",
    until: Annotated[str, typer.Option(help="The last day, as 2027-01-31.")] = "",
) -> None:
    """Put an open call, or the support of a country, on the progress page.

    What has a last day leaves the page after it.

    **Example:** `tessera hub calls add /srv/hub https://example.org --title "en=Call for data"`
    """
    from datetime import date

    from tessera.domain.catalogue.calls import CallKind

    words = dict(one.partition("=")[::2] for one in title)
    if kind not in list(CallKind) or not all(words.values()):
        raise typer.BadParameter("--kind is call or support; --title is LANGUAGE=WORDS")
    try:
        last = date.fromisoformat(until) if until else None
    except ValueError as err:
        raise typer.BadParameter(f"--until {until}: write a day as 2027-01-31") from err
    with told():
        from tessera.bootstrap.hub_tables import add_call
        from tessera.domain.catalogue.calls import Call

        made = add_call(
            home,
            Call(
                call_id="",
                kind=CallKind(kind),
                title=words,
                address=address,
                country=country.upper(),
                until=last,
            ),
        )
    typer.echo(f"{made.call_id} is on the page")


@calls_app.command("list")
def list_command(home: Home, json: AsJson = False) -> None:
    """List every call, also those that are past.

    **Example:** `tessera hub calls list /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub_tables import tables_of
        from tessera.wire.public_tables import call_to_json

        found = tables_of(home).calls()
    if json:
        print_json([call_to_json(one) for one in found])
        return
    if not found:
        typer.echo("no call; `tessera hub calls add` puts one on the page")
    for one in found:
        until = f"until {one.until}" if one.until else "goes on"
        typer.echo(f"{one.call_id}  {one.kind}  {one.country or 'everywhere'}  {until}")
        typer.echo(f"  {next(iter(one.title.values()))}  {one.address}")


@calls_app.command("remove")
def remove_call_command(
    home: Home, call_id: Annotated[str, typer.Argument(help="As `list` shows it.")]
) -> None:
    """Take a call off the page.

    **Example:** `tessera hub calls remove /srv/hub call-for-datasets`
    """
    with told():
        from tessera.bootstrap.hub_tables import tables_of

        tables_of(home).remove_call(call_id)
    typer.echo(f"{call_id} is off the page")
