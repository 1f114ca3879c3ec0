"""`tessera node key …`: the vault with the secret behind pseudonyms, UIDs and dates."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

key_app = typer.Typer(no_args_is_help=True, help="The vault: show, lock anew, back up, restore.")

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
VaultKey = Annotated[
    str,
    typer.Option(
        "--vault-key",
        help="What opens the vault: a path for a new key file, credential:NAME (systemd), or "
        "passphrase. Default: a new file in the settings folder.",
        show_default=False,
    ),
]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.add_typer(key_app, name="key")


@key_app.command("show")
def show_command(
    home: Home,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the names of the keys and how the vault is locked; never a key.

    **Example:** `tessera node key show /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.vault import described

        told_of = described(open_node(home).home)
    if as_json:
        print_json(told_of)
        return
    typer.echo(f"project key {told_of['key']}, made {str(told_of['made'])[:10]}")
    retired = told_of["retired"]
    for old in retired if isinstance(retired, list) else []:
        typer.echo(f"retired     {old['key']}, {old['made'][:10]} to {old['retired'][:10]}")
    place = f" {told_of['place']}" if told_of["place"] else ""
    typer.echo(f"locked by   {told_of['locked_by']}{place}")


@key_app.command("rotate")
def rotate_command(home: Home, vault_key: VaultKey = "") -> None:
    """Lock the vault with a new key; pseudonyms stay as they are.

    **Example:** `tessera node key rotate /srv/tessera --vault-key /mnt/usb/tessera.key`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.vault import rotate

        wrapping = rotate(open_node(home).home, vault_key)
    typer.echo(f"the vault is locked anew, by {wrapping.kind} {wrapping.place}".rstrip())


@key_app.command("new-project")
def new_project_command(home: Home) -> None:
    """Begin a new project in an empty home: pseudonyms that cannot be linked to the former.

    The former key is kept in the vault as retired.

    **Example:** `tessera node key new-project /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.vault import new_project

        node = open_node(home)
        name = new_project(node.home, node.index.totals().n_instances)
    typer.echo(f"the project key is now {name}")


@key_app.command("backup")
def backup_command(
    home: Home,
    file: Annotated[Path, typer.Argument(help="New file.", show_default=False)],
) -> None:
    """Write the keys to a file that a passphrase opens. Without any copy they cannot be had again.

    The passphrase is asked for, or read from the file that TESSERA_VAULT_PASSPHRASE_FILE names.

    **Example:** `tessera node key backup /srv/tessera /mnt/safe/vault-backup.json`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.vault import back_up

        back_up(open_node(home).home, file)
    typer.echo(f"written to {file}; keep it, and the passphrase elsewhere")


@key_app.command("restore")
def restore_command(
    home: Home,
    file: Annotated[Path, typer.Argument(help="What backup wrote.", show_default=False)],
    vault_key: VaultKey = "",
) -> None:
    """Put the keys of a backup into a vault that is lost or does not open.

    **Example:** `tessera node key restore /srv/tessera /mnt/safe/vault-backup.json`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.vault import restore

        name = restore(open_node(home).home, file, vault_key)
    typer.echo(f"restored: the project key is {name}")
