"""What the value of an element becomes by its action. Pure; bytes in, bytes out."""

from typing import Final

from tessera.domain.deid import values
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.deid.rules import (
    AGE,
    BAND,
    CHARSET,
    CLEAN,
    DUMMY,
    EMPTY,
    KEEP_CODE,
    KEEP_NUMBER,
    KEEP_TEXT,
    ROUND,
    SCHEME,
    SHIFT,
    UID,
    RuleSet,
)
from tessera.domain.deid.setting import Place, Setting
from tessera.domain.imaging.encoding import DICTIONARY_VR

TEXT_VRS: Final = frozenset(b"AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
_NUMBER_VRS: Final = frozenset((b"DS", b"IS"))
_TOLD_APART: Final = _NUMBER_VRS | {b"TM"}
"""VRs whose form says that a value is a number or a time, and nothing else."""
DEFINED_TERMS: Final = frozenset(
    int(tag, 16)
    for tag in "00080008 00080060 00180015 00180020 00180021 00180022 00185100 00185101".split()
)
"""Code strings of defined terms (ImageType, Modality, body part, scanning, position): a term may
be a name as well, as PERFUSION is; only numbers of persons are looked for there."""


class ElementValues:
    """Values under one rule set and one project key."""

    def __init__(self, rules: RuleSet, pseudonymiser: Pseudonymiser) -> None:
        self._rules = rules
        self._pseudonymiser = pseudonymiser
        self._cleans = rules.profile.has("clean-descriptors")
        self._retains_uids = rules.profile.has("retain-uids")

    def changed(
        self, old: bytes, tag: int, vr: bytes, action: int, setting: Setting, place: Place
    ) -> bytes:
        """Return the new value; what a later element of the item needs goes into `place`."""
        texts = setting.texts
        if action == UID:
            return self._new_uids(old)
        if action == SHIFT:
            return values.shifted(old, setting.days)
        if action == EMPTY or not old.strip(b" \0"):
            return b""
        if action == DUMMY or (action == CLEAN and vr == b"PN"):
            return values.dummy(vr)
        if action == KEEP_CODE:
            new = values.code_strings(old)
            named = texts.is_identifier(new, names=tag not in DEFINED_TERMS)
            return values.dummy(vr) if named else new
        if action == KEEP_NUMBER:
            is_kept = values.fits(old, DICTIONARY_VR.get(tag, vr))
            return b"" if not is_kept or (vr in _NUMBER_VRS and texts.is_identifier(old)) else old
        if action == CHARSET:
            place.charset = old
            return values.character_set(old)
        if action in (AGE, BAND):
            coarse = self._rules.profile.crowd
            return coarse.age(old) if coarse else values.capped_age(old)
        if action == ROUND and self._rules.profile.crowd:
            return self._rules.profile.crowd.rounded(tag, old)
        if action == SCHEME:
            place.scheme = old.strip(b" \0")
            return old if place.scheme in self._rules.schemes else b"99LOCAL "
        if action in (KEEP_TEXT, CLEAN) and vr in TEXT_VRS and values.is_text(old):
            if action == KEEP_TEXT:
                return texts.guarded(vr, old, place.charset)
            return texts.cleaned(vr, old, place.charset)
        return b""

    @staticmethod
    def stays(value: bytes, tag: int, vr: bytes, setting: Setting) -> bool:
        """Say whether a number (KEEP_NUMBER) stays as it is; if not, `changed` knows better.

        Most elements that differ within a series are numbers, and most of these stay.
        """
        return (
            DICTIONARY_VR.get(tag) == vr
            and vr in _TOLD_APART
            and bool(value.strip(b" \0"))
            and values.fits(value, vr)
            and not (vr in _NUMBER_VRS and setting.texts.is_number_of(value))
        )

    def coded(self, old: bytes, vr: bytes, scheme: bytes, setting: Setting, place: Place) -> bytes:
        """Return a code's value or meaning: that of a public scheme, or what is harmless of it."""
        if not old.strip(b" \0"):
            return b""
        if not values.is_text(old):
            return values.REMOVED
        if scheme in self._rules.schemes:
            new = setting.texts.guarded(vr, old, place.charset, coded=True)
        elif self._cleans:
            new = setting.texts.cleaned(vr, old, place.charset)
        else:
            new = b""
        return new or values.REMOVED

    def _new_uids(self, old: bytes) -> bytes:
        if self._retains_uids:
            return old if values.fits(old, b"UI") else b""
        uid, public = self._pseudonymiser.uid, self._rules.public_uids
        parts = (p.strip(" \0") for p in old.rstrip(b"\0 ").decode("latin-1").split("\\"))
        return values.padded_uid("\\".join(p if p in public else uid(p) for p in parts))
