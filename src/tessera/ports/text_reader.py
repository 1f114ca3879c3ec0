"""Port: reading text in a picture (optical character recognition)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ReadText:
    """One line of text that was found in a picture."""

    x: int
    """Left edge, pixels of the picture given."""
    y: int
    """Upper edge, pixels."""
    width: int
    height: int
    text: str
    """What was read; may be wrong."""
    score: float
    """How sure the reader is, 0 to 1."""


class TextReader(Protocol):
    """Finds and reads text. Costly to make, to be kept by its worker."""

    def read(self, picture: NDArray[np.uint8]) -> Sequence[ReadText]:
        """Return the lines of text in a picture of shape (rows, columns) or (rows, columns, 3)."""
        ...
