"""`tessera hub backup` and `restore`: a hub's home on another disk, and back."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(hub_app: typer.Typer) -> None:
    """Add the commands to `tessera hub`."""
    hub_app.command("backup")(backup_command)
    hub_app.command("restore")(restore_command)


def backup_command(
    home: Annotated[Path, typer.Argument(help="The hub's home folder.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="Where the backup goes.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Back the home up while the hub runs, in place of the backup that is there.

    The hub's key is in it: who has the backup can speak as this hub. Mode 0700; keep it so.

    **Example:** `tessera hub backup /srv/hub /mnt/backup/hub`
    """
    with told():
        from tessera.bootstrap.hub_backup import back_up_hub

        done = back_up_hub(home, folder)
    if as_json:
        print_json({"files": done.n_files, "bytes": done.n_bytes})
    else:
        typer.echo(f"{done.n_files} files, {done.n_bytes / 1e6:.1f} MB in {folder}")


def restore_command(
    folder: Annotated[Path, typer.Argument(help="The backup.", show_default=False)],
    home: Annotated[Path, typer.Argument(help="A new home folder.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Make a hub's home from a backup. Every file is proved before the home is there.

    What came after the backup is not in it: nodes that joined, decisions, revocations.

    **Example:** `tessera hub restore /mnt/backup/hub /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub_backup import restore_hub

        made = restore_hub(folder, home)
    if as_json:
        print_json({"home": str(home), "made": made.isoformat()})
        return
    typer.echo(f"{home} is as it was at {made:%Y-%m-%d %H:%M:%S} UTC")
    typer.echo("before you start it, do again what was revoked since:")
    for command in ("nodes", "permits list", "user list"):
        typer.echo(f"  tessera hub {command} {home}")
