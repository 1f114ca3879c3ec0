"""Port: parts of a stored instance's file as DICOMweb serves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tessera.domain.imaging.dicom_json import Described


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A stretch of a file, sent without being read."""

    path: Path | str
    offset: int
    length: int


Body = bytes | FileSlice
"""Something to send."""


def size_of(body: Body) -> int:
    """Return bytes."""
    return body.length if isinstance(body, FileSlice) else len(body)


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """The frames of an instance as they are stored."""

    transfer_syntax_uid: str
    frames: tuple[tuple[Body, ...], ...]
    """Pieces of each frame; each is one native frame or one compressed stream."""
    is_native: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a frame is rendered (PS3.18 8.3.5)."""

    kind: str = "image/jpeg"
    """Or image/png."""
    width: int = 0
    height: int = 0
    """Of the viewport; 0 is the frame's own size. The picture is made to fit into it."""
    center: float | None = None
    window: float | None = None
    quality: int = 90


class WebPixels(Protocol):
    """Every method takes the path of an instance's file; raises InvalidDicom when it is damaged."""

    def describe(self, path: Path) -> Described:
        """Return the instance as DICOM JSON."""
        ...

    def bulk(self, path: Path, place: str) -> Body:
        """Return the value at a bulk data URI's last part. Raises NotFound."""
        ...

    def frames(self, path: Path, numbers: Sequence[int]) -> StoredFrames:
        """Return frames by number from 1, all when none is named. Raises NotFound."""
        ...

    def native(self, path: Path, number: int) -> bytes:
        """Return one frame decoded, little endian. Raises NotFound and NotAcceptable."""
        ...

    def transcoded(self, path: Path) -> bytes:
        """Return the file in Explicit VR Little Endian. Raises NotAcceptable."""
        ...

    def rendered(self, path: Path, number: int, look: Look) -> bytes:
        """Return one frame as a picture. Raises NotFound and NotAcceptable."""
        ...
