"""`tessera node backup` and `restore`: a home on another disk, and back."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.command("backup")(backup_command)
    node_app.command("restore")(restore_command)


def backup_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="Where the backup goes.", show_default=False)],
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="On the same file system: give files that never change a second name, and copy "
            "the rest. Guards against mistakes, not against a broken disk.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Back the home up while it is in use; the next time only what is new is written.

    The vault is in it as it is, encrypted; the key that opens it is not: keep that elsewhere,
    with tessera node key backup. The folder holds names of files and of patients: it stays in
    the hospital. Exit code 3 when an instance is missing or damaged in the store.

    **Example:** `tessera node backup /srv/tessera /mnt/backup/tessera`
    """
    with told():
        from tessera.bootstrap.backup import back_up

        with progress() as bar:
            task = bar.add_task("files", total=None)

            def on_step(step: str, n: int) -> None:
                if step == "instance":
                    bar.advance(task)
                else:
                    bar.reset(task, total=n or None, description=step)

            done = back_up(home, folder, link=link, on_step=on_step)
    if as_json:
        print_json(
            {
                "files": done.n_files,
                "instances": done.n_instances,
                "bytes": done.n_bytes,
                "damaged": done.damaged,
            }
        )
    else:
        typer.echo(f"{done.n_instances} instances and {done.n_files} other files in {folder}")
        for place in done.damaged:
            typer.echo(f"damaged or missing, not in the backup: {place}", err=True)
        if done.damaged:
            typer.echo(f"what to do: tessera node fsck {home} --deep", err=True)
    if done.damaged:
        raise typer.Exit(exit_codes.INCOMPLETE)


def restore_command(
    folder: Annotated[Path, typer.Argument(help="The backup.", show_default=False)],
    home: Annotated[Path, typer.Argument(help="A new home folder.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Make a home from a backup. Every file is proved before the home is there.

    State goes into SQLite and files into a folder, wherever they were; tessera node move takes
    them from there. The vault's key is not in a backup: put it where it was, or restore it with
    tessera node key restore.

    **Example:** `tessera node restore /mnt/backup/tessera /srv/tessera`
    """
    with told():
        from tessera.bootstrap.backup import restore
        from tessera.bootstrap.node import open_node

        with progress() as bar:
            task = bar.add_task("files", total=None)

            def on_step(step: str, n: int) -> None:
                if step == "file":
                    bar.advance(task)
                else:
                    bar.reset(task, total=n or None, description=step)

            made = restore(folder, home, on_step=on_step)
        totals = open_node(made).index.totals()
    if as_json:
        print_json({"home": str(made), "instances": totals.n_instances})
        return
    typer.echo(f"{made} is restored: {totals.n_instances} instances")
    typer.echo(f"does its vault open? tessera node key show {made}")
