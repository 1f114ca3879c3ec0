"""Take in what was held for its pixels: look at them, clean them, or lay them before a person."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

from tessera.adapters.files.dicom_source import dataset_source, normalised, opened
from tessera.adapters.files.instance_store import FolderInstanceStore, sync_folder
from tessera.adapters.files.instance_writer import write_instance
from tessera.adapters.files.take_in import state_for
from tessera.adapters.pixels.stage import NeedsReview, PixelStage
from tessera.domain.deid.gate import Deidentifier, Names
from tessera.domain.deid.pixels.findings import Decision, Finding
from tessera.domain.deid.tally import tally_of_changes, tally_of_findings
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import OddEncoding
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.zones import Deidentified, Identified
from tessera.ports.intake import Taken
from tessera.ports.ledger import LedgerEntry, State
from tessera.ports.review import ReviewItem, SeenPixels, ToLookAt


def deidentify_pixels_to(
    path: Path,
    gate: Deidentifier,
    stage: PixelStage,
    place_of: Callable[[Names], tuple[Path, str]],
    *,
    durable: bool,
    decisions: Sequence[Decision] | None = None,
) -> tuple[Deidentified[InstanceRow], tuple[Finding, ...]] | NeedsReview:
    """De-identify header and pixels of a file into another, or say what a person has to see.

    With the row comes what was found in the pixels.

    Raises InvalidDicom; then nothing is left.
    """
    with opened(path) as file:
        try:
            source, meta = dataset_source(file)
        except OddEncoding:
            source, meta = normalised(file)
        identified = Identified(source)
        if decisions is None:
            outcome = stage.clean(identified, meta)
        else:
            outcome = stage.apply(identified, meta, decisions)
        if isinstance(outcome, NeedsReview):
            return outcome
        try:
            instance = gate.deidentify(outcome.source, outcome.meta, outcome.proof)
        except OddEncoding as err:
            raise InvalidDicom(
                "unreadable",
                "its encoding is not understood, though its pixels were",
                mend="convert it with dcmconv and take it in again",
            ) from err
        target, place = place_of(instance.value.names)
        written = write_instance(instance, target, place=place, durable=durable)
        try:
            file.require_unchanged()
        except InvalidDicom:
            target.unlink()
            raise
    return written, outcome.findings


class TakeInPixels:
    """The work of one worker of the pixel pass."""

    def __init__(
        self,
        gate: Deidentifier,
        stage: PixelStage,
        research: Path,
        identified: Path,
        now: Callable[[], datetime],
    ) -> None:
        self._gate = gate
        self._stage = stage
        self._store = FolderInstanceStore(research)
        self._quarantine = identified / "quarantine"
        self._now = now
        self._numbers = count()

    def __call__(self, held: Sequence[ToLookAt]) -> Sequence[SeenPixels]:
        looked = [self._look(one) for one in held]
        sync_folder(self._store.staging)
        return looked

    def _look(self, held: ToLookAt) -> SeenPixels:
        entry = held.entry
        unique = f"{os.getpid()}-p{next(self._numbers)}"

        def place_of(names: Names) -> tuple[Path, str]:
            name = self._store.staged_name(names.instance_uid, unique)
            return self._store.staging / name, self._store.place(names.instance_uid)

        self._gate.take_counts()  # those of one that was refused
        try:
            done = deidentify_pixels_to(
                self._quarantine / entry.quarantine,
                self._gate,
                self._stage,
                place_of,
                durable=True,
                decisions=held.decisions,
            )
        except InvalidDicom as err:
            return SeenPixels(not_taken(entry, err))
        except Exception as err:  # one hostile picture must not stop the rest, whatever it hits
            return SeenPixels(not_taken(entry, not_understood(err)))
        if isinstance(done, NeedsReview):
            waits = not_taken(entry, _for_a_person())
            return SeenPixels(waits, self._item(entry, done))
        row, findings = done
        return SeenPixels(
            Taken(
                source=entry.source,
                row=row,
                staged=self._store.staged_name(row.value.instance_uid, unique),
                quarantine=entry.quarantine,
                tally=tally_of_changes(self._gate.take_counts()) | tally_of_findings(findings),
            )
        )

    def _item(self, entry: LedgerEntry, needs: NeedsReview) -> ReviewItem:
        return ReviewItem(
            entry=entry,
            reason=needs.reason,
            layout=needs.layout,
            findings=needs.findings,
            pictures=needs.pictures,
            since=self._now(),
        )


def not_understood(err: Exception) -> InvalidDicom:
    """Return the refusal of pixels that no decoder reads."""
    return InvalidDicom(
        "not-decoded",
        f"its pixels cannot be decoded ({type(err).__name__})",
        element="(7FE0,0010)",
        mend="look at it with dcmdump; send it again uncompressed",
    )


def _for_a_person() -> InvalidDicom:
    return InvalidDicom(
        "review",
        "its pixels hold something that a person has to look at",
        element="(7FE0,0010)",
        mend="decide: tessera node review",
    )


_STILL_HELD = frozenset(("review", "not-decoded", "face-not-found"))


def not_taken(entry: LedgerEntry, err: InvalidDicom) -> Taken:
    """Return what becomes of a held instance that was not taken in."""
    state = State.HELD if err.reason in _STILL_HELD else state_for(err.reason)
    return Taken(
        source=entry.source,
        state=state,
        reason=err.reason,
        message=err.message,
        element=err.element,
        mend=err.mend,
        quarantine=entry.quarantine,
    )
