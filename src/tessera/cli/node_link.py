"""`tessera node join` and `tessera node run`: a node and its hub."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told

Home = Annotated[Path, typer.Argument(help="The node's home folder.")]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.command("join")(join)
    node_app.command("run")(run)


def join(
    home: Home,
    hub_url: Annotated[str, typer.Argument(help="The hub's address.")],
    code: Annotated[str, typer.Argument(help="The invite code from the hub's operator.")],
    new_key: Annotated[
        bool,
        typer.Option("--new-key", help="Join anew with another key, after it was revoked."),
    ] = False,
) -> None:
    """Join a hub with an invite code. The node's key is made here and stays here.

    **Example:** `tessera node join /srv/node https://hub.example.org ABCD-EFGH-…`
    """
    with told():
        from tessera.bootstrap.link import join_hub

        joined = join_hub(home, hub_url, code, new_key=new_key)
        typer.echo(f"joined {joined.pin.hub_name} as {joined.pin.node_id}")
        typer.echo(f"fingerprint of this node's key: {joined.fingerprint}")
        typer.echo(
            "next: the hub's operator compares the fingerprint and runs "
            f"`tessera hub approve HUB_HOME {joined.pin.node_id}`"
        )


def run(home: Home) -> None:
    """Answer the hub's queries until Ctrl-C. Nothing calls in: the node calls the hub.

    With the setting dicom_port it also receives from a PACS, as `tessera node receive` does.

    **Example:** `tessera node run /srv/node`
    """
    with told():
        import logging

        from tessera.bootstrap.link import run_node

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        # One line per request of the HTTP library would hide the lines that matter.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        run_node(
            home,
            on_ready=lambda pin: typer.echo(f"{pin.node_id} is in touch with {pin.hub_url}"),
        )
