"""Port: the place where an engine's client asks and the node answers, in frames."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tessera.wire.frames import Frame


class Bridge(Protocol):
    """Opens a place for one client. Frames are handed over one at a time, in order."""

    def open(
        self, answer: Callable[[Frame], Frame], *, max_payload: int
    ) -> AbstractContextManager[Path]:
        """Answer at a new Unix socket that only this user reaches, until the context ends.

        Yields its path. Each connection brings one frame and gets one; what is no frame, or
        is larger than `max_payload` bytes, is hung up on. Nothing is left on disk.
        """
        ...
