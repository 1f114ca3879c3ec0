"""Take one source in: open or unpack it, de-identify it, stage it, or say why not."""

import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path

from tessera.adapters.files.dicom_source import dataset_source, normalised, opened
from tessera.adapters.files.instance_store import FolderInstanceStore, sync_folder
from tessera.adapters.files.instance_writer import write_instance
from tessera.domain.deid.gate import HELD, DeidentifiedInstance, Deidentifier
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import OddEncoding
from tessera.domain.zones import Deidentified, Identified
from tessera.ports.intake import Taken
from tessera.ports.ledger import SourceFile, State

IGNORED = frozenset(("not-dicom", "empty", "directory"))
"""Reasons that mean "not an instance": nothing is kept of these."""


def state_for(reason: str) -> State:
    """Return what a reason makes of a source."""
    if reason in IGNORED:
        return State.IGNORED
    return State.HELD if reason in HELD else State.REFUSED


@contextmanager
def source_path(source: SourceFile, inbox: Path) -> Iterator[Path]:
    """Give a file for the source: itself, or a zip member unpacked into the inbox for a while."""
    if not source.member:
        yield Path(source.path)
        return
    inbox.mkdir(parents=True, exist_ok=True)
    unpacked = inbox / f"{os.getpid()}-{sha256(source.key.encode()).hexdigest()[:16]}"
    try:
        try:
            with (
                zipfile.ZipFile(source.path) as archive,
                archive.open(source.member) as packed,
                unpacked.open("wb") as out,
            ):
                shutil.copyfileobj(packed, out, 1 << 20)
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as err:
            raise InvalidDicom(
                "unreadable",
                f"the member cannot be taken out of the zip ({type(err).__name__})",
                mend="pack it again without encryption",
            ) from err
        yield unpacked
    finally:
        unpacked.unlink(missing_ok=True)


@contextmanager
def deidentified(path: Path, gate: Deidentifier) -> Iterator[Deidentified[DeidentifiedInstance]]:
    """De-identify a file; the result is good inside the block. Raises InvalidDicom."""
    with opened(path) as file:
        try:
            source, meta = dataset_source(file)
            instance = gate.deidentify(Identified(source), meta)
        except OddEncoding:
            source, meta = normalised(file)
            try:
                instance = gate.deidentify(Identified(source), meta)
            except OddEncoding as err:
                raise InvalidDicom(
                    "unreadable",
                    "its encoding is not understood, even after pydicom put it right",
                    mend="look at it with dcmdump and correct it at the sender",
                ) from err
        yield instance


class TakeInFiles:
    """The work of one intake worker."""

    def __init__(self, gate: Deidentifier, research: Path, identified: Path) -> None:
        self._gate = gate
        self._store = FolderInstanceStore(research)
        self._inbox = identified / "inbox"
        self._quarantine = identified / "quarantine"
        self._numbers = count()

    def __call__(self, sources: Sequence[SourceFile]) -> Sequence[Taken]:
        taken = [self._take(source) for source in sources]
        sync_folder(self._store.staging)
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

    def _stage(self, source: SourceFile, path: Path) -> Taken:
        with deidentified(path, self._gate) as instance:
            uid = instance.value.row.instance_uid
            name = self._store.staged_name(uid, f"{os.getpid()}-{next(self._numbers)}")
            row = write_instance(
                instance,
                self._store.staging / name,
                place=self._store.place(uid),
                durable=True,
            )
        return Taken(source=source, row=row, staged=name)

    def _kept(self, source: SourceFile, path: Path, reason: str) -> str:
        if reason in IGNORED or not path.exists():
            return ""
        return keep_in_quarantine(source, path, self._quarantine)


def keep_in_quarantine(source: SourceFile, path: Path, quarantine: Path) -> str:
    """Copy bytes into quarantine, durably and whole or not at all; return the name."""
    name = sha256(source.key.encode()).hexdigest()[:24] + ".dcm"
    part = quarantine / (name + ".part")
    shutil.copyfile(path, part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
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
