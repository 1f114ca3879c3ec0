"""The proof that an instance's pixels were looked at. Pure.

The gate holds every class that can carry text in its pixels, unless it is given this. Only the
pixel rules of this package make one, and it counts only for the very bytes that were looked at.
"""

from dataclasses import dataclass
from typing import Final

_MADE_HERE: Final = object()


@dataclass(frozen=True, slots=True)
class CheckedPixels:
    """Pixel data in which no identity is left, by its hash."""

    sha256: str
    """Of the value of the pixel data element (of the encapsulated document, when `document`),
    hexadecimal; "" for an instance without one."""
    blanked: int
    """Boxes that were blanked; 0 when the pixels stayed as they were."""
    defaced: bool = False
    graphics: bool = False
    """The overlays (60xx) that are still there were read, and hold no text."""
    document: bool = False
    """The encapsulated document was made anew from cleaned text."""
    read: bool = True
    """Text was looked for; a face may be taken out of pixels that nobody has read."""
    seal: object = None

    def __post_init__(self) -> None:
        if self.seal is not _MADE_HERE:
            raise TypeError("CheckedPixels is built by the pixel rules, not by hand")

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process boundary inside the node (worker to main process)."""
        told = (self.blanked, self.defaced, self.graphics, self.document, self.read)
        return (_rebuilt, (self.sha256, *told))


def seal_checked(
    sha256: str,
    *,
    blanked: int = 0,
    defaced: bool = False,
    graphics: bool = False,
    document: bool = False,
    read: bool = True,
) -> CheckedPixels:
    """Say that these pixel bytes carry no identity. Only for `domain/deid/pixels`."""
    return CheckedPixels(sha256, blanked, defaced, graphics, document, read, _MADE_HERE)


def _rebuilt(
    sha256: str, blanked: int, defaced: bool, graphics: bool, document: bool, read: bool
) -> CheckedPixels:
    return CheckedPixels(sha256, blanked, defaced, graphics, document, read, _MADE_HERE)
