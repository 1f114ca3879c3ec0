"""Port: bulk work over many processes or hosts."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Executor(Protocol):
    """Runs a picklable function over items."""

    def map_unordered(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yield results as they are done. Only a few items are taken ahead of the workers."""
        ...

    def close(self) -> None:
        """Stop the workers; unfinished items are dropped."""
        ...
