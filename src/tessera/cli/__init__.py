"""The `tessera` command. Results on stdout, progress on stderr, documented exit codes."""

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    help="Share cancer images for research without the images leaving home.",
)


def main() -> None:
    """Entry point of the console command."""
    from tessera.cli.register import register_all

    register_all(app)
    app()
