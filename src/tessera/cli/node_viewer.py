"""`tessera node viewer …`: install the viewer, and look at the research zone with it."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, progress, told

viewer_app = typer.Typer(
    no_args_is_help=True, help="See the node's studies in a browser, with their segmentations."
)
Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.add_typer(viewer_app, name="viewer")


@viewer_app.command("install")
def install_command(
    home: Home,
    file: Annotated[
        Path | None,
        typer.Option("--from", help="The package as a file, where there is no way out."),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            envvar="TESSERA_VIEWER_SOURCE",
            help="An npm registry, for example the hospital's mirror. Default: the public one.",
            show_default=False,
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Install the viewer into the node's home: the OHIF Viewer, one version, checked by SHA-512.

    Afterwards it needs no network. Done again, it replaces what is there.

    **Example:** `tessera node viewer install /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.viewer import SOURCE, VERSION, install_viewer

        node = open_node(home)
        with progress() as bar:
            task = bar.add_task("fetch", total=None)
            folder = install_viewer(
                node,
                file=file,
                source=source or SOURCE,
                tell=lambda n, n_all: bar.update(task, completed=n, total=n_all or None),
            )
    if as_json:
        print_json({"package": VERSION, "folder": str(folder)})
        return
    typer.echo(f"{VERSION} is installed; look: tessera node viewer open {home}")


@viewer_app.command("open")
def open_command(
    home: Home,
    port: Annotated[int, typer.Option(help="TCP port; 0 is a free one.", min=0)] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser at the page.")] = True,
) -> None:
    """Open the list of studies, and each of them in the viewer. For this computer only.

    The address holds a key that lasts until the command ends; Ctrl-C ends it.

    **Example:** `tessera node viewer open /srv/tessera`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.viewer import serve_viewer

        serve_viewer(open_node(home), port=port, tell=typer.echo, browser=browser)
