"""`tessera node pixels`: look at what was held for its pixels."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("pixels")(pixels_command)


def pixels_command(
    home: Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)],
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default one for each core.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Look at no more than so many now.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read the text in held pictures, blank what names somebody, and take them in.

    Boxes that name somebody or cannot be read for certain are blanked, harmless marks stay. What
    is not certain waits for a person: `tessera node review list`. May be stopped at any moment;
    the next run goes on. Exit code 3 when something waits for a person or was refused.

    **Example:** `tessera node pixels /srv/tessera`
    """
    from collections import Counter

    from tessera.bootstrap.node import open_node
    from tessera.bootstrap.pixels import clean_held_pixels

    with told():
        node = open_node(home)
        n_held, looked = clean_held_pixels(node, workers=workers, limit=limit)
        counts: Counter[str] = Counter()
        with progress() as bar:
            task = bar.add_task("read pixels", total=n_held)
            for entry in looked:
                counts[_outcome(entry.state, entry.reason)] += 1
                bar.advance(task)
    if as_json:
        print_json({"looked_at": n_held, **counts})
    else:
        words = ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))
        typer.echo(f"{n_held} held for their pixels: {words or 'nothing to do'}")
        if counts["for a person"]:
            typer.echo(f"look at them: tessera node review open {home}", err=True)
            typer.echo(f"and at what has no picture: tessera node quarantine {home}", err=True)
    if counts["for a person"] or counts["refused"] or counts["held"]:
        raise typer.Exit(exit_codes.INCOMPLETE)


def _outcome(state: str, reason: str) -> str:
    waits = reason in ("review", "face-not-found", "not-decoded")
    return "for a person" if waits else str(state)
