"""Frames through pydicom's decoders and encoders; native frames by numpy."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tessera.adapters.pixels.lossless import lossless_decoder
from tessera.domain.imaging.encoding import Source
from tessera.domain.imaging.structure import PixelStructure
from tessera.ports.pixel_codec import Frame, NotDecoded

RLE = "1.2.840.10008.1.2.5"
JPEG_SEQUENTIAL = frozenset(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"))
JPEG_LS, JPEG_LS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
J2K_LOSSLESS, J2K = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
_ENCODER = {
    RLE: RLE,
    JPEG_LS: JPEG_LS,
    JPEG_LS_NEAR: JPEG_LS,
    J2K_LOSSLESS: J2K_LOSSLESS,
    J2K: J2K_LOSSLESS,
}
"""Syntax → encoder. A lossless stream is also a valid one of the syntaxes that allow loss."""
_JPEG_LOSSLESS = frozenset(("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"))
_LOSSLESS_FRAME = 0xC3
_ENCODING = {RLE: "pylibjpeg", JPEG_LS: "pyjpegls", J2K_LOSSLESS: "pylibjpeg"}
_PLUGIN = {
    RLE: "pylibjpeg",
    J2K: "pylibjpeg",
    J2K_LOSSLESS: "pylibjpeg",
    JPEG_LS: "pyjpegls",
    JPEG_LS_NEAR: "pyjpegls",
    **dict.fromkeys(JPEG_SEQUENTIAL, "pillow"),
}
"""Decoder and encoder per syntax. GDCM ends the whole process on some frames that it does not
like, so that it is used for lossless JPEG alone, which nothing else here reads, and in a child
process (`lossless.py`)."""


class Frames:
    """Decoder and encoder in one (ports FrameDecoder and FrameEncoder)."""

    def decode(self, source: Source, structure: PixelStructure, frame: int) -> tuple[Frame, str]:
        if structure.encapsulated:
            stream = b"".join(source.read(*part) for part in structure.fragments[frame])
            return self.decode_stream(stream, structure)
        return native_frame(source.read(*structure.frame_stretch(frame)), structure)

    def decode_stream(self, stream: bytes, structure: PixelStructure) -> tuple[Frame, str]:
        """Decode one compressed frame. Raises NotDecoded."""
        from pydicom.encaps import encapsulate
        from pydicom.pixels.decoders.base import get_decoder

        uid = structure.transfer_syntax_uid
        if uid in _JPEG_LOSSLESS:
            _require_fitting(stream, structure)
            options = _options(structure, structure.photometric)
            return lossless_decoder().decode(stream, uid, options)
        try:
            with quiet():
                array, found = get_decoder(uid).as_array(
                    encapsulate([stream]),
                    index=0,
                    raw=True,
                    decoding_plugin=_PLUGIN.get(uid, ""),
                    **_options(structure, structure.photometric),
                )
        except Exception as err:  # decoders raise nearly anything
            raise NotDecoded(type(err).__name__) from err
        return np.asarray(array), str(found["photometric_interpretation"])

    def can_encode(self, transfer_syntax_uid: str) -> bool:
        return transfer_syntax_uid in _ENCODER

    def encode(self, frame: Frame, photometric: str, structure: PixelStructure) -> bytes:
        from pydicom.pixels.encoders.base import get_encoder

        wanted = structure.photometric
        mixed = wanted in ("YBR_RCT", "YBR_ICT") and photometric == "RGB"
        options = _options(structure, "YBR_RCT" if mixed else photometric)
        options["planar_configuration"] = 0
        try:
            with quiet():
                uid = _ENCODER[structure.transfer_syntax_uid]
                stream = get_encoder(uid).encode(
                    np.ascontiguousarray(frame), encoding_plugin=_ENCODING[uid], **options
                )
        except Exception as err:
            raise NotDecoded(type(err).__name__) from err
        again, _ = self.decode_stream(stream, structure)
        if not np.array_equal(again, frame):
            raise NotDecoded("not the same after encoding")
        return stream + b"\0" * (len(stream) % 2)


def _require_fitting(stream: bytes, structure: PixelStructure) -> None:
    """Raise NotDecoded unless a lossless JPEG has the size that the header says.

    GDCM trusts what it is told and can end the process when it is not so. Source: T.81 B.2.2.
    """
    pos = 2
    while stream[:2] == b"\xff\xd8" and pos + 9 < len(stream) and stream[pos] == 0xFF:
        marker, length = stream[pos + 1], int.from_bytes(stream[pos + 2 : pos + 4], "big")
        if marker == _LOSSLESS_FRAME:
            rows = int.from_bytes(stream[pos + 5 : pos + 7], "big")
            columns = int.from_bytes(stream[pos + 7 : pos + 9], "big")
            fits = (rows, columns) == (structure.rows, structure.columns)
            if (
                fits
                and stream[pos + 4] <= structure.allocated
                and (stream[pos + 9] == structure.samples)
            ):
                return
            break
        pos += 2 + length if marker != 0xFF else 1
    raise NotDecoded("the stream and the header contradict each other")


def _options(structure: PixelStructure, photometric: str) -> dict[str, Any]:
    return {
        "rows": structure.rows,
        "columns": structure.columns,
        "samples_per_pixel": structure.samples,
        "photometric_interpretation": photometric,
        "bits_allocated": structure.allocated,
        "bits_stored": structure.stored,
        "pixel_representation": int(structure.signed),
        "planar_configuration": structure.planar,
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }


def native_frame(raw: bytes, structure: PixelStructure) -> tuple[Frame, str]:
    """Return stored values of a native frame, high bits and all; chroma at full width."""
    rows, columns = structure.rows, structure.columns
    if structure.halved_chroma:
        quads = np.frombuffer(raw, np.uint8).reshape(rows, columns // 2, 4)
        out = np.empty((rows, columns, 3), np.uint8)
        out[:, 0::2, 0], out[:, 1::2, 0] = quads[:, :, 0], quads[:, :, 1]
        for plane in (1, 2):
            out[:, :, plane] = np.repeat(quads[:, :, plane + 1], 2, axis=1)
        return out, "YBR_FULL"
    kind = f"<{'i' if structure.signed else 'u'}{structure.allocated // 8}"
    flat = np.frombuffer(raw, kind)
    if structure.samples == 1:
        return flat.reshape(rows, columns), structure.photometric
    if structure.planar:
        planes = flat.reshape(structure.samples, rows, columns)
        return np.ascontiguousarray(planes.transpose(1, 2, 0)), structure.photometric
    return flat.reshape(rows, columns, structure.samples), structure.photometric


def native_bytes(frame: Frame, structure: PixelStructure) -> bytes:
    """Return a frame as native bytes, samples of a pixel together, little endian."""
    little = np.ascontiguousarray(frame, dtype=frame.dtype.newbyteorder("<"))
    return little.tobytes()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings and log lines in: they can quote what they read."""
    log = logging.getLogger("pydicom")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before
