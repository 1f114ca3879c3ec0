"""De-identify into a plain folder: subject/study/series/instance.dcm, no node needed."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from tessera.adapters.files.take_in import deidentify_to, source_path, state_for
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.errors import InvalidDicom, uid_conflict
from tessera.domain.imaging.instance import InstanceRow
from tessera.ports.ledger import SourceFile, State


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file."""

    source: str
    state: State
    output: str = ""
    """Relative to the output folder, when written."""
    n_bytes: int = 0
    reason: str = ""
    message: str = ""
    element: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    files: tuple[FileOutcome, ...]
    changes: Counter[tuple[int, int]]
    """(tag, action) → elements changed."""


class DeidFolder:
    """The work of one worker of `tessera deid`."""

    def __init__(self, gate: Deidentifier, out: Path) -> None:
        self._gate = gate
        self._out = out

    def __call__(self, sources: Sequence[SourceFile]) -> BatchOutcome:
        files = tuple(self._one(source) for source in sources)
        return BatchOutcome(files, self._gate.take_counts())

    def _one(self, source: SourceFile) -> FileOutcome:
        part = self._out / f".{os.getpid()}.part"
        try:
            with source_path(source, self._out) as path:
                written = deidentify_to(
                    path, self._gate, lambda row: (part, _place(row)), durable=False
                ).value
        except InvalidDicom as err:
            return _refused(source, err)
        place = written.path
        state = _put(part, self._out / place, written.sha256)
        if state is State.REFUSED:
            return _refused(source, uid_conflict())
        return FileOutcome(source=source.key, state=state, output=place, n_bytes=written.n_bytes)


def _place(row: InstanceRow) -> str:
    return f"{row.subject}/{row.study_uid}/{row.series_uid}/{row.instance_uid}.dcm"


def _refused(source: SourceFile, err: InvalidDicom) -> FileOutcome:
    return FileOutcome(
        source=source.key,
        state=state_for(err.reason),
        reason=err.reason,
        message=err.message,
        element=err.element,
        mend=err.mend,
    )


def _put(part: Path, target: Path, digest: str) -> State:
    """Give the file its name unless it is taken; the first content of a name stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(part)
    except FileExistsError:
        with target.open("rb") as file:
            same = file_digest(file, "sha256").hexdigest() == digest
        return State.DUPLICATE if same else State.REFUSED
    finally:
        part.unlink()
    return State.STORED
