"""De-identify into a plain folder: subject/study/series/instance.dcm, no node needed."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tessera.adapters.files.dicom_source import FileSource, dataset_source, normalised, opened
from tessera.adapters.files.instance_writer import is_written, place_instance
from tessera.adapters.files.take_in import Probe, deidentified, source_path, state_for
from tessera.domain.deid.gate import DeidentifiedInstance, Deidentifier, Names
from tessera.domain.deid.identities import Identities
from tessera.domain.errors import InvalidDicom, uid_conflict
from tessera.domain.imaging.encoding import OddEncoding
from tessera.domain.zones import Deidentified, Identified
from tessera.ports.ledger import SourceFile, State

if TYPE_CHECKING:
    from tessera.adapters.pixels.stage import PixelStage

_FOR_A_PERSON = frozenset(("review", "not-decoded"))


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
    patients: dict[str, str] = field(default_factory=dict)
    """Patient id → subject; identified, and only when a mapping was asked for."""
    uids: dict[str, str] = field(default_factory=dict)
    """Old UID → new one; likewise."""
    people: Mapping[str, frozenset[Identities]] = field(default_factory=dict)
    """New study UID → who its instances name: identified, for the look across each study."""

    def __repr__(self) -> str:
        return f"BatchOutcome({len(self.files)} files)"


class DeidFolder:
    """The work of one worker of `tessera deid`.

    With a pixel stage it looks into the pixels of each source; without one, what can have text
    there is held. A probe reads one picture of each series of the other kinds.
    """

    def __init__(
        self,
        gate: Deidentifier,
        out: Path,
        stage: "PixelStage | None" = None,
        probe: Probe | None = None,
    ) -> None:
        self._gate = gate
        gate.people_met.start()
        self._probe = probe
        self._inbox, self._out = out, str(out)
        self._stage = stage
        self._made: dict[str, bool] = {}

    def __call__(self, sources: Sequence[SourceFile]) -> BatchOutcome:
        files = tuple(self._one(source) for source in sources)
        patients, uids = self._gate.take_mapping()
        met = self._gate.people_met.take()
        return BatchOutcome(files, self._gate.take_counts(), patients, uids, met)

    def _one(self, source: SourceFile) -> FileOutcome:
        try:
            with source_path(source, self._inbox) as path, opened(path) as file:
                if self._stage:
                    value = with_pixels(file, self._gate, self._stage).value
                else:
                    value = deidentified(file, self._gate, self._probe).value
                return self._put(source, file, value)
        except InvalidDicom as err:
            return _refused(source, err)

    def _put(
        self, source: SourceFile, file: FileSource, value: DeidentifiedInstance
    ) -> FileOutcome:
        folder, is_new = self._folder(value.names)
        place = f"{folder}/{value.names.instance_uid}.dcm"
        target = f"{self._out}/{place}"
        if not is_new and os.access(target, os.F_OK):
            file.require_unchanged()
            return self._settled(source, place, same=is_written(value, target))
        try:
            size = place_instance(value, file, target)
        except FileExistsError:  # another worker was faster
            return self._settled(source, place, same=is_written(value, target))
        return FileOutcome(source=source.key, state=State.STORED, output=place, n_bytes=size)

    def _folder(self, names: Names) -> tuple[str, bool]:
        """Return the place of a series, made, and whether nothing lay there before."""
        folder = f"{names.subject}/{names.study_uid}/{names.series_uid}"
        is_new = self._made.get(folder)
        if is_new is None:
            path = Path(self._out, folder)
            is_new = not path.exists()
            path.mkdir(parents=True, exist_ok=True)
            self._made[folder] = is_new
        return folder, is_new

    @staticmethod
    def _settled(source: SourceFile, place: str, *, same: bool) -> FileOutcome:
        """The first content of a name stays."""
        if not same:
            return _refused(source, uid_conflict())
        return FileOutcome(source=source.key, state=State.DUPLICATE, output=place)


def with_pixels(
    file: FileSource, gate: Deidentifier, stage: "PixelStage"
) -> Deidentified[DeidentifiedInstance]:
    """Take a file through the pixel stage and then the gate. Raises InvalidDicom."""
    from tessera.adapters.pixels.stage import NeedsReview  # heavy: codecs

    try:
        try:
            source, meta = dataset_source(file)
        except OddEncoding:
            source, meta = normalised(file)
        outcome = stage.clean(Identified(source), meta)
        if isinstance(outcome, NeedsReview):
            raise InvalidDicom(
                "review",
                f"a person has to look at its pixels ({outcome.reason})",
                element="(7FE0,0010)",
                mend="take it into a node, whose review queue shows it",
            )
        return gate.deidentify(outcome.source, outcome.meta, outcome.proof)
    except InvalidDicom:
        raise
    except Exception as err:  # one hostile picture must not stop the batch, whatever it hits
        raise InvalidDicom(
            "not-decoded",
            f"its pixels cannot be decoded ({type(err).__name__})",
            element="(7FE0,0010)",
            mend="look at it with dcmdump; send it again uncompressed",
        ) from err


def _refused(source: SourceFile, err: InvalidDicom) -> FileOutcome:
    return FileOutcome(
        source=source.key,
        state=State.HELD if err.reason in _FOR_A_PERSON else state_for(err.reason),
        reason=err.reason,
        message=err.message,
        element=err.element,
        mend=err.mend,
    )
