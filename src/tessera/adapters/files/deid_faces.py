"""De-identify the slices of one head into a plain folder: without the face, or held."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.files.deid_folder import BatchOutcome, DeidFolder, FileOutcome
from tessera.adapters.files.dicom_source import FileSource, dataset_source, normalised, opened
from tessera.adapters.files.open_files import room_for
from tessera.adapters.files.take_in import source_path
from tessera.adapters.pixels.face_stage import Defaced, FaceStage
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.pixels.faces import NoFaceFound
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import FileMeta, OddEncoding, Source
from tessera.domain.imaging.header import scan
from tessera.domain.zones import Identified
from tessera.ports.ledger import SourceFile, State

_SERIES = 0x0020000E


@dataclass(frozen=True, slots=True)
class DefacedSeries:
    """What became of one series; with pictures when its face was taken out."""

    batch: BatchOutcome
    before: Identified[bytes] | None = None
    """PNG: the surface seen from the front. It shows a face."""
    after: bytes = b""
    """PNG: the same without it."""


class DeidFaces(DeidFolder):
    """The work of one worker: all slices of one series at a time."""

    def __init__(self, gate: Deidentifier, out: Path) -> None:
        super().__init__(gate, out)
        self._faces = FaceStage()

    def series_of(self, source: SourceFile) -> str:
        """Return the SeriesInstanceUID; "" when it cannot be read."""
        try:
            with source_path(source, self._inbox) as path, opened(path) as file:
                return scan(*_dataset(file), frozenset((_SERIES,))).text(_SERIES)
        except InvalidDicom:
            return ""

    def deface(self, sources: Sequence[SourceFile]) -> DefacedSeries:
        """Write the series without its face; all of it is held when none could be found."""
        room_for(2 * len(sources))  # the slices of a zip are files twice
        try:
            with ExitStack() as stack:
                files = [
                    stack.enter_context(opened(stack.enter_context(source_path(one, self._inbox))))
                    for one in sources
                ]
                series = [_dataset(file) for file in files]
                done = self._faces.clean([(Identified(source), meta) for source, meta in series])
                outcomes = self._written(sources, files, done)
        except NoFaceFound as err:
            return self._held(sources, "face-not-found", f"no face could be taken out: {err}")
        except InvalidDicom as err:
            return self._held(sources, err.reason, err.message)
        except Exception as err:  # one hostile series must not stop the rest
            words = f"its pixels cannot be decoded ({type(err).__name__})"
            return self._held(sources, "not-decoded", words)
        return DefacedSeries(self._batch(outcomes), done.before, done.after)

    def _written(
        self, sources: Sequence[SourceFile], files: Sequence[FileSource], done: Defaced
    ) -> list[FileOutcome]:
        outcomes = []
        for source, file, one in zip(sources, files, done.checked, strict=True):
            try:
                instance = self._gate.deidentify(one.source, one.meta, one.proof)
                outcomes.append(self._put(source, file, instance.value))
            except InvalidDicom as err:
                outcomes.append(_outcome(source, err.reason, err.message))
        return outcomes

    def _batch(self, outcomes: Sequence[FileOutcome]) -> BatchOutcome:
        patients, uids = self._gate.take_mapping()
        met = self._gate.people_met.take()
        return BatchOutcome(tuple(outcomes), self._gate.take_counts(), patients, uids, met)

    def _held(self, sources: Sequence[SourceFile], reason: str, message: str) -> DefacedSeries:
        return DefacedSeries(self._batch([_outcome(one, reason, message) for one in sources]))


def _outcome(source: SourceFile, reason: str, message: str) -> FileOutcome:
    return FileOutcome(
        source=source.key,
        state=State.HELD,
        reason=reason,
        message=message,
        element="(7FE0,0010)",
        mend="look at the series; take it into a node, where a person can decide",
    )


def _dataset(file: FileSource) -> tuple[Source, FileMeta]:
    try:
        return dataset_source(file)
    except OddEncoding:
        return normalised(file)
