"""`tessera node similar`: patients like one of the node's, asked for at the hub."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]


def register(node_app: typer.Typer) -> None:
    """Add `similar` to `tessera node`."""
    node_app.command("similar")(similar_command)


def similar_command(
    home: Home,
    patient: Annotated[
        str,
        typer.Argument(
            help="Pseudonym; - reads it, or the hospital's identifier, from standard input."
        ),
    ] = "-",
    issuer: Annotated[str, typer.Option(help="Who issued the hospital's identifier.")] = "",
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the hub's form in a browser, filled in.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Describe a patient coarsely, to ask all hospitals how patients like them fared.

    Nothing is sent: it prints what would be said, the query, and the address of the hub's form.

    **Example:** `tessera node similar /srv/tessera P-3f9a1c…`
    """
    with told():
        from tessera.bootstrap.similar import describe_patient
        from tessera.domain.statistics.described import query_of
        from tessera.domain.zones import Identified

        if patient == "-" and sys.stdin.isatty():
            typer.echo("patient: ", nl=False, err=True)
        asked = Identified(sys.stdin.readline().strip() if patient == "-" else patient)
        found = describe_patient(home, asked, issuer=issuer)
        said = [
            {
                "described": dict(given),
                "query": query_of(given),
                "address": found.address(given) if found.hub_url else None,
            }
            for given in found.descriptions
        ]
    if as_json:
        print_json(said)
        return
    for one, given in zip(said, found.descriptions, strict=True):
        typer.secho(", ".join(f"{name} {value}" for name, value in given.items()), bold=True)
        typer.echo(f"  {one['query']}\n  {one['address'] or 'this node has joined no hub'}")
    if open_page and found.hub_url:
        webbrowser.open(found.address(found.descriptions[0]))
