"""Find and read what a check is pointed at: files, folders, zips, by content and not by name."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from tessera.adapters.files.instance_reader import read_instance_with_facts
from tessera.domain.errors import InvalidDicom, NotFound
from tessera.domain.imaging.encoding import NATIVE
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.inputs import NotDicom, ReadInstance, ReadOutcome, Unreadable

LARGEST_MEMBER_BYTES = 8 << 30
"""A larger member of a zip is not unpacked, and is reported."""
_DICOM_ENDINGS = frozenset((".dcm", ".dicom", ".dic", ".ima"))
_MOVED_PREFIX = b"DICM\x02\x00"
"""Prefix and first group of a file whose preamble was cut or grew (PS3.10 7.1)."""
_MEDIA_DIRECTORY = b"1.2.840.10008.1.3.10"
"""SOP class of a DICOMDIR, which lists instances and is none (PS3.3 F)."""
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"
_VIDEO = "1.2.840.10008.1.2.4.10"
"""MPEG-2, MPEG-4 and HEVC, 1.2.840.10008.1.2.4.100 to .108: one stream for all frames."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one member of a zip."""

    path: Path
    member: str = ""

    @property
    def label(self) -> str:
        return f"{self.path}!/{self.member}" if self.member else str(self.path)


def sources(target: Path) -> Iterator[Source]:
    """Yield every file at or under `target`, in order of name. Links to folders are not followed.

    Raises NotFound when there is nothing at `target`.
    """
    if target.is_file():
        yield from _members(target)
    elif target.is_dir():
        for folder, folders, files in os.walk(target):
            folders.sort()
            for name in sorted(files):
                path = Path(folder, name)
                if path.is_file():
                    yield from _members(path)
    else:
        raise NotFound(f"{target}: no such file or folder")


def read_sources(batch: Sequence[Source]) -> list[ReadOutcome]:
    """Read a batch, one outcome per source, in order; a bad file never stops the rest."""
    return list(_read_all(batch))


def _read_all(batch: Sequence[Source]) -> Iterator[ReadOutcome]:
    opened: zipfile.ZipFile | None = None
    try:
        for source in batch:
            if not source.member:
                yield _read(source.path, source)
                continue
            try:
                if opened is None or opened.filename != str(source.path):
                    if opened is not None:
                        opened.close()
                    opened = zipfile.ZipFile(source.path)
                yield _read_member(opened, source)
            except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as err:
                yield _not_unpacked(source, err)
    finally:
        if opened is not None:
            opened.close()


def _read_member(archive: zipfile.ZipFile, source: Source) -> ReadOutcome:
    info = archive.getinfo(source.member)
    if info.file_size > LARGEST_MEMBER_BYTES:
        return Unreadable(
            source.label,
            "too-large",
            f"the member claims {info.file_size} bytes",
            mend="Unpack the archive and check the folder",
        )
    with NamedTemporaryFile(prefix="tessera-check-") as copy:
        left = info.file_size
        with archive.open(info) as stream:
            while left > 0 and (block := stream.read(min(_CHUNK, left))):
                copy.write(block)
                left -= len(block)
        copy.flush()
        return _read(Path(copy.name), source)


def _read(path: Path, source: Source) -> ReadOutcome:
    try:
        row, facts = read_instance_with_facts(path)
        with path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
            if row.has_pixels and row.transfer_syntax_uid not in NATIVE:
                _require_all_fragments(stream, row)
        return ReadInstance(replace(row, path=source.label, sha256=digest), facts)
    except InvalidDicom as err:
        if _is_foreign(path, source, err.reason):
            return NotDicom(source.label)
        return Unreadable(source.label, err.reason, err.message, err.element, err.mend)
    except Exception as err:  # one file must not end the check of all others
        return Unreadable(
            source.label,
            "unreadable",
            f"the file cannot be read ({type(err).__name__})",
            mend="Look at it with dcmdump and send it again from its source",
        )


def _require_all_fragments(stream: BinaryIO, row: InstanceRow) -> None:
    """Raise InvalidDicom when encapsulated pixel data is cut off, or has too few fragments.

    A frame has at least one fragment, except in video streams. Source: PS3.5 A.4.
    """
    at, n_items = row.n_bytes - row.pixel_bytes, 0
    while True:
        stream.seek(at)
        header = stream.read(8)
        tag, length = header[:4], int.from_bytes(header[4:8], "little")
        if n_items == 0 and tag != _ITEM:
            return  # the reader had to rewrite an odd encoding: places are not those of the file
        if tag == _SEQUENCE_END:
            break
        if len(header) < 8 or tag != _ITEM or at + 8 + length > row.n_bytes:
            raise InvalidDicom(
                "truncated",
                "the compressed pixel data is cut off",
                element="(7FE0,0010)",
                mend="send it again from its source",
            )
        at, n_items = at + 8 + length, n_items + 1
    is_video = row.transfer_syntax_uid.startswith(_VIDEO)
    if not is_video and n_items - 1 < row.frames:
        raise InvalidDicom(
            "truncated",
            f"the compressed pixel data has {n_items - 1} fragments for {row.frames} frames",
            element="(7FE0,0010)",
            mend="send it again from its source",
        )


def _is_foreign(path: Path, source: Source, reason: str) -> bool:
    """Return whether a file that is no instance is no damaged one either.

    The name decides only here, where the content says nothing.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(1024)
    except OSError:
        return False
    if head[128:132] == b"DICM":
        return _MEDIA_DIRECTORY in head
    name = Path(source.member or source.path.name)
    ending = name.suffix.lower()
    if reason == "empty":
        named_like_dicom = ending in _DICOM_ENDINGS or ending[1:].isdigit() or not ending
        return name.name.startswith(".") or not named_like_dicom
    return (
        reason in ("not-dicom", "archive")
        and ending not in _DICOM_ENDINGS
        and _MOVED_PREFIX not in head
    )


def _members(path: Path) -> Iterator[Source]:
    """Yield the members of a zip of files, or the file itself."""
    try:
        with path.open("rb") as stream:
            is_zip = stream.read(4) == b"PK\x03\x04"
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist() if not info.is_dir()]
            if not _is_document(names):
                yield from (Source(path, name) for name in sorted(names))
                return
    except (OSError, zipfile.BadZipFile, ValueError):
        pass
    yield Source(path)


def _is_document(names: Iterable[str]) -> bool:
    """Office documents and programs are zips too; they hold no instances."""
    return any(
        name in ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF") for name in names
    )


def _not_unpacked(source: Source, err: Exception) -> Unreadable:
    secret = "encrypted" in str(err) or "password" in str(err)
    return Unreadable(
        source.label,
        "encrypted" if secret else "damaged",
        "the member is encrypted" if secret else f"the zip is damaged ({type(err).__name__})",
        mend="Unpack it and check the folder" if secret else "Make or fetch the zip again",
    )
