"""Port: frames of pixel data, decoded and put together again."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tessera.domain.imaging.encoding import Source
from tessera.domain.imaging.structure import PixelStructure

Frame = NDArray[np.generic]
"""Stored values of one frame: (rows, columns) or (rows, columns, samples), integers."""


class FrameDecoder(Protocol):
    """Decodes one frame at a time; holds no other."""

    def decode(self, source: Source, structure: PixelStructure, frame: int) -> tuple[Frame, str]:
        """Return the frame and its photometric interpretation once decoded.

        Raises NotDecoded when no decoder that is installed can read it.
        """
        ...


class FrameEncoder(Protocol):
    """Encodes one frame without loss."""

    def can_encode(self, transfer_syntax_uid: str) -> bool: ...

    def encode(self, frame: Frame, photometric: str, structure: PixelStructure) -> bytes:
        """Return the frame's stream in the structure's transfer syntax, of even length.

        Raises NotDecoded when what comes out does not decode to the same values.
        """
        ...


class NotDecoded(Exception):
    """No decoder here reads this frame, or no encoder writes it. Carries no value."""
