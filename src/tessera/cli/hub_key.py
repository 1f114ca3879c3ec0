"""`tessera hub key …`: the key by which nodes know the hub."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

key_app = typer.Typer(
    no_args_is_help=True, help="The key by which nodes know the hub: show, renew."
)
Home = Annotated[Path, typer.Argument(help="The hub's home folder.", show_default=False)]


def register(hub_app: typer.Typer) -> None:
    """Add the commands to `tessera hub`."""
    hub_app.add_typer(key_app, name="key")


@key_app.command("show")
def show(
    home: Home,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Show the fingerprint of the hub's key, and of those before it; never a key.

    **Example:** `tessera hub key show /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub import hub_keys
        from tessera.cli.node_link_key import key_lines, keys_as_json

        keys = hub_keys(home)
    if as_json:
        print_json(keys_as_json(keys))
        return
    typer.echo("\n".join(key_lines("the hub's key", keys)))


@key_app.command("renew")
def renew(home: Home) -> None:
    """Make a new key. Nodes follow by themselves: the former key signs that this one is next.

    A running hub goes on, and takes the new key up by itself. Invite codes made before still
    serve. Interrupted, the same command finishes it.

    **Example:** `tessera hub key renew /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub import renew_hub_key

        fingerprint = renew_hub_key(home)
    typer.echo(f"the hub's key is now {fingerprint}")
    typer.echo("the former key answers for ten minutes more; keep hub.key.renewals, nodes need it")
