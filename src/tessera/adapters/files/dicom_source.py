"""One DICOM file as a Source of bytes: as it stands, inflated, or put right by pydicom."""

import logging
import os
import stat
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    LONG_VRS,
    SHORT_VRS,
    BytesSource,
    FileMeta,
    OddEncoding,
    Source,
    read_file_meta,
)
from tessera.domain.imaging.header import FIRST_WINDOW

_HEAD = FIRST_WINDOW + (1 << 12)
"""Bytes that are read at once: file meta information and the first window of the header."""
LARGEST_IN_MEMORY = 128 << 20
"""Bytes of an inflated data set, or of a file that pydicom has to put right."""


class FileSource:
    """A Source over an open file; keeps its beginning, where headers are, and nothing else."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._info = os.fstat(descriptor)
        self._size = self._info.st_size
        self._head = b""

    @property
    def size(self) -> int:
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        end = offset + length
        if end <= _HEAD and not self._head:
            self._head = self._read(0, _HEAD)
        if end <= len(self._head):
            return self._head[offset:end]
        return self._read(offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self.descriptor, length, offset)
        except OSError as err:
            raise not_read(f"the file cannot be read: {err.strerror}") from err

    @property
    def is_regular(self) -> bool:
        return stat.S_ISREG(self._info.st_mode)

    def require_unchanged(self) -> None:
        """Raise InvalidDicom when the file was written to since it was opened.

        Where its header said pixels, something else may lie now.
        """
        now = os.fstat(self.descriptor)
        if (now.st_size, now.st_mtime_ns) != (self._info.st_size, self._info.st_mtime_ns):
            raise not_read("the file changed while it was read")


@contextmanager
def opened(path: Path | str) -> Iterator[FileSource]:
    """Open a file for reading; closed at the end of the block. Raises InvalidDicom."""
    try:
        # Without O_NONBLOCK a pipe would wait for ever for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as err:
        raise not_read(f"the file cannot be opened: {err.strerror}") from err
    try:
        file = FileSource(descriptor)
        if not file.is_regular:
            raise InvalidDicom(
                "unreadable", "it is no file but a pipe, a device or a folder", mend="leave it out"
            )
        yield file
    finally:
        os.close(descriptor)


def not_read(message: str) -> InvalidDicom:
    """Return the refusal of what could not be read this time; the next run tries again."""
    return InvalidDicom(
        "not-read", message, mend="check that it is there and may be read; the next run tries again"
    )


def dataset_source(source: Source) -> tuple[Source, FileMeta]:
    """Return a source whose data set is little endian and not deflated, with its meta.

    `dataset_offset` is within the returned source. Raises OddEncoding (take
    `normalised`) and InvalidDicom.
    """
    meta = read_file_meta(source)
    if meta.transfer_syntax_uid == EXPLICIT_BE:
        raise OddEncoding
    if meta.transfer_syntax_uid == IMPLICIT_LE:
        vr = source.read(meta.dataset_offset + 4, 2)
        if vr in SHORT_VRS or vr in LONG_VRS:
            raise OddEncoding  # it says implicit, and is explicit
    if meta.transfer_syntax_uid == DEFLATED_LE:
        return _inflated(source, meta), replace(meta, dataset_offset=0)
    return source, meta


def _inflated(source: Source, meta: FileMeta) -> BytesSource:
    packed = source.read(meta.dataset_offset, min(source.size, LARGEST_IN_MEMORY))
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = engine.decompress(packed, LARGEST_IN_MEMORY)
    except zlib.error as err:
        raise InvalidDicom(
            "damaged", "the deflated data set cannot be inflated", mend="send it again"
        ) from err
    if not engine.eof:
        if engine.unconsumed_tail:
            raise _too_large("the deflated data set")
        raise InvalidDicom("truncated", "the deflated data set is cut off", mend="send it again")
    return BytesSource(data)


def normalised(source: Source) -> tuple[Source, FileMeta]:
    """Let pydicom read an odd encoding and write it as a plain one of the same pixels.

    Big endian becomes explicit little endian; files without preamble or meta get one;
    tags are put in order; UN with a known VR is resolved. Raises InvalidDicom.
    """
    import numpy as np
    import pydicom
    from pydicom.uid import UID

    if source.size > LARGEST_IN_MEMORY:
        raise _too_large("a file in this encoding")
    data = source.read(0, source.size)
    out = BytesIO()
    try:
        with _quiet():
            ds = pydicom.dcmread(BytesIO(data), force=True)
            if "SOPClassUID" not in ds or "SOPInstanceUID" not in ds:
                raise _no_instance(data)
            syntax = ds.file_meta.get("TransferSyntaxUID") if hasattr(ds, "file_meta") else None
            swap = syntax == EXPLICIT_BE
            if syntax is None or not UID(str(syntax)).is_compressed:
                syntax = UID(EXPLICIT_LE)
            ds.decode()
            if swap:
                for element in ds:
                    if element.VR == "OW" and isinstance(element.value, bytes):
                        element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
            if not hasattr(ds, "file_meta"):
                ds.file_meta = pydicom.dataset.FileMetaDataset()
            ds.file_meta.TransferSyntaxUID = syntax
            ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
            ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
            ds.preamble = b"\0" * 128
            pydicom.dcmwrite(out, ds, enforce_file_format=True)
    except InvalidDicom:
        raise
    except Exception as err:
        raise InvalidDicom(
            "unreadable",
            f"neither the byte parser nor pydicom can read it ({type(err).__name__})",
            mend="look at it with dcmdump and send it again from its source",
        ) from err
    plain = BytesSource(out.getvalue())
    try:
        return dataset_source(plain)
    except OddEncoding as err:
        raise InvalidDicom("unreadable", "its encoding is not understood") from err


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep pydicom's warnings and log lines in: they quote attribute values."""
    log = logging.getLogger("pydicom")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before


def _no_instance(data: bytes) -> InvalidDicom:
    """Bytes that pydicom can read as something: damaged DICOM, or another kind of file."""
    if data[128:132] == b"DICM":
        return InvalidDicom(
            "no-uid",
            "SOPClassUID or SOPInstanceUID is absent",
            element="(0008,0018)",
            mend="correct it at the sender",
        )
    return InvalidDicom("not-dicom", "this is not a DICOM file", mend="leave it out")


def _too_large(what: str) -> InvalidDicom:
    return InvalidDicom(
        "too-large",
        f"{what} is larger than {LARGEST_IN_MEMORY >> 20} MB",
        mend="convert it to Explicit VR Little Endian, for example with dcmconv, and send it again",
    )
