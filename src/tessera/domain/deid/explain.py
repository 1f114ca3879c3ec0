"""A profile in words: what it does, attribute by attribute, and on whose authority. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tessera.domain.deid.actions import ACTION_WORDS, DESCEND, DUMMY, EMPTY, REMOVE
from tessera.domain.deid.decisions import NESTED_SUBJECT, Decision
from tessera.domain.deid.iod_types import Types
from tessera.domain.deid.overrides import described, standard_tag
from tessera.domain.deid.private_rules import PrivateKey, private_key, signature
from tessera.domain.deid.profile import CLAUSES, CODES, OPTIONS, Profile
from tessera.domain.deid.rules import OVERLAY, RuleSet
from tessera.domain.errors import InvalidSettings
from tessera.domain.imaging.encoding import DICTIONARY_VR, text_of

OPTION_WORDS: Final = {
    "clean-pixel-data": "pixels are read for text, and blanked where it may name somebody",
    "clean-recognizable-visual-features": "faces in head scans are taken away",
    "clean-graphics": "overlays that were read, and drawn annotations, stay",
    "clean-structured-content": "reports, acquisition contexts and specimens stay, entry by entry",
    "clean-descriptors": "descriptions and comments stay as far as their words are harmless",
    "retain-longitudinal-full-dates": "dates and times stay as they are",
    "retain-longitudinal-modified-dates": "dates move by whole days, the same for all of a subject",
    "retain-patient-characteristics": "sex, age up to 89, size, weight and the like stay",
    "retain-device-identity": "serial numbers and stations stay",
    "retain-uids": "UIDs stay as they are",
    "retain-safe-private": "private elements that are known to be safe stay",
    "retain-institution-identity": "the hospital's name and address stay",
}
_CROWD_WORDS: Final = {
    "retain-patient-characteristics": "sex stays, age in a band, size and weight rounded",
}
_BY_STUDY: Final = {
    "retain-longitudinal-modified-dates": "dates move by whole days, the same for all of a study",
}
_COLUMNS: Final = {
    "retain-uids": "Retain UIDs",
    "retain-device-identity": "Retain Device Identity",
    "retain-institution-identity": "Retain Institution Identity",
    "retain-patient-characteristics": "Retain Patient Characteristics",
    "retain-longitudinal-full-dates": "Retain Longitudinal Full Dates",
    "retain-longitudinal-modified-dates": "Retain Longitudinal Modified Dates",
    "clean-structured-content": "Clean Structured Content",
    "clean-graphics": "Clean Graphics",
    "retain-safe-private": "Retain Safe Private",
    "clean-descriptors": "Clean Descriptors",
}
_TAG: Final = re.compile(r"\(?([0-9A-Fa-f]{4}),? ?([0-9A-Fa-f]{4})\)?")
_TYPE_3: Final = "3 or none"
_TABLE: Final = "PS3.15 Table E.1-1"
_PRIVATE_ROW: Final = f"PS3.15 E.3.10; {_TABLE}, row of private attributes"
_WHY: Final[Mapping[int, str]] = {
    DUMMY: "it may not be empty, so a dummy stands in its place",
    EMPTY: "it must be there and may be empty",
    REMOVE: "it need not be there",
    DESCEND: "it must have items, so the rules are applied inside",
}


@dataclass(frozen=True, slots=True)
class ExplainedOption:
    """One option of the standard in a profile."""

    option: str
    taken: bool
    words: str
    code: str
    clause: str


@dataclass(frozen=True, slots=True)
class ExplainedProfile:
    """A profile as a whole."""

    label: str
    extends: str
    description: str
    options: tuple[ExplainedOption, ...]
    overrides: tuple[str, ...]
    actions: tuple[tuple[str, int], ...]
    """What becomes of the attributes of the standard's dictionary → how many, the most first."""
    private: int
    """Private elements that may stay."""


@dataclass(frozen=True, slots=True)
class ExplainedAttribute:
    """One attribute under a profile."""

    tag: str
    keyword: str
    vr: str
    action: str
    why: str
    source: str
    """Table and column, option, override, list or rule that decided."""
    clause: str
    iod: str
    """The kind of object that was asked about, or nothing."""
    type_top: str
    """Type at the top level of that kind of object."""
    type_inside: str
    """Strongest Type inside its sequences."""


def explain_profile(rules: RuleSet) -> ExplainedProfile:
    """Return what a profile does as a whole."""
    profile = rules.profile
    counts = Counter(ACTION_WORDS[action] for action in rules.actions.values())
    own = [described(tag, word) for tag, word in sorted(profile.overrides.items())]
    own += [
        f"'{signature(key)}' = \"{word}\""
        for key, (word, _) in sorted(profile.private_overrides.items())
    ]
    return ExplainedProfile(
        rules.label,
        profile.extends,
        " ".join(profile.description.split()),
        tuple(
            ExplainedOption(
                name, profile.has(name), option_words(profile, name), CODES[name][0], CLAUSES[name]
            )
            for name in CODES
            if name in OPTIONS
        ),
        tuple(own),
        tuple(counts.most_common()),
        sum(len(block) for block in rules.private.values()),
    )


def option_words(profile: Profile, option: str) -> str:
    """Return what an option does under a profile."""
    own = _CROWD_WORDS if profile.crowd else {}
    own = own | _BY_STUDY if profile.shifts_by_study else own
    return own.get(option, OPTION_WORDS[option])


def _action_words(tag: int, action: int) -> str:
    if tag in NESTED_SUBJECT:
        return "replaced by the pseudonym"
    return ACTION_WORDS[action]


def explain_attribute(rules: RuleSet, asked: str, sop_class_uid: str = "") -> ExplainedAttribute:
    """Return what becomes of an attribute: by number, keyword, or private with its creator.

    Raises InvalidSettings when it is none of these.
    """
    key = private_key(asked)
    if key is not None:
        return _private(rules, key)
    tag = standard_tag(asked)
    if tag is None:
        found = _TAG.fullmatch(asked.strip())
        if found is None:
            raise InvalidSettings(
                f"{asked!r} is no attribute: write (0008,103E), SeriesDescription, or a private"
                ' one as (0019,"SIEMENS MR HEADER",0A)'
            )
        return _outside(rules, int(found[1] + found[2], 16))
    types = rules.types_of(sop_class_uid) if sop_class_uid else None
    decision = rules.decision(tag, types)
    source, clause = _authority(rules, tag, decision)
    from pydicom.datadict import keyword_for_tag  # large: only for words

    return ExplainedAttribute(
        text_of(tag),
        keyword_for_tag(tag),
        DICTIONARY_VR[tag].decode(),
        _action_words(tag, decision.action),
        _why(tag, decision, types, rules.profile),
        source,
        clause,
        "" if types is None else types.iod,
        "" if types is None else types.top.get(tag, _TYPE_3),
        "" if types is None else types.inside.get(tag, _TYPE_3),
    )


def _authority(rules: RuleSet, tag: int, decision: Decision) -> tuple[str, str]:
    """Return (what decided, clause of the standard)."""
    if decision.source == "override":
        return (
            "override of the profile",
            "the profile's own, beyond PS3.15 E.2",
        )
    if decision.source == "option":
        cell = rules.cell(tag, OPTIONS[decision.detail])
        words = f"option {decision.detail}: column {_COLUMNS[decision.detail]} has {cell}"
        return words, f"{CLAUSES[decision.detail]}; {_TABLE}"
    if decision.source == "crowd":
        return (
            "table crowd of the profile",
            f"{CLAUSES['retain-patient-characteristics']}; {_TABLE}",
        )
    if decision.source == "basic":
        return f"column Basic Profile has {decision.detail}", f"{CLAUSES['basic']}; {_TABLE}"
    listed = rules.cell(tag, "basic")
    row = f"; {_TABLE} (Basic Profile: {listed})" if listed else f"; not in {_TABLE}"
    rule = {
        "always": "rule of the engine",
        "pixels": "pixel data",
        "left-out": "rule of the engine for whole groups",
        "date": "rule for dates that no table lists",
        "allow-list": "reviewed list of what the standard's table leaves out",
        "vr": f"rule for unlisted attributes of VR {decision.detail}",
    }[decision.source]
    return rule, "PS3.15 E.1" + row


def _why(tag: int, decision: Decision, types: Types | None, profile: Profile) -> str:
    if tag in NESTED_SUBJECT:
        return "written anew: the pseudonym, inside sequences too"
    if decision.source in ("always", "allow-list", "pixels", "left-out", "date", "crowd"):
        return decision.detail
    if decision.source == "override":
        return "the profile says so"
    if decision.source == "option":
        return option_words(profile, decision.detail)
    if decision.source == "vr":
        return "no table lists it, so it stays only as far as its VR shows that it names nobody"
    letters = decision.detail
    if types is not None and decision.action in _WHY and letters != "U":
        kind = types.strongest(tag)
        where = "" if kind == types.top.get(tag, "3") else " inside a sequence"
        return f"Type {kind}{where} in this kind of object: {_WHY[decision.action]}"
    if "/" in letters:
        return "valid in every kind of object, since none was named"
    return {
        "X": "the standard removes it",
        "Z": "the standard empties it or puts a dummy",
        "D": "the standard puts a dummy",
        "U": "the standard gives a new UID, the same wherever the old one stands",
    }[letters]


def _private(rules: RuleSet, key: PrivateKey) -> ExplainedAttribute:
    group, creator, low = key
    profile = rules.profile
    rule = rules.private.get((creator, group), {}).get(low)
    action = ACTION_WORDS[REMOVE if rule is None else rule.action]
    if key in profile.private_overrides:
        source, why = "override of the profile", "the profile says so"
    elif rule is None:
        source, why = "no list has it", "what nobody knows to be safe goes"
    elif any(row.key == key for row in profile.private_list):
        source, why = "the profile's private_list", "the site's list has it"
    else:
        source, why = "PS3.15 Table E.3.10-1", "the standard lists it as safe"
    vr = "" if rule is None else rule.vr.decode()
    return ExplainedAttribute(signature(key), "", vr, action, why, source, _PRIVATE_ROW, "", "", "")


def _outside(rules: RuleSet, tag: int) -> ExplainedAttribute:
    """Explain a tag that the standard's dictionary has not."""
    group, element = tag >> 16, tag & 0xFFFF
    clause = f"not in {_TABLE}"
    action = ACTION_WORDS[REMOVE]
    if group & 1:
        why = "private: known by its creator only; ask for it with its creator's name"
        source, clause = "private elements", _PRIVATE_ROW
    elif element == 0:
        why, source = "a group length; no longer true once an element changed", "group lengths"
    elif 0x6000 <= group <= 0x601E:
        source, clause = "overlays", f"PS3.15 E.3.3; {_TABLE}, rows 60xx"
        why = "an overlay is drawn text until it was read"
        if element in OVERLAY and rules.profile.has("clean-graphics"):
            action = f"{ACTION_WORDS[OVERLAY[element]]}, when the overlay was read; else removed"
    elif 0x5000 <= group < 0x5100:
        why, source, clause = "a curve; retired", "curves", f"{_TABLE}, row 50xx"
    else:
        why, source = "the standard's dictionary has no such attribute", "unknown attributes"
    return ExplainedAttribute(text_of(tag), "", "", action, why, source, clause, "", "", "")
