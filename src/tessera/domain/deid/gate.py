"""The one way from identified to de-identified imaging. Pure.

`Deidentifier` takes an identified instance and returns a sealed one, or raises: held
when its pixels or class may carry text or when the second look finds somebody, refused when it
cannot be understood. There is no third way out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from tessera.domain.access.exclusions import OPTED_OUT
from tessera.domain.deid.deidentified import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION,
    NAMING,
    DeidentifiedInstance,
    Extent,
    Names,
    instance_of,
    require_uids,
)
from tessera.domain.deid.engine import Part, Rewriter
from tessera.domain.deid.harvest import UIDS, Found, Harvester, identities
from tessera.domain.deid.holding import (
    FACE,
    FACE_AND_TEXT,
    HELD_BY_KIND,
    HOLD_TAGS,
    hold_reason,
)
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.looking import RESIDUAL, SecondLook, uids_of
from tessera.domain.deid.pixels.checked import CheckedPixels
from tessera.domain.deid.pixels.proof import value_sha256
from tessera.domain.deid.provenance import earlier_codes
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.rules import REMOVE, RuleSet
from tessera.domain.deid.second_look import search
from tessera.domain.deid.setting import Setting, Who
from tessera.domain.deid.split import Split, Unit, split
from tessera.domain.deid.subject import subject_of
from tessera.domain.deid.template import Match, Template, learnt, match
from tessera.domain.errors import InvalidDicom
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.encoding import IMPLICIT_LE, BytesSource, FileMeta, Source
from tessera.domain.imaging.header import FIRST_WINDOW, ROW_TAGS, Header, instance_row, scan
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.imaging.pixels import pixel_extent
from tessera.domain.zones import Deidentified, Identified, seal_deidentified

if TYPE_CHECKING:
    from tessera.domain.deid.text.cleaner import NameFinder
    from tessera.domain.deid.text.vocabulary import Vocabulary

__all__ = [
    "HELD",
    "IMPLEMENTATION_CLASS_UID",
    "IMPLEMENTATION_VERSION",
    "DeidentifiedInstance",
    "Deidentifier",
    "Names",
    "row_as_written",
]
HELD = frozenset((*HELD_BY_KIND, RESIDUAL, OPTED_OUT))
"""Reasons that hold an instance for a person; every other reason refuses it."""

_MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
DOCUMENT = 0x00420011
_SUBJECT_TAGS = frozenset((0x00080005, 0x00100020, 0x00100021))
_SERIES: Final = 0x0020000E
_NO_TAGS: Final[frozenset[int]] = frozenset()
_WANTED = HOLD_TAGS | _SUBJECT_TAGS | UIDS | frozenset(NAMING)
_SETTLED = (_SUBJECT_TAGS | UIDS | frozenset(NAMING)) - {0x00080018}
"""What must be equal in all instances that share a template."""
_TEMPLATES = 8
_LARGEST_LEARNT = 1 << 18


class Deidentifier:
    """The gate for one project key and one profile. One per worker.

    `excluded`: subjects who have opted out; their instances are held. With `with_mapping` it
    remembers what `take_mapping` returns.
    """

    def __init__(
        self,
        rules: RuleSet,
        pseudonymiser: Pseudonymiser,
        classes: Mapping[str, str],
        vocabulary: "Vocabulary",
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        finder: "NameFinder | None" = None,
        with_mapping: bool = False,
    ) -> None:
        self._rules = rules
        self._rewriter = Rewriter(rules, pseudonymiser, vocabulary, finder)
        self._pseudonymiser = pseudonymiser
        self._classes = classes
        self._excluded = excluded
        self._removed = frozenset(
            tag for tag, action in rules.actions.items() if action == REMOVE
        ) - {DOCUMENT}
        self._harvester = Harvester()
        self._takes_faces = rules.profile.has("clean-recognizable-visual-features")
        self._second_look = SecondLook(rules.profile)
        self.people_met = self._second_look.met
        self._series: list[tuple[Template, _Series]] = []
        self._patients: dict[str, Pseudonym] | None = {} if with_mapping else None

    def take_counts(self) -> Counter[tuple[int, int]]:
        """Return (tag, action) → elements changed since the last call."""
        for template, _ in self._series:
            self._add_up(template)
        counts, self._rewriter.counts = self._rewriter.counts, Counter()
        return counts

    def take_mapping(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return patient id → subject and UID → new UID since the last call. Identified.

        Empty unless `with_mapping`.
        """
        if self._patients is None:
            return {}, {}
        patients: dict[str, str] = dict(self._patients)
        self._patients.clear()
        return patients, self._pseudonymiser.take_uids()

    def deidentify(
        self,
        source: Identified[Source],
        meta: FileMeta,
        pixels: CheckedPixels | None = None,
    ) -> Deidentified[DeidentifiedInstance]:
        """Return the instance without its identity.

        `pixels` is the proof that its pixels (or its document) name nobody.

        Raises InvalidDicom (reason in HELD: held; otherwise refused) and OddEncoding,
        when the caller should have it normalised first.
        """
        file = source.value
        if meta.sop_class_uid == _MEDIA_DIRECTORY:
            raise InvalidDicom(
                "directory", "a DICOMDIR names other files", mend="those are taken on their own"
            )
        if pixels is None:
            done = self._by_template(file, meta)
            if done is not None:
                return seal_deidentified(done)
        return seal_deidentified(self._in_full(file, meta, pixels))

    def people(self, source: Identified[Source], meta: FileMeta) -> Identified[Identities]:
        """Return what an instance says of the people in it. Raises as `deidentify`."""
        units = split(source.value, meta, self._removed, self._rules.private).units
        header = Header(_wanted(units))
        explicit = meta.transfer_syntax_uid != IMPLICIT_LE
        said = self._harvester.said(units, header.values.get(0x00080005, b""), explicit=explicit)
        return Identified(replace(identities(said), uids=uids_of(header)))

    def _in_full(
        self, file: Source, meta: FileMeta, pixels: CheckedPixels | None
    ) -> DeidentifiedInstance:
        found = split(file, meta, self._removed, self._rules.private)
        explicit = meta.transfer_syntax_uid != IMPLICIT_LE
        header = Header(_wanted(found.units))
        require_uids(header)
        subject = subject_of(header, self._pseudonymiser)
        if subject in self._excluded:
            raise InvalidDicom(
                OPTED_OUT, "its patient has opted out", mend="it stays where it is, uncopied"
            )
        extent = pixel_extent(file, found.pixels_at, explicit=explicit) if found.pixels_at else None
        proof = pixels if pixels and _is_of(pixels, file, found, extent) else None
        self._require_free(header, proof)
        charset = header.values.get(0x00080005, b"")
        said = self._harvester.said(found.units, charset, explicit=explicit)
        setting = self._rewriter.setting(
            Who(
                subject,
                charset,
                header.text(0x00080016),
                identities(said),
                explicit,
                pixels_checked=proof is not None and proof.read and extent is not None,
                defaced=proof is not None and proof.defaced,
                graphics_checked=proof is not None and proof.graphics,
                document_checked=proof is not None and proof.document,
                earlier=_earlier(found.units, explicit=explicit),
                study=header.text(0x0020000D) if self._rules.profile.shifts_by_study else "",
            )
        )
        parts = self._rewriter.rewrite(found, setting)
        head = b"".join(part.new for part in parts)
        searched = self._second_look.searched(setting.who.people, header)
        if extent:
            file = self._second_look.without_comments(file, extent[1], meta, searched)
        self._second_look.require_none(head, parts, searched, header.text(0x00080018))
        if pixels is None and len(head) < _LARGEST_LEARNT:
            series = _Series(header, said, found.creators, searched)
            self._learn(series, found, setting, parts, has_pixels=extent is not None)
        self._remember(header, subject)
        return instance_of(subject, meta, head, extent, _naming(parts), file)

    def _by_template(self, file: Source, meta: FileMeta) -> DeidentifiedInstance | None:
        """Do an instance of a series that is known; None when it is none, or not for certain."""
        explicit = meta.transfer_syntax_uid != IMPLICIT_LE
        if not self._series:
            return None
        buf = file.read(meta.dataset_offset, FIRST_WINDOW)
        is_whole = meta.dataset_offset + len(buf) == file.size
        for place, (template, series) in enumerate(self._series):
            if template.setting.who.explicit != explicit:
                continue
            fit = match(template, buf, is_whole=is_whole)
            if fit is None:
                continue
            done = self._matched(file, meta, template, series, fit)
            if done is not None and place:
                self._series.insert(0, self._series.pop(place))
            return done
        return None

    def _matched(
        self, file: Source, meta: FileMeta, template: Template, series: "_Series", fit: Match
    ) -> DeidentifiedInstance | None:
        setting, explicit = template.setting, template.setting.who.explicit
        header_values = dict(series.header.values)
        varied: list[Unit] = [piece for piece in fit.pieces if isinstance(piece, tuple)]
        for tag, _, start, raw in varied:
            if tag in _SETTLED:
                return None
            if tag in _WANTED:
                header_values[tag] = raw[start:]
        header = Header(header_values)
        if series.said != series.stable | self._harvester.said(
            varied, setting.who.charset, explicit=explicit
        ):
            return None
        old_uid = header.text(0x00080018)
        if not old_uid or (
            not HOLD_TAGS.isdisjoint(template.varying)
            and hold_reason(header, self._classes, takes_faces=self._takes_faces) is not None
        ):
            return None
        new: list[bytes] = []
        differing: list[bytes] = []
        named: dict[int, bytes] = {}
        for piece in fit.pieces:
            if isinstance(piece, bytes):
                new.append(piece)
                continue
            tag = piece[0]
            if tag >> 16 & 1:
                if tag & 0xFFFF < 0x100:
                    return None
                changed = self._rewriter.private(piece, series.creators, _NO_TAGS, setting)
            else:
                changed, counted = self._rewriter.changed(piece, setting)
                for key in counted:  # Counter.update takes longer than the rest of this loop
                    self._rewriter.counts[key] += 1
            new.append(changed)
            differing.append(changed)
            named[tag] = changed
        head = b"".join(new)
        if search(b"".join(differing), series.searched) or self._second_look.own_uid(head, old_uid):
            return None  # once more in full, which says where
        offset, naming = meta.dataset_offset + fit.end, dict(series.naming)
        if 0x00080018 in named:
            naming[0x00080018] = _uid_of(named[0x00080018])
        template.used += 1
        extent = pixel_extent(file, offset, explicit=explicit) if template.has_pixels else None
        if extent:
            file = self._second_look.without_comments(file, extent[1], meta, series.searched)
        self._remember(header, setting.who.subject)
        return instance_of(setting.who.subject, meta, head, extent, naming, file)

    def _learn(
        self,
        series: "_Series",
        found: Split,
        setting: Setting,
        parts: list[Part],
        *,
        has_pixels: bool,
    ) -> None:
        explicit, charset = setting.who.explicit, setting.who.charset
        series.naming, uid = _naming(parts), series.header.values[_SERIES]
        before = next(
            (
                pair
                for pair in self._series
                if pair[0].setting is setting and pair[1].header.values.get(_SERIES) == uid
            ),
            None,
        )
        if before:
            self._series.remove(before)
            self._add_up(before[0])
        template = learnt(before[0] if before else None, setting, parts, has_pixels=has_pixels)
        stable = [unit for unit in found.units if unit[0] not in template.varying]
        series.stable = self._harvester.said(stable, charset, explicit=explicit)
        self._series.insert(0, (template, series))
        for dropped, _ in self._series[_TEMPLATES:]:
            self._add_up(dropped)
        del self._series[_TEMPLATES:]

    def _add_up(self, template: Template) -> None:
        if not template.used:
            return
        for key, n in template.counts.items():
            self._rewriter.counts[key] += n * template.used
        template.used = 0

    def _require_free(self, header: Header, proof: CheckedPixels | None) -> None:
        faces = self._takes_faces and not (proof and proof.defaced)
        is_read = proof is not None and proof.read
        held = hold_reason(header, self._classes, is_checked=is_read, takes_faces=faces)
        if held is not None:
            reason, words, element = held
            reason = FACE_AND_TEXT if reason == FACE and is_read else reason
            raise InvalidDicom(
                reason, words, element=element, mend="it waits in quarantine for pixel review"
            )

    def _remember(self, header: Header, subject: Pseudonym) -> None:
        if self._patients is not None:
            self._patients[header.text(0x00100020)] = subject


@dataclass(slots=True)
class _Series:
    """What the gate knows of the instances of one template."""

    header: Header
    said: frozenset[Found]
    """By all elements; what decides the setting."""
    creators: Mapping[int, str]
    searched: Identities
    stable: frozenset[Found] = frozenset()
    """By the elements that are the same in all."""
    naming: dict[int, str] = field(default_factory=dict)


def _wanted(units: Iterable[Unit]) -> dict[int, bytes]:
    return {tag: raw[start:] for tag, _, start, raw in units if tag in _WANTED}


def _earlier(units: Iterable[Unit], *, explicit: bool) -> tuple[str, ...]:
    for tag, vr, start, raw in units:
        if tag == 0x00120064 and vr == b"SQ":
            return earlier_codes(raw, start, explicit=explicit)
    return ()


def _is_of(
    proof: CheckedPixels,
    file: Source,
    found: Split,
    extent: Extent | None,
) -> bool:
    """Say whether a proof is for these bytes."""
    if proof.document:
        document = next((u[3][u[2] :] for u in found.units if u[0] == DOCUMENT), None)
        return document is not None and sha256(document).hexdigest() == proof.sha256
    return proof.sha256 == (value_sha256(file, *extent[1]) if extent else "")


def _naming(parts: Iterable[Part]) -> dict[int, str]:
    """Return the new UIDs that name the instance."""
    return {part.tag: _uid_of(part.new) for part in parts if part.tag in NAMING}


def _uid_of(element: bytes) -> str:
    return element[8:].rstrip(b"\0 ").decode("ascii", "replace")


def row_as_written(
    instance: Deidentified[DeidentifiedInstance],
    *,
    n_bytes: int,
    file_sha256: str,
    pixel_sha256: str,
    path: str,
) -> Deidentified[InstanceRow]:
    """Return the instance's row for the index, once its file is written."""
    value = instance.value
    plain = FileMeta(value.transfer_syntax_uid, "", "", 0)
    written = scan(BytesSource(value.head), plain, ROW_TAGS)
    offset, length = value.pixel_value or (0, 0)
    row = instance_row(Header(written.values, offset, length), plain, n_bytes=n_bytes, path=path)
    return seal_deidentified(replace(row, sha256=file_sha256, pixel_sha256=pixel_sha256))
