"""From the tables of PS3.15 and a profile to one action per attribute. Pure; text in, rules out.

Where Table E.1-1 leaves a choice (X/Z, X/D, X/Z/D, Z/D) the Type of the attribute in the class of
the instance decides; in a class of which nothing is known, the choice that is valid in all. What
the table does not list is decided by VR and two allow-lists, never let through unseen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from tessera.domain.deid.actions import ACTION_WORDS as ACTION_WORDS
from tessera.domain.deid.actions import AGE as AGE
from tessera.domain.deid.actions import BAND as BAND
from tessera.domain.deid.actions import CHARSET as CHARSET
from tessera.domain.deid.actions import CLEAN as CLEAN
from tessera.domain.deid.actions import CODED as CODED
from tessera.domain.deid.actions import DESCEND as DESCEND
from tessera.domain.deid.actions import DUMMY as DUMMY
from tessera.domain.deid.actions import EMPTY as EMPTY
from tessera.domain.deid.actions import KEEP as KEEP
from tessera.domain.deid.actions import KEEP_BINARY as KEEP_BINARY
from tessera.domain.deid.actions import KEEP_CODE as KEEP_CODE
from tessera.domain.deid.actions import KEEP_NUMBER as KEEP_NUMBER
from tessera.domain.deid.actions import KEEP_TEXT as KEEP_TEXT
from tessera.domain.deid.actions import REMOVE as REMOVE
from tessera.domain.deid.actions import ROUND as ROUND
from tessera.domain.deid.actions import SCHEME as SCHEME
from tessera.domain.deid.actions import SHIFT as SHIFT
from tessera.domain.deid.actions import UID as UID
from tessera.domain.deid.decisions import NESTED_SUBJECT as NESTED_SUBJECT
from tessera.domain.deid.decisions import Decision, Tables, date_action, decide, read_tables
from tessera.domain.deid.decisions import table_rows as table_rows
from tessera.domain.deid.iod_types import NEEDED, AttributeTypes, Types, read_attribute_types
from tessera.domain.deid.private_rules import PrivateRow, private_rules
from tessera.domain.deid.private_rules import PrivateRule as PrivateRule
from tessera.domain.deid.profile import Profile
from tessera.domain.imaging.encoding import DICTIONARY_VR

_MEANING = "3"
"""What the actions mean; raised when one comes to do otherwise, so that no home mixes the two."""
OVERLAY: Final[Mapping[int, int]] = {
    0x0010: KEEP_BINARY,  # rows
    0x0011: KEEP_BINARY,  # columns
    0x0015: KEEP_BINARY,  # frames
    0x0022: CLEAN,  # description
    0x0040: KEEP_CODE,  # type
    0x0045: KEEP_CODE,  # subtype
    0x0050: KEEP_BINARY,  # origin
    0x0051: KEEP_BINARY,  # frame origin
    0x0100: KEEP_BINARY,  # bits allocated
    0x0102: KEEP_BINARY,  # bit position
    0x1500: CLEAN,  # label
    0x3000: KEEP,  # data
}
"""Element number → action in an overlay that was read and holds no text. Source: PS3.3 C.9.2."""
_OVERLAYS: Final = tuple((0x6000 + 2 * n) << 16 for n in range(16))


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """The data files of this package, as text."""

    table: str
    """`e1_1.csv`: Table E.1-1."""
    safe_private: str
    """`safe_private.csv`: Table E.3.10-1."""
    unlisted_text: str
    """`unlisted_text.csv`: text attributes outside the table, and what becomes of them."""
    unlisted_binary: str
    """`unlisted_binary.csv`: bulk attributes outside the table that may stay."""
    coding_schemes: str
    """`coding_schemes.csv`: published coding schemes."""
    storage_classes: str
    """`storage_classes.csv`: which SOP classes pass and which are held."""
    attribute_types: str
    """`attribute_types.txt`: Types of attributes by SOP class."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A compiled profile."""

    profile: Profile
    actions: Mapping[int, int]
    """Tag → action for every attribute of the standard dictionary, in a class that is not known."""
    private: Mapping[tuple[str, int], Mapping[int, PrivateRule]]
    """(creator, group) → low element byte → rule; what is not in it goes."""
    schemes: frozenset[bytes]
    """Published coding schemes: their codes and meanings stay; all others are local."""
    public_uids: frozenset[str]
    """UIDs of published coding schemes and of storage classes: they name no instance and stay."""
    fingerprint: str
    """First 16 hex digits of the SHA-256 of the profile, its tables and what the actions mean."""
    _tables: Tables = field(repr=False)
    _types: AttributeTypes = field(repr=False)
    _by_class: dict[tuple[str, bool], dict[int, int]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def label(self) -> str:
        """Name, version and fingerprint, at most 64 characters (an LO value)."""
        return f"{self.profile.name} {self.profile.version} {self.fingerprint}"[:64]

    def actions_for(self, sop_class_uid: str, *, graphics_checked: bool = False) -> dict[int, int]:
        """Return tag → action for instances of a class; what is not in it is removed.

        With `graphics_checked` (overlays were read, no text is in them) and the option
        clean-graphics, overlays have their actions too.
        """
        graphics = graphics_checked and self.profile.has("clean-graphics")
        known = self._by_class.get((sop_class_uid, graphics))
        if known is None:
            types = self._types.of_class(sop_class_uid)
            known = dict(self.actions)
            if types is not None:
                for tag in {*self._tables.listed, *_BY_TYPE}:
                    if tag in known:
                        known[tag] = self.decision(tag, types).action
            if graphics:
                known.update((g | low, a) for g in _OVERLAYS for low, a in OVERLAY.items())
            self._by_class[sop_class_uid, graphics] = known
        return known

    def required_for(self, sop_class_uid: str) -> frozenset[int]:
        """Return the attributes that may not be empty in a class (Type 1, or 1C: when there)."""
        types = self.types_of(sop_class_uid) or self._types.anywhere()
        both = (*types.top.items(), *types.inside.items())
        return frozenset(tag for tag, kind in both if kind in NEEDED)

    def types_of(self, sop_class_uid: str) -> Types | None:
        """Return the Types of the attributes of a class; None when it is not known."""
        return self._types.of_class(sop_class_uid)

    def cell(self, tag: int, column: str) -> str:
        """Return a cell of Table E.1-1, empty when it does not list the attribute."""
        return self._tables.listed.get(tag, {}).get(column, "")

    def decision(self, tag: int, types: Types | None = None) -> Decision:
        """Return what becomes of a standard attribute, and why. Raises KeyError for no such tag."""
        kind = "" if types is None else types.strongest(tag)
        return decide(tag, kind, self.profile, self._tables)


_BY_TYPE: Final = frozenset((0x00280301, 0x00280302))
"""Not in Table E.1-1, yet decided by Type."""


def compile_rules(profile: Profile, texts: RuleTexts) -> RuleSet:
    """Return the action of every attribute under `profile`. Raises InvalidSettings."""
    tables = read_tables(texts.table, texts.unlisted_text, texts.unlisted_binary)
    actions = {tag: decide(tag, "", profile, tables).action for tag in DICTIONARY_VR}
    safe = profile.has("retain-safe-private")
    rows = (*_safe_private(texts.safe_private), *profile.private_list) if safe else ()
    private = private_rules(rows, profile.private_overrides, date_action(profile))
    published = table_rows(texts.coding_schemes)
    schemes = frozenset(row["designator"].encode() for row in published)
    classes = table_rows(texts.storage_classes)
    public_uids = frozenset(row["uid"] for row in (*published, *classes) if row["uid"])
    types = read_attribute_types(texts.attribute_types)
    fingerprint = _fingerprint(profile, texts)
    return RuleSet(profile, actions, private, schemes, public_uids, fingerprint, tables, types)


def _fingerprint(profile: Profile, texts: RuleTexts) -> str:
    parts = [_MEANING, repr(profile), *(getattr(texts, name) for name in RuleTexts.__slots__)]
    if profile.crowd:
        parts.append(repr(profile.crowd))
    if profile.names_model:
        parts.append(profile.names_model)
    return sha256("\x00".join(parts).encode()).hexdigest()[:16]


def _safe_private(text: str) -> list[PrivateRow]:
    return [
        PrivateRow(
            (int(row["group"], 16), row["creator"].strip(), int(row["element"], 16)),
            row["vr"].encode(),
            "keep",
            row["meaning"],
        )
        for row in table_rows(text)
    ]
