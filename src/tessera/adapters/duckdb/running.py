"""How long a statement may run, and what its failure says."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import duckdb

from tessera.domain.errors import Unavailable


@contextmanager
def time_limit(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    """Interrupt what the cursor does after so long; `failures` makes our error of it."""
    done = Event()

    def interrupt() -> None:
        wait_s = seconds
        while not done.wait(wait_s):
            cursor.interrupt()  # again and again: between two statements it is without effect
            wait_s = 0.1

    watching = Thread(target=interrupt, daemon=True)
    watching.start()
    try:
        yield
    finally:
        done.set()
        watching.join()


@contextmanager
def failures(message: str) -> Iterator[None]:
    """Turn DuckDB's error into ours, without its text: that may quote values of a table."""
    try:
        yield
    except duckdb.Error as err:
        raise Unavailable(f"{message} ({type(err).__name__})") from None
