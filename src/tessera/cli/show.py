"""How commands talk: errors on stderr with an exit code, bars on stderr, JSON on stdout."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import typer

from tessera.cli import exit_codes
from tessera.domain.errors import TesseraError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@contextmanager
def told(*, stopped: str = "stopped; the same command goes on from here") -> Iterator[None]:
    """Turn an error of ours, of files or of a database into one line and a code; Ctrl-C into 130.

    A pipe that the reader closed is left to the program's outermost layer.
    """
    try:
        yield
    except TesseraError as err:
        typer.secho(f"error ({err.code}): {err}", err=True, fg=typer.colors.RED)
        raise typer.Exit(exit_codes.FAILED) from err
    except BrokenPipeError:
        raise
    except OSError as err:
        where = f"{err.filename}: " if err.filename else ""
        _fail(f"{where}{err.strerror or err}; check the path, and who may read and write there")
        raise typer.Exit(exit_codes.FAILED) from err
    except sqlite3.OperationalError as err:
        _fail(f"a database in the home folder: {err}; check who may read and write there")
        raise typer.Exit(exit_codes.FAILED) from err
    except KeyboardInterrupt as err:
        typer.secho(stopped, err=True)
        raise typer.Exit(exit_codes.INTERRUPTED) from err


def _fail(message: str) -> None:
    typer.secho(f"error: {message}", err=True, fg=typer.colors.RED)


def has_folder(path: Path | None) -> Path | None:
    """Refuse a file to be written whose folder is missing: before the work, not after it."""
    if path is not None and str(path) != "-" and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {path.parent} does not exist")
    return path


def print_json(value: object) -> None:
    """Write one JSON document to stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


class NoBar:
    """A progress bar that nobody sees, with what commands use of one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take away."""

    def add_task(self, _description: str, *, total: float | None = None) -> "TaskID":
        return cast("TaskID", 0)

    def advance(self, task: "TaskID", advance: float = 1) -> None:
        """Show nothing."""

    def update(self, task: "TaskID", **_changes: Any) -> None:
        """Show nothing."""

    def reset(self, task: "TaskID", **_changes: Any) -> None:
        """Show nothing."""


def progress() -> "Progress | NoBar":
    """Return a progress bar on stderr that is silent when nobody looks."""
    if not sys.stderr.isatty():
        return NoBar()  # rich takes longer to load than a small job takes
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
    )
