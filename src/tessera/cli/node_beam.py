"""`tessera node beam`: answer the explorer's queries straight from a Beam proxy."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("beam")(beam_command)


def beam_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    app: Annotated[
        str, typer.Option("--app", help="This app's id, as focus.site.broker.example.org.")
    ],
    key_file: Annotated[
        Path, typer.Option(help="Holds the app's key at the proxy.", show_default=False)
    ],
    proxy: Annotated[str, typer.Option(help="The site's Beam proxy.")] = "http://127.0.0.1:8081",
) -> None:
    """Take the explorer's queries from the site's Beam proxy and answer them, without an agent.

    It stands in for Focus: the proxy is asked for tasks, nothing calls the node. Published
    datasets answer, through the node's count policy; each answer is in the audit log before it
    leaves. A task that was not answered when this stopped is answered after the next start.
    Ctrl-C ends it.

    **Example:** `tessera node beam /srv/tessera --app focus.site.broker.example.org --key-file key`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.beam import run_beam
        from tessera.bootstrap.node import open_node

        run_beam(open_node(home), proxy_url=proxy, app_id=app, key_file=key_file, tell=typer.echo)
