"""Port: where instances go that come over HTTP. Identified zone."""

from typing import Protocol


class ComingFile(Protocol):
    """One file under way. It is invisible to the intake until `publish`."""

    def write(self, data: bytes) -> None:
        """Append. Raises OSError, as on a full disk."""
        ...

    def publish(self) -> None:
        """Make it durable and hand it to the intake. Raises OSError."""
        ...

    def abandon(self) -> None:
        """Remove it."""
        ...


class StowInbox(Protocol):
    def new(self) -> ComingFile:
        """Return a new file. Raises OSError."""
        ...
