"""What a command says and returns when it cannot do its work."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tessera.cli import exit_codes


@contextmanager
def told(command: str) -> Iterator[None]:
    """Turn a deliberate error into one line on stderr and its exit code."""
    from tessera.domain.errors import TesseraError

    try:
        yield
    except (TesseraError, OSError) as err:
        typer.echo(f"{command}: {err}", err=True)
        raise typer.Exit(exit_codes.FAILED) from err
    except KeyboardInterrupt as err:
        typer.echo(f"{command}: stopped", err=True)
        raise typer.Exit(exit_codes.INTERRUPTED) from err
