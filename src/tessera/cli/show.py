"""How commands talk: errors on stderr with an exit code, bars on stderr, JSON on stdout."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tessera.cli import exit_codes
from tessera.domain.errors import TesseraError

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def told() -> Iterator[None]:
    """Turn a deliberate error into one line and an exit code; Ctrl-C into 130."""
    try:
        yield
    except TesseraError as err:
        typer.secho(f"error ({err.code}): {err}", err=True, fg=typer.colors.RED)
        raise typer.Exit(exit_codes.FAILED) from err
    except KeyboardInterrupt as err:
        typer.secho("stopped; the same command goes on from here", err=True)
        raise typer.Exit(exit_codes.INTERRUPTED) from err


def print_json(value: object) -> None:
    """Write one JSON document to stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def progress() -> "Progress":
    """Return a progress bar on stderr that is silent when nobody looks."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
