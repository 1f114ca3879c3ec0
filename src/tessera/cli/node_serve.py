"""`tessera node serve` and `tessera node web-key …`: DICOMweb over the research zone."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Name = Annotated[str, typer.Argument(help="Who or what uses it.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
key_app = typer.Typer(no_args_is_help=True, help="Keys to DICOMweb: what each may see, until when.")


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.command("serve")(serve_command)
    node_app.add_typer(key_app, name="web-key")


def serve_command(
    home: Home,
    port: Annotated[int, typer.Option(help="TCP port; 0 is a free one.", min=0)] = 8042,
    address: Annotated[
        str, typer.Option(help="Where to listen. Beyond this computer: behind a TLS proxy.")
    ] = "127.0.0.1",
) -> None:
    """Serve DICOMweb (QIDO-RS, WADO-RS, STOW-RS) over the de-identified instances.

    Each request needs a key: `tessera node web-key add`. Ctrl-C ends it.

    **Example:** `tessera node serve /srv/tessera --port 8042`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.dicomweb import serve_dicomweb
        from tessera.bootstrap.node import open_node

        serve_dicomweb(open_node(home), address=address, port=port, tell=typer.echo)


@key_app.command("add")
def add_command(
    home: Home,
    name: Name,
    study: Annotated[
        list[str] | None, typer.Option(help="StudyInstanceUID that it may see. Repeatable.")
    ] = None,
    all_studies: Annotated[bool, typer.Option("--all", help="It may see every study.")] = False,
    store: Annotated[bool, typer.Option(help="It may send instances to the intake.")] = False,
    days: Annotated[int, typer.Option(help="Days until it ends.", min=1, max=3660)] = 90,
) -> None:
    """Make a key and print it, this once: only its digest is kept.

    **Example:** `tessera node web-key add /srv/tessera viewer --all --days 30`
    """
    with told():
        from tessera.bootstrap.dicomweb import add_key
        from tessera.bootstrap.node import open_node

        key = add_key(
            open_node(home),
            name,
            days=days,
            studies=study or (),
            sees_all=all_studies,
            may_store=store,
        )
    typer.echo(key)


@key_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List the keys: name, what it may see, whether it may store, when it ends.

    **Example:** `tessera node web-key list /srv/tessera`
    """
    with told():
        from tessera.bootstrap.dicomweb import keys_of
        from tessera.bootstrap.node import open_node

        keys = keys_of(open_node(home)).all()
    rows = [
        {
            "name": one.name,
            "studies": "all" if one.sees_all else one.n_studies,
            "may_store": one.may_store,
            "ends": one.ends.isoformat(timespec="seconds"),
        }
        for one in keys
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo("\t".join(str(value) for value in row.values()))


@key_app.command("remove")
def remove_command(home: Home, name: Name) -> None:
    """Remove a key; it opens nothing from now on.

    **Example:** `tessera node web-key remove /srv/tessera viewer`
    """
    with told():
        from tessera.bootstrap.dicomweb import keys_of
        from tessera.bootstrap.node import open_node

        keys_of(open_node(home)).remove(name)
