"""The `tessera` command. Results on stdout, progress on stderr, documented exit codes."""

import sys
from typing import Annotated

import typer

from tessera import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Share cancer images for research without the images leaving home.",
)


def main() -> None:
    """Entry point of the console command."""
    from tessera.cli.register import register_called

    register_called(app, sys.argv[1:])
    app()


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"tessera {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Share cancer images for research without the images leaving home."""
