"""Take one source in: open or unpack it, de-identify it, stage it, or say why not."""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile

from tessera.adapters.files.dicom_source import (
    FileSource,
    dataset_source,
    normalised,
    not_read,
    opened,
)
from tessera.adapters.files.instance_store import FolderInstanceStore, sync_files, sync_folder
from tessera.adapters.files.instance_writer import write_instance
from tessera.adapters.files.walk import zip_members
from tessera.domain.access.exclusions import OPTED_OUT
from tessera.domain.deid.gate import HELD, DeidentifiedInstance, Deidentifier, Names
from tessera.domain.deid.tally import tally_of_changes
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import (
    BytesSource,
    FileMeta,
    OddEncoding,
    Source,
    read_file_meta,
)
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified, Identified
from tessera.ports.intake import Taken
from tessera.ports.ledger import NOT_READ, SourceFile, State

IGNORED = frozenset(("not-dicom", "empty", "directory"))
"""Reasons that mean "not an instance": nothing is kept of these."""
_NOT_KEPT = frozenset((OPTED_OUT, NOT_READ, "archive"))


Probe = Callable[[Source, FileMeta], None]
"""Looks at a picture; raises InvalidDicom when all pictures of its series must be read."""


def state_for(reason: str) -> State:
    """Return what a reason makes of a source."""
    if reason in IGNORED:
        return State.IGNORED
    return State.HELD if reason in HELD else State.REFUSED


@contextmanager
def source_path(source: SourceFile, inbox: Path) -> Iterator[str]:
    """Give a file for the source: itself, or a zip member unpacked into `inbox` for a while.

    The unpacked file has no name in any folder, so that not even a kill leaves it behind.
    Raises InvalidDicom for what cannot be unpacked or is not DICOM, before all of it is.
    """
    if not source.member:
        yield source.path
        return
    inbox.mkdir(parents=True, exist_ok=True)
    if source.size > shutil.disk_usage(inbox).free // 2:
        raise InvalidDicom(
            "too-large",
            "the zip's member would fill more than half of the free disk",
            mend="make room, or unpack it elsewhere and take in the folder",
        )
    with TemporaryFile(dir=inbox) as out:
        for number, chunk in enumerate(_chunks(source)):
            if number == 0:
                _require_dicom(chunk)
            out.write(chunk)
        out.flush()
        yield f"/proc/self/fd/{out.fileno()}"


def _chunks(source: SourceFile) -> Iterator[bytes]:
    try:
        with (
            zipfile.ZipFile(source.path) as archive,
            archive.open(zip_members(archive)[source.member]) as packed,
        ):
            while chunk := packed.read(1 << 20):
                yield chunk
    except (OSError, KeyError) as err:
        raise not_read(f"the zip cannot be read ({type(err).__name__})") from err
    except Exception as err:  # zipfile and its decompressors raise nearly anything
        raise InvalidDicom(
            "unreadable",
            f"the member cannot be taken out of the zip ({type(err).__name__})",
            mend="pack it again without encryption",
        ) from err


def _require_dicom(start: bytes) -> None:
    try:
        read_file_meta(BytesSource(start))
    except OddEncoding:
        pass
    except InvalidDicom as err:
        if err.reason in ("not-dicom", "archive"):
            raise


def deidentify_to(
    path: Path | str,
    gate: Deidentifier,
    place_of: Callable[[Names], tuple[Path, str]],
    *,
    durable: bool,
    probe: Probe | None = None,
) -> Deidentified[InstanceRow]:
    """De-identify a file into another: `place_of` gives its path and its place in the row.

    Raises InvalidDicom, then nothing is left; OSError only when it cannot be written.
    """
    with opened(path) as file:
        instance = deidentified(file, gate, probe)
        target, place = place_of(instance.value.names)
        written = write_instance(instance, target, place=place, durable=durable)
        try:
            file.require_unchanged()
        except InvalidDicom:
            target.unlink()
            raise
    return written


def deidentified(
    file: FileSource, gate: Deidentifier, probe: Probe | None = None
) -> Deidentified[DeidentifiedInstance]:
    """Take a file through the gate, by way of pydicom when its encoding is odd.

    Raises InvalidDicom, whatever the file holds.
    """
    try:
        try:
            source, meta = dataset_source(file)
            if probe is not None:
                probe(source, meta)
            return gate.deidentify(Identified(source), meta)
        except OddEncoding:
            source, meta = normalised(file)
            if probe is not None:
                probe(source, meta)
            return gate.deidentify(Identified(source), meta)
    except InvalidDicom:
        raise
    except Exception as err:  # one hostile file must not stop the batch, whatever it hits
        odd = isinstance(err, OddEncoding)
        words = "even after pydicom put it right" if odd else type(err).__name__
        raise InvalidDicom(
            "unreadable",
            f"its encoding is not understood, {words}",
            mend="look at it with dcmdump and correct it at the sender",
        ) from err


class TakeInFiles:
    """The work of one intake worker."""

    def __init__(
        self, gate: Deidentifier, research: Path, identified: Path, probe: Probe | None = None
    ) -> None:
        self._gate = gate
        self._probe = probe
        self._store = FolderInstanceStore(research)
        self._inbox = identified / "inbox"
        self._quarantine = identified / "quarantine"
        self._numbers = count()

    def __call__(self, sources: Sequence[SourceFile]) -> Sequence[Taken]:
        taken = [self._take(source) for source in sources]
        staging = self._store.staging
        sync_files([staging / one.staged for one in taken if one.staged])
        sync_folder(staging)
        return taken

    def _take(self, source: SourceFile) -> Taken:
        try:
            with source_path(source, self._inbox) as path:
                try:
                    return self._stage(source, path)
                except InvalidDicom as err:
                    return _refusal(source, err, self._kept(source, path, err.reason))
        except InvalidDicom as err:
            return _refusal(source, err, "")

    def _stage(self, source: SourceFile, path: str) -> Taken:
        unique = f"{os.getpid()}-{next(self._numbers)}"

        def place_of(names: Names) -> tuple[Path, str]:
            name = self._store.staged_name(names.instance_uid, unique)
            return self._store.staging / name, self._store.place(names.instance_uid)

        self._gate.take_counts()  # those of one that was refused
        row = deidentify_to(path, self._gate, place_of, durable=False, probe=self._probe)
        staged = self._store.staged_name(row.value.instance_uid, unique)
        tally = tally_of_changes(self._gate.take_counts())
        return Taken(source=source, row=row, staged=staged, tally=tally)

    def _kept(self, source: SourceFile, path: str, reason: str) -> str:
        if reason in IGNORED or reason in _NOT_KEPT:
            return ""
        return keep_in_quarantine(source, path, self._quarantine)


def keep_in_quarantine(source: SourceFile, path: Path | str, quarantine: Path) -> str:
    """Copy bytes into quarantine, durably and whole or not at all; return the name.

    "" when the source cannot be read any more.
    """
    name = sha256(source.key.encode()).hexdigest()[:24] + ".dcm"
    part = quarantine / (name + ".part")
    try:
        with opened(path) as file, part.open("wb") as out:
            at = 0
            while chunk := file.read(at, 1 << 20):
                out.write(chunk)
                at += len(chunk)
            out.flush()
            os.fsync(out.fileno())
    except InvalidDicom:
        part.unlink(missing_ok=True)
        return ""
    part.replace(quarantine / name)
    return name


def _refusal(source: SourceFile, err: InvalidDicom, quarantine: str) -> Taken:
    return Taken(
        source=source,
        state=state_for(err.reason),
        reason=err.reason,
        message=err.message,
        element=err.element,
        mend=err.mend,
        quarantine=quarantine,
    )
