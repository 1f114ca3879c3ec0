"""`tessera node move`: state and files from one kind of store to the other."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, progress, told


class To(StrEnum):
    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"
    S3 = "s3"
    FOLDER = "folder"


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("move")(move_command)


def move_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    to: Annotated[To, typer.Option(help="State: postgresql or sqlite. Files: s3 or folder.")],
    dsn_file: Annotated[
        str, typer.Option(help="File with PostgreSQL's address, mode 0600, or credential:NAME.")
    ] = "",
    schema: Annotated[str, typer.Option(help="Begins the names of the two schemas.")] = "",
    bucket: Annotated[str, typer.Option(help="Bucket for the files.")] = "",
    prefix: Annotated[str, typer.Option(help="Begins each key in the bucket.")] = "",
    endpoint: Annotated[str, typer.Option(help="Of an S3 store that is not Amazon's.")] = "",
    region: Annotated[str, typer.Option(help="Of the bucket.")] = "",
    credentials_file: Annotated[
        str, typer.Option(help="File with the S3 key, mode 0600, or credential:NAME.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy a node's state or files to another kind of store, prove it, and switch to it.

    Stop the node first. Every row and file is compared in the new store; only then does
    node.toml name it. The old store is kept under another name. An interrupted move goes on when
    the same command is run again.

    **Example:** `tessera node move /srv/tessera --to postgresql --dsn-file /etc/tessera/dsn`
    """
    given = {
        "postgres_dsn_file": dsn_file,
        "postgres_schema": schema,
        "s3_bucket": bucket,
        "s3_prefix": prefix,
        "s3_endpoint": endpoint,
        "s3_region": region,
        "s3_credentials_file": credentials_file,
    }
    wanted = {To.POSTGRESQL: "postgres_", To.S3: "s3_"}.get(to, "nothing")
    values = {key: value for key, value in given.items() if value}
    strangers = [key for key in values if not key.startswith(wanted)]
    if strangers:
        raise typer.BadParameter(f"{', '.join(strangers)}: not with --to {to}")
    with told(stopped="stopped; nothing was switched, the same command goes on from here"):
        from tessera.bootstrap.move import move

        with progress() as bar:
            task = bar.add_task("copying", total=None)

            def on_step(step: str, n: int) -> None:
                if step == "file":
                    bar.advance(task)
                else:
                    bar.reset(task, total=n or None, description=step)

            done = move(home, to.value, values, on_step=on_step)
    if as_json:
        print_json(
            {"to": done.to, "copied": done.n_copied, "bytes": done.n_bytes, "left": done.left}
        )
        return
    things = "rows" if to in (To.POSTGRESQL, To.SQLITE) else "files"
    typer.echo(f"{done.n_copied} {things} are in {to}, each compared; the node uses it from now on")
    for left in done.left:
        typer.echo(f"kept of the old store: {left}")
