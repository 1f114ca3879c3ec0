"""The pixel stage: an instance goes in, and comes out with no identity in its pixels, or to a
person who decides. One per worker."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from tessera.adapters.pixels.blanking import margin_of
from tessera.adapters.pixels.codec import Frames
from tessera.adapters.pixels.documents import CannotRead, cleaned_pdf, with_document
from tessera.adapters.pixels.graphics import has_overlays, overlays_are_free
from tessera.adapters.pixels.opened import Opened, opened_instance
from tessera.adapters.pixels.pictures import pictures_of
from tessera.adapters.pixels.reading import Reading
from tessera.adapters.pixels.rewriting import Rewriting, boxes_by_frame
from tessera.adapters.pixels.search import Judgement, TooMuchText, decided, left_over, search
from tessera.adapters.pixels.tables import harmless_marks, known_bands
from tessera.adapters.pixels.views import views
from tessera.domain.deid.pixels.checked import CheckedPixels
from tessera.domain.deid.pixels.findings import Box, Decision, Finding, Layout, Picture
from tessera.domain.deid.pixels.judge import PixelPolicy, TextJudge
from tessera.domain.deid.pixels.marks import HarmlessMarks
from tessera.domain.deid.pixels.places import (
    ENCAPSULATED_CDA,
    ENCAPSULATED_PDF,
    VIDEO_SYNTAXES,
    is_slide_label,
)
from tessera.domain.deid.pixels.proof import proven, proven_document, value_sha256
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import FileMeta, Source
from tessera.domain.imaging.header import scan
from tessera.domain.imaging.structure import STRUCTURE_TAGS, PixelStructure, pixel_structure
from tessera.domain.zones import Identified
from tessera.ports.pixel_codec import Frame, NotDecoded
from tessera.ports.text_reader import TextReader


@dataclass(frozen=True, slots=True)
class Checked:
    """An identified instance without identity in its pixels."""

    source: Identified[Source]
    meta: FileMeta
    proof: CheckedPixels
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class NeedsReview:
    """An instance on which a person must decide."""

    reason: str
    findings: tuple[Finding, ...]
    pictures: tuple[Picture, ...]
    layout: Layout


PixelOutcome = Checked | NeedsReview
_ROUNDS = 5
"""How often what is left over is blanked, too, before a person is asked."""


class PixelStage:
    """Decode, find text, decide, blank, put together, look again."""

    def __init__(
        self,
        reader: TextReader,
        cleaner_for: Callable[[Source, FileMeta], TextJudge],
        policy: PixelPolicy | None = None,
        remembered: Mapping[str, tuple[Decision, ...]] | None = None,
        marks: HarmlessMarks | None = None,
    ) -> None:
        """`cleaner_for` gives the text cleaner that knows an instance's people.

        `remembered` has what persons decided, by `Layout.key`.
        """
        self._reader = reader
        self._cleaner_for = cleaner_for
        self._policy = policy or PixelPolicy()
        self._remembered = remembered or {}
        self._marks = marks or harmless_marks()
        self._frames = Frames()

    def layout(self, source: Identified[Source], meta: FileMeta) -> Layout:
        """Return the layout under which decisions about such instances are remembered."""
        return opened_instance(source.value, meta).layout

    def clean(self, source: Identified[Source], meta: FileMeta) -> PixelOutcome:
        """Return the instance with clean pixels and the proof, or what a person must see.

        `source` and `meta` are those of a little endian, inflated data set. Raises
        InvalidDicom when the pixels do not fit their description.
        """
        return self.apply(source, meta, ())

    def apply(
        self, source: Identified[Source], meta: FileMeta, decisions: Sequence[Decision]
    ) -> PixelOutcome:
        """Return the same with a person's decisions: they override what they cover.

        NeedsReview again only for what nobody decided. Raises InvalidDicom.
        """
        opened = opened_instance(source.value, meta)
        if opened.header.first(0x00080016) in (ENCAPSULATED_PDF, ENCAPSULATED_CDA):
            return self._document(opened)
        structure = opened.structure
        if structure is None:
            return self._without_pixels(opened, source)
        if meta.transfer_syntax_uid.startswith(VIDEO_SYNTAXES):
            return NeedsReview("video", (), (), opened.layout)
        try:
            return self._pixels(opened, structure, source, decisions)
        except NotDecoded:
            return NeedsReview("not-decoded", (), (), opened.layout)
        except TooMuchText:
            pictures = pictures_of(opened, structure, self._frames, ())
            return NeedsReview("too-much-text", (), pictures, opened.layout)

    def _pixels(
        self,
        opened: Opened,
        structure: PixelStructure,
        source: Identified[Source],
        decisions: Sequence[Decision],
    ) -> PixelOutcome:
        policy = self._policy
        judge = self._cleaner_for(opened.source, opened.meta)
        judgement = Judgement(judge, self._marks, policy)
        reading = Reading(self._reader, policy.sure)
        found = search(opened, structure, self._frames, reading, judgement, known_bands())
        old = self._remembered.get(opened.layout.key, ())
        findings = decided(found, decisions, old, structure.frames)
        if is_slide_label(opened.header) and not decisions:
            pictures = pictures_of(opened, structure, self._frames, findings)
            return NeedsReview("slide-label", tuple(findings), pictures, opened.layout)
        graphics = (
            policy.clean_graphics
            and has_overlays(opened)
            and not opened.overlay_in_pixels
            and overlays_are_free(opened, reading, judgement)
        )
        if any(f.action == "unsure" for f in findings):
            return self._review(opened, structure, findings)
        writing = Rewriting(opened, structure, self._frames, keep_overlays=graphics)
        fresh = findings
        for _ in range(_ROUNDS):
            again = _SecondReading(opened, structure, reading, judgement, findings, fresh)
            new, meta = writing.written(
                boxes_by_frame(findings, structure.rows, structure.columns), again.look
            )
            if not again.left:
                break
            fresh = again.left
            findings += fresh
        else:
            last = [f for f in again.left if not any(d.covers(f) for d in decisions)]
            if last:
                left = [
                    Finding(f.first, f.last, f.box, f.text, f.score, "unsure", f.reason)
                    for f in last
                ]
                kept = [f for f in findings if f not in again.left]
                return self._review(opened, structure, [*kept, *left])
        value = _value_place(new, meta)
        proof = proven(findings, value_sha256(new, *value), graphics=graphics)
        same = new is opened.source
        return Checked(source if same else Identified(new), meta, proof, tuple(findings))

    def _review(
        self, opened: Opened, structure: PixelStructure, findings: Sequence[Finding]
    ) -> NeedsReview:
        pictures = pictures_of(opened, structure, self._frames, findings)
        return NeedsReview("unsure", tuple(findings), pictures, opened.layout)

    def _without_pixels(self, opened: Opened, source: Identified[Source]) -> PixelOutcome:
        return Checked(source, opened.meta, proven((), ""), ())

    def _document(self, opened: Opened) -> PixelOutcome:
        if opened.header.first(0x00080016) == ENCAPSULATED_CDA:
            return NeedsReview("cda", (), (), opened.layout)
        if not opened.document:
            return NeedsReview("document-unreadable", (), (), opened.layout)
        judge = self._cleaner_for(opened.source, opened.meta)
        try:
            new = cleaned_pdf(opened.document, judge)
        except CannotRead as err:
            return NeedsReview(err.reason, (), (), opened.layout)
        new += b"\0" * (len(new) % 2)
        source, meta = with_document(opened, new)
        return Checked(Identified(source), meta, proven_document(sha256(new).hexdigest()), ())


class _SecondReading:
    """Reads again around what was blanked, in the frames as they will be read by others."""

    def __init__(
        self,
        opened: Opened,
        structure: PixelStructure,
        reading: Reading,
        judgement: Judgement,
        findings: Sequence[Finding],
        fresh: Sequence[Finding],
    ) -> None:
        self._fresh = fresh
        self._opened = opened
        self._structure = structure
        self._reading = reading
        self._judgement = judgement
        self._findings = findings
        self.left: list[Finding] = []

    def look(self, number: int, values: Frame, photometric: str) -> None:
        """Read one changed frame, where boxes begin that were blanked and not decided by hand."""
        starts = [f for f in self._fresh if f.action == "blank" and f.first == number]
        boxes = [f.box for f in starts if f.box.area]
        if not boxes:
            return
        here = [f for f in self._findings if f.first <= number <= f.last]
        cut = [
            f.box.grown(margin_of(f.box), *values.shape[:2]) for f in here if f.action == "blank"
        ]
        kept = [
            f.box
            for f in here
            if f.action == "keep"
            and (f.reason == "decided" or not any(10 * c.shared(f.box) > f.box.area for c in cut))
        ]
        opened = self._opened
        for picture in views(values, photometric, self._structure, opened.palette)[:1]:
            for left in left_over(picture, boxes, kept, self._reading, self._judgement, number):
                self.left.append(_as_long_as(left, starts))


def _as_long_as(left: Finding, starts: Sequence[Finding]) -> Finding:
    """Return what is left over for as many frames as the box next to it."""
    near = max(starts, key=lambda f: _closeness(f.box, left.box))
    return replace(left, last=near.last)


def _closeness(one: Box, other: Box) -> int:
    across = abs(2 * one.x + one.width - 2 * other.x - other.width)
    down = abs(2 * one.y + one.height - 2 * other.y - other.height)
    return -(across + down)


def _value_place(source: Source, meta: FileMeta) -> tuple[int, int]:
    structure = pixel_structure(source, meta, scan(source, meta, STRUCTURE_TAGS))
    if structure is None:
        raise InvalidDicom("damaged", "the pixel data was lost", mend="report this")
    return structure.value
