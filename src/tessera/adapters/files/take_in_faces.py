"""Take in the slices of one head: without the face, or held because none was found.

Text is looked for first in a series that may have some: by its header, because text was looked
for in one of its slices before it was known to be a head, or because a person lets it pass.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from itertools import count
from pathlib import Path

from tessera.adapters.files.dicom_source import FileSource, dataset_source, normalised, opened
from tessera.adapters.files.instance_store import FolderInstanceStore, sync_folder
from tessera.adapters.files.instance_writer import write_instance
from tessera.adapters.files.open_files import room_for
from tessera.adapters.files.take_in_pixels import not_taken, not_understood
from tessera.adapters.pixels.face_stage import FaceStage
from tessera.adapters.pixels.stage import Checked, NeedsReview, PixelStage
from tessera.domain.deid.gate import Deidentifier
from tessera.domain.deid.holding import HOLD_TAGS, pixel_risk
from tessera.domain.deid.pixels.checked import CheckedPixels
from tessera.domain.deid.pixels.faces import NoFaceFound
from tessera.domain.deid.tally import FACES, tally_of_changes
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import FileMeta, OddEncoding, Source
from tessera.domain.imaging.header import scan
from tessera.domain.zones import Identified
from tessera.ports.intake import Taken
from tessera.ports.review import FACE_AND_TEXT, SeenPixels, ToLookAt

_SERIES = 0x0020000E


def series_of(path: Path) -> str:
    """Return the SeriesInstanceUID of a held file; "" when it cannot be read."""
    try:
        with opened(path) as file:
            source, meta = _source(file)
            return scan(source, meta, frozenset((_SERIES,))).text(_SERIES)
    except InvalidDicom:
        return ""


class TakeInFaces:
    """The work of one worker: all held slices of one series at a time."""

    def __init__(
        self,
        gate: Deidentifier,
        stage: FaceStage,
        research: Path,
        home: Path,
        *,
        text: PixelStage,
    ) -> None:
        """`home` is the identified zone: pictures of faces, before and after, are kept there.

        `text` reads the text in pixels.
        """
        self._gate = gate
        self._stage = stage
        self._text = text
        self._store = FolderInstanceStore(research)
        self._quarantine = home / "quarantine"
        self._pictures = home / "faces"
        self._numbers = count()

    def __call__(self, held: Sequence[ToLookAt]) -> Sequence[SeenPixels]:
        """Take one series in. With decisions (of a person: no face is in it) it stays as it is."""
        room_for(len(held))
        try:
            with ExitStack() as stack:
                files = [
                    stack.enter_context(opened(self._quarantine / one.entry.quarantine))
                    for one in held
                ]
                return self._taken(held, [_source(file) for file in files])
        except NoFaceFound as err:
            refusal = InvalidDicom(
                "face-not-found",
                f"no face could be taken out: {err}",
                element="(7FE0,0010)",
                mend="look at the series; if there is no face in it: tessera node review face",
            )
            return [SeenPixels(not_taken(one.entry, refusal)) for one in held]
        except InvalidDicom as err:
            return [SeenPixels(not_taken(one.entry, err)) for one in held]
        except Exception as err:  # one hostile series must not stop the rest
            return [SeenPixels(not_taken(one.entry, not_understood(err))) for one in held]

    def _taken(
        self, held: Sequence[ToLookAt], sources: Sequence[tuple[Source, FileMeta]]
    ) -> list[SeenPixels]:
        series = [(Identified(source), meta) for source, meta in sources]
        texts: list[CheckedPixels | None] = [None] * len(series)
        is_let_pass = all(one.decisions is not None for one in held)
        if is_let_pass or _may_have_text(held, sources):
            read = [self._without_text(source, meta) for source, meta in series]
            series = [(one.source, one.meta) for one in read]
            texts = [one.proof for one in read]
        counted: dict[str, int] = {}
        if is_let_pass:
            checked: Sequence[Checked] = self._stage.without_face(series, texts)
        else:
            defaced = self._stage.clean(series, texts)
            checked, counted = defaced.checked, {FACES: 1}
            self._keep_pictures(series_name(sources[0]), defaced.before.value, defaced.after)
        tallies = [counted, *({} for _ in checked[1:])]
        together = zip(held, checked, tallies, strict=True)
        seen = [self._one(look, one, tally) for look, one, tally in together]
        sync_folder(self._store.staging)
        return seen

    def _without_text(self, source: Identified[Source], meta: FileMeta) -> Checked:
        """Return a slice whose text was read. Raises InvalidDicom: its series is a person's."""
        read = self._text.clean(source, meta)
        if isinstance(read, NeedsReview):
            raise InvalidDicom(
                "review",
                f"a person has to look at text in its series, which shows a head ({read.reason})",
                element="(7FE0,0010)",
                mend="look at the series; send it again without the text",
            )
        return read

    def _one(self, look: ToLookAt, checked: Checked, tally: dict[str, int]) -> SeenPixels:
        entry = look.entry
        self._gate.take_counts()
        try:
            instance = self._gate.deidentify(checked.source, checked.meta, checked.proof)
        except InvalidDicom as err:
            return SeenPixels(not_taken(entry, err))
        uid = instance.value.names.instance_uid
        staged = self._store.staged_name(uid, f"{os.getpid()}-f{next(self._numbers)}")
        row = write_instance(
            instance, self._store.staging / staged, place=self._store.place(uid), durable=True
        )
        tally = tally_of_changes(self._gate.take_counts()) | tally
        return SeenPixels(
            Taken(
                source=entry.source,
                row=row,
                staged=staged,
                quarantine=entry.quarantine,
                tally=tally,
            )
        )

    def _keep_pictures(self, name: str, before: bytes, after: bytes) -> None:
        self._pictures.mkdir(mode=0o700, exist_ok=True)
        for which, png in (("before", before), ("after", after)):
            path = self._pictures / f"{name}-{which}.png"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(png)


def _may_have_text(held: Sequence[ToLookAt], sources: Sequence[tuple[Source, FileMeta]]) -> bool:
    if any(one.entry.reason == FACE_AND_TEXT for one in held):
        return True
    return any(pixel_risk(scan(*source, HOLD_TAGS)) is not None for source in sources)


def series_name(source: tuple[Source, FileMeta]) -> str:
    """Return twelve digits that name a series and tell nothing of it."""
    header = scan(*source, frozenset((_SERIES,)))
    return sha256(b"series\x00" + header.text(_SERIES).encode()).hexdigest()[:12]


def _source(file: FileSource) -> tuple[Source, FileMeta]:
    try:
        return dataset_source(file)
    except OddEncoding:
        return normalised(file)
