"""`tessera node explorer`: answer the EUCAIM explorer's query agent, and Beacon."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("explorer")(explorer_command)


def explorer_command(
    home: Home,
    token_file: Annotated[
        Path,
        typer.Option(
            help="Holds the token that the agent sends; made when it is not there.",
            show_default=False,
        ),
    ],
    port: Annotated[int, typer.Option(help="TCP port; 0 is a free one.", min=0)] = 8044,
    address: Annotated[
        str, typer.Option(help="Where to listen. Beyond this computer: behind a TLS proxy.")
    ] = "127.0.0.1",
    beacon_counts: Annotated[
        bool, typer.Option(help="Tell a Beacon network counts, or no more than yes or no.")
    ] = True,
) -> None:
    """Answer the federated search in use: the explorer's queries, as its query agent sends them.

    Give the agent this address as its endpoint, and "Bearer" with the token as its
    authorization header. A Beacon v2 network finds the same counts below /beacon, and who holds
    a permit to download finds records there. Published datasets answer, through the node's
    count policy; each answer is in the audit log. Ctrl-C ends it.

    **Example:** `tessera node explorer /srv/tessera --token-file /etc/tessera/explorer.token`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.explorer import serve_explorer
        from tessera.bootstrap.node import open_node

        serve_explorer(
            open_node(home),
            token_file=token_file,
            address=address,
            port=port,
            beacon_counts=beacon_counts,
            tell=typer.echo,
        )
