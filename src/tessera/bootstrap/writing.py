"""What stops all writing is told in one line, not as a fault of some file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tessera.domain.errors import Conflict


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn a full disk, a lost mount or a missing permission into Conflict.

    What goes wrong when a source is read is refused with that source and does not get here.
    """
    try:
        yield
    except OSError as err:
        reason = err.strerror or type(err).__name__
        raise Conflict(
            f"{folder} cannot be written: {reason}; mend that and run the same command again"
        ) from err
