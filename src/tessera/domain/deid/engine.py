"""De-identify one instance in one pass over its header bytes. Pure.

Runs of elements that stay are copied as bytes; pixel data is never read, only named by
where it lies. What the pass is not certain of raises OddEncoding, and the caller takes
the instance through pydicom first, then through this same pass (decision record 0004).

Source: DICOM PS3.15 Annex E; encoding PS3.5 section 7.
"""

from collections import Counter
from dataclasses import dataclass

from tessera.domain.deid import values
from tessera.domain.deid.private_group import private_group
from tessera.domain.deid.provenance import provenance
from tessera.domain.deid.pseudonyms import Pseudonymiser, same_person
from tessera.domain.deid.rules import (
    AGE,
    CHARSET,
    CODED,
    DESCEND,
    DUMMY,
    EMPTY,
    KEEP,
    KEEP_BINARY,
    KEEP_CODE,
    KEEP_NUMBER,
    KEEP_TEXT,
    NESTED_SUBJECT,
    REMOVE,
    SCHEME,
    SHIFT,
    UID,
    RuleSet,
)
from tessera.domain.deid.values import BINARY_SIZE
from tessera.domain.ids import Pseudonym
from tessera.domain.imaging.encoding import (
    DICTIONARY_VM,
    DICTIONARY_VR,
    IMPLICIT_LE,
    ITEM,
    ITEM_END,
    LONG_LENGTH,
    LONG_VRS,
    MAX_DEPTH,
    PIXEL_TAGS,
    SEQUENCE_END,
    SHORT_HEADER,
    SHORT_VRS,
    UNDEFINED,
    FileMeta,
    OddEncoding,
    Source,
    WindowTooShort,
    element_at,
    skip_undefined,
    too_deep,
    truncated,
    value_ahead,
)
from tessera.domain.imaging.header import FIRST_WINDOW, LARGEST_WINDOW, decoded
from tessera.domain.imaging.pixels import pixel_extent

_KEPT_VRS = values.BULK_VRS | frozenset(BINARY_SIZE)
_TEXT_VRS = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
_BLIND = frozenset((REMOVE, EMPTY, DUMMY))
"""Actions that do not look at the value."""
_END = 0xFFFFFFFF
PRIVATE = -1
"""Stands for all private elements in `counts`."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A de-identified data set: new bytes, then pixel data that stays where it is."""

    head: bytes
    """All elements before the pixel data."""
    pixels: tuple[int, int] | None
    """Offset and length in the source of the whole pixel data element, header included."""
    pixel_value: tuple[int, int] | None
    """Offset and length in the source of its value."""


class Rewriter:
    """Applies one rule set under one project key. Reusable; one per worker."""

    def __init__(self, rules: RuleSet, pseudonymiser: Pseudonymiser) -> None:
        self._rules = rules
        self._actions = rules.actions
        self._pseudonymiser = pseudonymiser
        self._subject = Pseudonym("")
        self._days = 0
        self._charset = b""
        self._dates: dict[bytes, bytes] = {}
        self.counts: Counter[tuple[int, int]] = Counter()
        """(tag, action) → elements changed since it was last cleared; private tags as PRIVATE."""
        self._provenance: dict[bool, list[tuple[int, bytes]]] = {
            explicit: provenance(rules, explicit=explicit) for explicit in (True, False)
        }

    def rewrite(
        self, source: Source, meta: FileMeta, subject: Pseudonym, charset: bytes
    ) -> Rewritten:
        """Return the de-identified data set of one instance.

        `subject` takes the place of PatientID and PatientName and sets the date shift.
        Raises OddEncoding and InvalidDicom.
        """
        if subject != self._subject:
            self._subject, self._dates = subject, {}
            self._days = self._pseudonymiser.shift_days(subject)
        self._charset = charset
        explicit = meta.transfer_syntax_uid != IMPLICIT_LE
        inserts = self._inserts(explicit=explicit)
        out: list[bytes] = []
        base, size = meta.dataset_offset, FIRST_WINDOW
        last = -1
        while base < source.size:
            buf = source.read(base, size)
            done, pos, last, tag = self._elements(
                buf,
                0,
                len(buf),
                explicit=explicit,
                depth=0,
                final=base + len(buf) >= source.size,
                last=last,
                inserts=inserts,
            )
            out.append(done)
            if tag in PIXEL_TAGS:
                out.extend(raw for _, raw in inserts)
                element, value = pixel_extent(source, base + pos, explicit=explicit)
                return Rewritten(b"".join(out), element, value)
            if base + pos > source.size:
                raise truncated(last)
            if pos == 0:
                size *= 4
                if len(buf) + base >= source.size or size > LARGEST_WINDOW * 4:
                    raise truncated(int.from_bytes(buf[:2], "little") << 16)
            base += pos
        out.extend(raw for _, raw in inserts)
        return Rewritten(b"".join(out), None, None)

    def _inserts(self, *, explicit: bool) -> list[tuple[int, bytes]]:
        who = values.padded(self._subject.encode())
        own = [
            (0x00100010, values.element(0x00100010, b"PN", who, explicit=explicit)),
            (0x00100020, values.element(0x00100020, b"LO", who, explicit=explicit)),
        ]
        return [*own, *self._provenance[explicit], (_END, b"")]

    def _elements(
        self,
        buf: bytes,
        pos: int,
        end: int,
        *,
        explicit: bool,
        depth: int,
        final: bool = True,
        last: int = -1,
        inserts: list[tuple[int, bytes]] | None = None,
    ) -> tuple[bytes, int, int, int]:
        """Rewrite elements from `pos`; return (bytes, next position, last tag, stopping tag).

        At depth 0 it stops before pixel data and before an element that the window does
        not hold; inside an item it stops after the item's delimiter or at `end`.
        """
        actions, out, run = self._actions, [], pos
        unpack, unpack_long = SHORT_HEADER.unpack_from, LONG_LENGTH.unpack_from
        scheme = b""
        next_insert = inserts[0][0] if inserts else _END
        try:
            while pos < end:
                if explicit and pos + 12 <= end:
                    group, number, vr, length = unpack(buf, pos)
                    tag = group << 16 | number
                    if vr in SHORT_VRS:
                        start = pos + 8
                    elif vr in LONG_VRS:
                        (length,) = unpack_long(buf, pos + 8)
                        start = pos + 12
                    else:
                        tag, vr, start, length = element_at(buf, pos, end, explicit=True)
                else:
                    tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
                if tag == ITEM_END and depth:
                    out.append(buf[run:pos])
                    return b"".join(out), start, last, tag
                if tag <= last:
                    raise OddEncoding
                if tag > next_insert and inserts:
                    out.append(buf[run:pos])
                    run = pos
                    while inserts[0][0] < tag:
                        out.append(inserts.pop(0)[1])
                    next_insert = inserts[0][0]
                if tag >> 16 & 1:
                    private = private_group(
                        buf,
                        pos,
                        end,
                        explicit=explicit,
                        final=final,
                        safe=self._rules.private,
                        changed=self._safe_private,
                    )
                    self.counts[PRIVATE, KEEP] += private.n_kept
                    self.counts[PRIVATE, REMOVE] += private.n_removed
                    out += (buf[run:pos], private.raw)
                    pos = run = private.after
                    last = private.last
                    continue
                action = actions.get(tag, REMOVE)
                if tag in PIXEL_TAGS:
                    if not depth:
                        out.append(buf[run:pos])
                        return b"".join(out), pos, last, tag
                    action = REMOVE  # an icon or the like: pixels that nobody holds back
                if vr == b"UN" and action not in _BLIND:
                    raise OddEncoding  # pydicom knows its VR
                if length == UNDEFINED:
                    inner = explicit and vr != b"UN"
                    after = skip_undefined(buf, start, end, explicit=inner)
                    if vr != b"SQ":
                        action = REMOVE
                else:
                    after = start + length
                if after > end and (action != REMOVE or depth):
                    raise WindowTooShort
                if (action == KEEP and vr in _KEPT_VRS) or (
                    action == KEEP_BINARY
                    and vr in BINARY_SIZE
                    and length <= DICTIONARY_VM.get(tag, length) * BINARY_SIZE[vr]
                ):
                    last, pos = tag, after
                    continue
                if action == SCHEME:
                    scheme = buf[start:after].strip(b" \0")
                new = self._replaced(
                    buf,
                    tag,
                    vr,
                    start,
                    after,
                    end,
                    action,
                    explicit=explicit,
                    depth=depth,
                    scheme=scheme,
                )
                if new is not None:
                    self.counts[tag, action] += 1
                    out.append(buf[run:pos])
                    out.append(new)
                    run = after
                last, pos = tag, after
        except WindowTooShort:
            if depth:
                raise OddEncoding from None
        out.append(buf[run : min(pos, end)] if run < pos else b"")
        return b"".join(out), pos, last, 0

    def _replaced(
        self,
        buf: bytes,
        tag: int,
        vr: bytes,
        start: int,
        after: int,
        end: int,
        action: int,
        *,
        explicit: bool,
        depth: int,
        scheme: bytes,
    ) -> bytes | None:
        """Return the new bytes of one element (b"" removes it), or None to leave it as it is."""
        if action == REMOVE:
            nested = depth and tag in NESTED_SUBJECT
            return self._nested_subject(buf, tag, start, after, end, explicit) if nested else b""
        if action == DESCEND:
            if vr != b"SQ":
                raise OddEncoding
            inside = self._items(buf, start, after, explicit=explicit, depth=depth + 1)
            return values.element(tag, b"SQ", inside, explicit=explicit)
        if vr == b"SQ":
            return values.element(tag, vr, b"", explicit=explicit)
        old = buf[start:after]
        if action == UID:
            new = self._new_uids(old)
        elif action == SHIFT:
            new = self._dates.get(old) or self._shifted(old)
        elif action == EMPTY or not old.strip(b" \0"):
            new = b""
        elif action == DUMMY:
            new = values.dummy(vr)
        elif action == KEEP_TEXT:
            new = old if vr in _TEXT_VRS and values.is_text(old) else b""
        elif action == KEEP_CODE:
            new = values.code_strings(old)
        elif action == KEEP_NUMBER:
            new = old if values.fits(old, DICTIONARY_VR[tag]) else b""
        elif action == CHARSET:
            new = values.character_set(old)
        elif action == AGE:
            new = values.capped_age(old)
        elif action == CODED:
            known = scheme or value_ahead(buf, after, end, 0x00080102, explicit=explicit)
            public = known in self._rules.schemes and values.is_text(old)
            new = old if public else values.REMOVED
        elif action == SCHEME:
            new = old if scheme in self._rules.schemes else b"99LOCAL "
        else:
            new = b""
        return None if new == old else values.element(tag, vr, new, explicit=explicit)

    def _nested_subject(
        self, buf: bytes, tag: int, start: int, after: int, end: int, explicit: bool
    ) -> bytes:
        who, vr = self._subject, DICTIONARY_VR[tag]
        if tag == 0x00100020:
            patient_id = decoded(buf[start:after], self._charset)
            raw = value_ahead(buf, after, end, 0x00100021, explicit=explicit)
            if same_person(patient_id):
                issuer = decoded(raw, self._charset)
                who = self._pseudonymiser.pseudonym(patient_id, issuer)
        return values.element(tag, vr, values.padded(who.encode()), explicit=explicit)

    def _new_uids(self, old: bytes) -> bytes:
        if self._rules.profile.has("retain-uids"):
            return old if values.fits(old, b"UI") else b""
        uid, public = self._pseudonymiser.uid, self._rules.public_uids
        parts = (p.strip(" \0") for p in old.rstrip(b"\0 ").decode("latin-1").split("\\"))
        return values.padded_uid("\\".join(p if p in public else uid(p) for p in parts))

    def _shifted(self, old: bytes) -> bytes:
        new = values.shifted(old, self._days)
        self._dates[old] = new
        return new

    def _items(self, buf: bytes, start: int, after: int, *, explicit: bool, depth: int) -> bytes:
        if depth > MAX_DEPTH:
            raise too_deep()
        out: list[bytes] = []
        pos = start
        while pos + 8 <= after:
            tag, _, inner, length = element_at(buf, pos, after, explicit=False)
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                raise OddEncoding
            if length == UNDEFINED:
                done, pos, _, stop = self._elements(
                    buf, inner, after, explicit=explicit, depth=depth
                )
                if stop != ITEM_END:
                    raise OddEncoding
            else:
                if inner + length > after:
                    raise OddEncoding
                done, pos, _, _ = self._elements(
                    buf, inner, inner + length, explicit=explicit, depth=depth
                )
                if pos != inner + length:
                    raise OddEncoding
            out.append(values.ITEM_HEADER + len(done).to_bytes(4, "little") + done)
        return b"".join(out)

    def _safe_private(self, vr: bytes, old: bytes) -> bytes:
        if vr in (b"DA", b"DT"):
            days = self._rules.profile.has("retain-longitudinal-modified-dates")
            return self._shifted(old) if days else b""
        if vr == b"UI":
            return self._new_uids(old)
        return old if values.fits(old, vr) else b""
