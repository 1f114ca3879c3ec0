"""`tessera node catalogue`: a FAIR Data Point at the node itself."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("catalogue")(catalogue_command)


def catalogue_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    url: Annotated[
        str,
        typer.Option(help="Under which others reach it; the records' addresses begin with it."),
    ],
    port: Annotated[int, typer.Option(help="TCP port; 0 is a free one.", min=0)] = 8045,
    address: Annotated[
        str, typer.Option(help="Where to listen. Beyond this computer: behind a TLS proxy.")
    ] = "127.0.0.1",
    license: Annotated[
        str, typer.Option(help="Licence of the descriptions, as an address.")
    ] = "https://creativecommons.org/licenses/by/4.0/",
) -> None:
    """Show the node's published datasets as a FAIR Data Point, for other catalogues to harvest.

    It tells what the hub's catalogue tells: the descriptions of what was published, their
    numbers through the node's count policy. What was withdrawn is gone. Ctrl-C ends it.

    **Example:** `tessera node catalogue /srv/tessera --url https://data.hospital.example`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.node_catalogue import serve_catalogue

        serve_catalogue(
            open_node(home),
            url=url.rstrip("/"),
            license=license,
            address=address,
            port=port,
            tell=typer.echo,
        )
