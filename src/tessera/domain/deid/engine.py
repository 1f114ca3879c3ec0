"""De-identify the elements of one instance's header. Pure.

Each element becomes new bytes by its rule, at any depth; pixel data is never read. What is not
certain raises OddEncoding, and the caller takes the instance through pydicom first, then through
this same module (decision record 0004).

What an element becomes depends on its bytes and its `Setting` alone and is remembered there: the
elements of a series are nearly all the same.

Source: DICOM PS3.15 Annex E; encoding PS3.5 section 7.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tessera.domain.deid import values
from tessera.domain.deid.element_values import TEXT_VRS, ElementValues
from tessera.domain.deid.identities import Identities
from tessera.domain.deid.private_group import creator_element, private_group
from tessera.domain.deid.provenance import provenance
from tessera.domain.deid.pseudonyms import Pseudonymiser, same_person
from tessera.domain.deid.rules import (
    CHARSET,
    CODED,
    DESCEND,
    DUMMY,
    EMPTY,
    KEEP,
    KEEP_BINARY,
    KEEP_NUMBER,
    NESTED_SUBJECT,
    REMOVE,
    PrivateRule,
    RuleSet,
)
from tessera.domain.deid.setting import Changed, Place, Setting, Who
from tessera.domain.deid.split import Split, Unit, creator_of
from tessera.domain.deid.structured import CONCEPT, VALUES, is_personal
from tessera.domain.deid.text_values import Cleaner, TextValues
from tessera.domain.deid.values import BINARY_SIZE
from tessera.domain.imaging.encoding import (
    DICTIONARY_VM,
    DICTIONARY_VR,
    ITEM,
    ITEM_END,
    MAX_DEPTH,
    PIXEL_TAGS,
    SEQUENCE_END,
    UNDEFINED,
    OddEncoding,
    WindowTooShort,
    element_at,
    skip_undefined,
    too_deep,
    value_ahead,
)
from tessera.domain.imaging.header import decoded

if TYPE_CHECKING:
    from tessera.domain.deid.text.cleaner import NameFinder
    from tessera.domain.deid.text.vocabulary import Vocabulary

_KEPT_VRS = values.BULK_VRS | frozenset(BINARY_SIZE)
_BLIND = frozenset((REMOVE, EMPTY, DUMMY))
"""Actions that do not look at the value."""
_MAY_EMPTY = frozenset((EMPTY, CHARSET))
PRIVATE = -1
"""Stands for all private elements in `counts`."""
_CHECKED_DOCUMENT = {0x00420011: KEEP, 0x00420015: KEEP_BINARY}
"""An encapsulated document made anew, and its length."""
_LEAST_TEXT = 16
"""Bytes from which a bulk value that is all text is none: a report hides in it."""
_SETTINGS = 16
_MEMO = 20_000
_LONGEST_REMEMBERED = 1 << 14
_END = 1 << 33


@dataclass(frozen=True, slots=True)
class Part:
    """One element of the header, before and after."""

    tag: int
    raw: bytes
    """As in the source; empty when it was not read, or is not from there."""
    new: bytes
    counted: tuple[tuple[int, int], ...]
    """(tag, action) of what changed, the element itself and those inside."""
    own: bool = False
    """It is none of the source's."""


class Rewriter:
    """Applies one rule set under one project key. Reusable; one per worker."""

    def __init__(
        self,
        rules: RuleSet,
        pseudonymiser: Pseudonymiser,
        vocabulary: "Vocabulary",
        finder: "NameFinder | None" = None,
    ) -> None:
        self._rules = rules
        self._pseudonymiser = pseudonymiser
        self._words = (vocabulary, finder)
        self._values = ElementValues(rules, pseudonymiser)
        self._settings: OrderedDict[Who, Setting] = OrderedDict()
        self._inner: list[tuple[int, int]] = []
        self.counts: Counter[tuple[int, int]] = Counter()
        """(tag, action) → elements changed since it was last cleared; private tags as PRIVATE."""

    def setting(self, who: Who) -> Setting:
        """Return the setting of `who`, with what it remembers."""
        known = self._settings.get(who)
        if known is not None:
            self._settings.move_to_end(who)
            return known
        days = self._pseudonymiser.shift_days(who.subject, who.study)
        texts = TextValues(lambda: self._cleaner(who.people, days), who.people)
        actions = self._rules.actions_for(who.sop_class, graphics_checked=who.graphics_checked)
        if who.document_checked:
            actions = {**actions, **_CHECKED_DOCUMENT}
        required = self._rules.required_for(who.sop_class)
        setting = Setting(who, actions, required, days, texts, self._inserts(who))
        self._settings[who] = setting
        if len(self._settings) > _SETTINGS:
            self._settings.popitem(last=False)
        return setting

    def _cleaner(self, people: Identities, days: int) -> Cleaner:
        from tessera.domain.deid.text.cleaner import TextCleaner  # large, and not always needed

        return TextCleaner(self._words[0], people, days=days, finder=self._words[1])

    def _inserts(self, who: Who) -> tuple[tuple[int, bytes], ...]:
        name, explicit = values.padded(who.subject.encode()), who.explicit
        own = [
            (0x00100010, values.element(0x00100010, b"PN", name, explicit=explicit)),
            (0x00100020, values.element(0x00100020, b"LO", name, explicit=explicit)),
            *provenance(self._rules, who),
        ]
        return tuple(sorted(own))

    def rewrite(self, found: Split, setting: Setting) -> list[Part]:
        """Return the parts of the new header, in order. Raises OddEncoding and InvalidDicom."""
        parts: list[Part] = []
        used = self._used_creators(found)
        inserts = iter((*setting.inserts, (_END, b"")))
        next_tag, own = next(inserts)
        replaced = frozenset(tag for tag, _ in setting.inserts)
        n_kept = 0
        for unit in found.units:
            tag, _, _, raw = unit
            while tag > next_tag:
                parts.append(Part(next_tag, b"", own, (), own=True))
                next_tag, own = next(inserts)
            counted: tuple[tuple[int, int], ...] = ()
            if tag >> 16 & 1:
                new = self.private(unit, found.creators, used, setting)
                n_kept += bool(new and tag & 0xFFFF >= 0x100)
            elif tag in replaced:
                new, counted = b"", ((tag, REMOVE),)
            else:
                new, counted = self.changed(unit, setting)
            if counted:
                self.counts.update(counted)
            parts.append(Part(tag, raw, new, counted))
        while next_tag < _END:
            parts.append(Part(next_tag, b"", own, (), own=True))
            next_tag, own = next(inserts)
        self.counts[PRIVATE, KEEP] += n_kept
        self.counts[PRIVATE, REMOVE] += found.n_private_removed
        return parts

    def changed(self, unit: Unit, setting: Setting) -> Changed:
        """Return what one standard element of the top level becomes."""
        tag, vr, start, raw = unit
        known = setting.memo.get(raw) if raw else None
        if known is not None:
            return known
        action = setting.actions.get(tag, REMOVE)
        if action == KEEP_NUMBER and self._values.stays(raw[start:], tag, vr, setting):
            return raw, ()
        self._inner = []
        if raw:
            place = Place(0, setting.who.charset)
            new = self._element(raw, tag, vr, start, len(raw), len(raw), setting, place)
        elif action in _BLIND:
            new = self._gone(tag, vr, action, explicit=setting.who.explicit)
        else:
            raise OddEncoding
        inner = self._inner
        result = (raw, tuple(inner)) if new is None else (new, ((tag, action), *inner))
        if 0 < len(raw) <= _LONGEST_REMEMBERED:
            if len(setting.memo) > _MEMO:
                setting.memo.clear()
            setting.memo[raw] = result
        return result

    def _element(
        self,
        buf: bytes,
        tag: int,
        vr: bytes,
        start: int,
        after: int,
        end: int,
        setting: Setting,
        place: Place,
    ) -> bytes | None:
        """Return the new bytes of one element (b"" removes it), or None to leave it as it is."""
        explicit = setting.who.explicit
        action = setting.actions.get(tag, REMOVE)
        if tag in PIXEL_TAGS:
            action = REMOVE  # an icon or the like: pixels that nobody holds back
        if vr == b"UN" and action not in _BLIND:
            raise OddEncoding  # pydicom knows its VR
        if place.depth and tag in NESTED_SUBJECT:
            return self._nested_subject(buf, tag, start, after, end, setting, place)
        if action == REMOVE:
            return b""
        if action == DESCEND:
            if vr != b"SQ":
                raise OddEncoding
            if tag == CONCEPT:
                place.personal = is_personal(buf[start:after], 0, explicit=explicit)
            inside = self._items(buf, start, after, setting, place)
            return values.element(tag, b"SQ", inside, explicit=explicit)
        if vr == b"SQ":
            return self._gone(tag, vr, EMPTY, explicit=explicit)
        length = after - start
        if (action == KEEP and vr in _KEPT_VRS) or (
            action == KEEP_BINARY
            and vr in BINARY_SIZE
            and length <= DICTIONARY_VM.get(tag, length) * BINARY_SIZE[vr]
        ):
            return None
        old = buf[start:after]
        has_value = bool(old.strip(b" \0"))
        if place.personal and tag in VALUES:
            action = DUMMY
        if action == CODED:
            ahead = value_ahead(buf, after, end, 0x00080102, explicit=explicit)
            new = self._values.coded(old, vr, place.scheme or ahead, setting, place)
        else:
            new = self._values.changed(old, tag, vr, action, setting, place)
        if not new and has_value and action not in _MAY_EMPTY and tag in setting.required:
            new = values.dummy(vr)
        return None if new == old else values.element(tag, vr, new, explicit=explicit)

    @staticmethod
    def _gone(tag: int, vr: bytes, action: int, *, explicit: bool) -> bytes:
        if action == REMOVE:
            return b""
        value = b"" if action == EMPTY or vr == b"SQ" else values.dummy(vr)
        return values.element(tag, vr, value, explicit=explicit)

    def _nested_subject(
        self,
        buf: bytes,
        tag: int,
        start: int,
        after: int,
        end: int,
        setting: Setting,
        place: Place,
    ) -> bytes:
        who, vr, explicit = setting.who.subject, DICTIONARY_VR[tag], setting.who.explicit
        if tag == 0x00100020:
            patient_id = decoded(buf[start:after], place.charset)
            raw = value_ahead(buf, after, end, 0x00100021, explicit=explicit)
            if same_person(patient_id):
                issuer = decoded(raw, place.charset)
                who = self._pseudonymiser.pseudonym(patient_id, issuer)
        return values.element(tag, vr, values.padded(who.encode()), explicit=explicit)

    def private(
        self, unit: Unit, creators: Mapping[int, str], used: frozenset[int], setting: Setting
    ) -> bytes:
        """Return what stays of one private element of the top level. `used`: creators that do."""
        tag, vr, start, raw = unit
        explicit = setting.who.explicit
        if tag & 0xFFFF < 0x100:
            if tag not in used:
                return b""
            return creator_element(tag, creators[tag], explicit=explicit)
        rule = self._private_rule(tag, creators)
        if rule is None:
            return b""
        place = Place(0, setting.who.charset)
        new = self._safe_private(rule, vr if explicit else rule.vr, raw[start:], setting, place)
        return values.element(tag, rule.vr, new, explicit=explicit)

    def _private_rule(self, tag: int, creators: Mapping[int, str]) -> PrivateRule | None:
        known = self._rules.private.get((creators.get(creator_of(tag), ""), tag >> 16))
        return known.get(tag & 0xFF) if known else None

    def _used_creators(self, found: Split) -> frozenset[int]:
        """Return the private creator elements of which something stays."""
        return frozenset(
            creator_of(tag)
            for tag, _, _, raw in found.units
            if tag >> 16 & 1 and tag & 0xFFFF >= 0x100 and raw
            if self._private_rule(tag, found.creators)
        )

    def _safe_private(
        self, rule: PrivateRule, vr: bytes, old: bytes, setting: Setting, place: Place
    ) -> bytes:
        """Return the value, empty when it is not what the list says this element holds."""
        known, action = rule
        if known == b"SQ":
            if action != DESCEND or vr != b"SQ":
                return b""
            return self._items(old, 0, len(old), setting, place)
        if vr not in (known, b"UN"):
            return b""
        if action == KEEP:
            is_text = known in values.BULK_VRS and len(old) >= _LEAST_TEXT and values.is_text(old)
            return b"" if is_text or len(old) % BINARY_SIZE.get(known, 1) else old
        if known not in TEXT_VRS or not values.is_text(old):
            return values.dummy(known) if action == DUMMY else b""
        if action == KEEP_NUMBER:
            is_kept = values.fits(old, known) and not setting.texts.is_identifier(old)
            return old if is_kept else b""
        return self._values.changed(old, -1, known, action, setting, place)

    def _items(self, buf: bytes, start: int, after: int, setting: Setting, above: Place) -> bytes:
        if above.depth >= MAX_DEPTH:
            raise too_deep()
        out: list[bytes] = []
        pos = start
        try:
            while pos + 8 <= after:
                tag, _, inner, length = element_at(buf, pos, after, explicit=False)
                if tag == SEQUENCE_END:
                    break
                if tag != ITEM:
                    raise OddEncoding
                stop = after if length == UNDEFINED else inner + length
                if stop > after:
                    raise OddEncoding
                place = Place(above.depth + 1, above.charset)
                done, pos, is_closed = self._item(buf, inner, stop, setting, place)
                if is_closed != (length == UNDEFINED) or (not is_closed and pos != stop):
                    raise OddEncoding
                out.append(values.ITEM_HEADER + len(done).to_bytes(4, "little") + done)
        except WindowTooShort:
            raise OddEncoding from None
        return b"".join(out)

    def _item(
        self, buf: bytes, pos: int, end: int, setting: Setting, place: Place
    ) -> tuple[bytes, int, bool]:
        """Return the new bytes of one item, where it ends, and whether a delimiter ended it."""
        explicit = setting.who.explicit
        out: list[bytes] = []
        run, last = pos, -1
        while pos < end:
            tag, vr, start, length = element_at(buf, pos, end, explicit=explicit)
            if tag == ITEM_END:
                out.append(buf[run:pos])
                return b"".join(out), start, True
            if tag <= last:
                raise OddEncoding
            if tag >> 16 & 1:
                private = private_group(
                    buf,
                    pos,
                    end,
                    explicit=explicit,
                    final=True,
                    safe=self._rules.private,
                    changed=lambda rule, vr, old: self._safe_private(rule, vr, old, setting, place),
                )
                self._inner += [(PRIVATE, KEEP)] * private.n_kept
                self._inner += [(PRIVATE, REMOVE)] * private.n_removed
                out += (buf[run:pos], private.raw)
                pos = run = private.after
                last = private.last
                continue
            if length == UNDEFINED:
                after = skip_undefined(buf, start, end, explicit=explicit and vr != b"UN")
            else:
                after = start + length
            if after > end:
                raise OddEncoding
            if length == UNDEFINED and vr not in (b"SQ", b"UN"):
                new: bytes | None = b""
            else:
                new = self._element(buf, tag, vr, start, after, end, setting, place)
            if new is not None:
                self._inner.append((tag, setting.actions.get(tag, REMOVE)))
                out += (buf[run:pos], new)
                run = after
            last, pos = tag, after
        out.append(buf[run:pos])
        return b"".join(out), pos, False
