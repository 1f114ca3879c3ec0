"""A de-identification profile: options of PS3.15 and the site's own overrides. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tessera.domain.deid.actions import DATES
from tessera.domain.deid.crowd import Crowd, at_level, read_crowd
from tessera.domain.deid.overrides import Overrides, read_overrides
from tessera.domain.deid.private_rules import PrivateKey, PrivateRow
from tessera.domain.errors import InvalidSettings
from tessera.domain.imaging.encoding import DICTIONARY_VR, text_of

OPTIONS: Final = {
    "retain-uids": "retain_uids",
    "retain-device-identity": "retain_device",
    "retain-institution-identity": "retain_institution",
    "retain-patient-characteristics": "retain_patient_characteristics",
    "retain-longitudinal-full-dates": "retain_full_dates",
    "retain-longitudinal-modified-dates": "retain_modified_dates",
    "clean-structured-content": "clean_structured_content",
    "clean-graphics": "clean_graphics",
    "retain-safe-private": "retain_safe_private",
    "clean-descriptors": "clean_descriptors",
    "clean-pixel-data": "",
    "clean-recognizable-visual-features": "",
}
"""Option → its column in Table E.1-1, in the order in which they are asked; the last two have
no column: they are about pixels."""

CLAUSES: Final = {
    "basic": "PS3.15 E.2",
    "clean-pixel-data": "PS3.15 E.3.1",
    "clean-recognizable-visual-features": "PS3.15 E.3.2",
    "clean-graphics": "PS3.15 E.3.3",
    "clean-structured-content": "PS3.15 E.3.4",
    "clean-descriptors": "PS3.15 E.3.5",
    "retain-longitudinal-full-dates": "PS3.15 E.3.6",
    "retain-longitudinal-modified-dates": "PS3.15 E.3.6",
    "retain-patient-characteristics": "PS3.15 E.3.7",
    "retain-device-identity": "PS3.15 E.3.8",
    "retain-uids": "PS3.15 E.3.9",
    "retain-safe-private": "PS3.15 E.3.10",
    "retain-institution-identity": "PS3.15 E.3.11",
}
"""Profile and options → where the standard defines them."""

CODES: Final = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "clean-pixel-data": ("113101", "Clean Pixel Data Option"),
    "clean-recognizable-visual-features": (
        "113102",
        "Clean Recognizable Visual Features Option",
    ),
    "clean-graphics": ("113103", "Clean Graphics Option"),
    "clean-structured-content": ("113104", "Clean Structured Content Option"),
    "clean-descriptors": ("113105", "Clean Descriptors Option"),
    "retain-longitudinal-full-dates": (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    "retain-longitudinal-modified-dates": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "retain-patient-characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain-device-identity": ("113109", "Retain Device Identity Option"),
    "retain-uids": ("113110", "Retain UIDs Option"),
    "retain-safe-private": ("113111", "Retain Safe Private Option"),
    "retain-institution-identity": ("113112", "Retain Institution Identity Option"),
}
"""Profile and options → code and meaning in scheme DCM, by code. Source: PS3.16 CID 7050."""

_KEYS = frozenset(
    (
        "name version description extends options without max_shift_days overrides private_list"
        " contributing_equipment crowd names_model"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What to keep beyond the Basic profile."""

    name: str
    version: str
    options: tuple[str, ...] = ()
    max_shift_days: int = 3650
    overrides: Mapping[int, str] = field(default_factory=dict)
    """Tag → keep, remove, empty, dummy, clean, shift or uid."""
    description: str = ""
    private_overrides: Mapping[PrivateKey, tuple[str, str]] = field(default_factory=dict)
    """Private element → word as above, and the VR that the profile gives it or nothing."""
    private_list: tuple[PrivateRow, ...] = ()
    """Private elements that stay beside those of the standard's list."""
    contributing_equipment: bool = False
    """Whether the program names itself in ContributingEquipmentSequence."""
    extends: str = ""
    """Name of the profile it builds on."""
    crowd: Crowd | None = field(default=None, repr=False)
    """How far values are made coarse so that nobody stands out in a batch; None: as they are."""
    names_model: str = field(default="", repr=False)
    """A model that finds more names in text; nothing for none."""

    @property
    def shifts_by_study(self) -> bool:
        """Say whether each study's dates move by days of its own."""
        return self.crowd is not None and self.crowd.intervals == "study"

    def with_option(self, option: str) -> "Profile":
        """Return the profile with one option more."""
        return replace(self, options=tuple(sorted({*self.options, option})))

    def at_level(self, level: int) -> "Profile":
        """Return the profile that tells less of a patient: see `crowd.LEVELS`."""
        if self.crowd is None:
            return self
        return replace(self, crowd=at_level(self.crowd, level))

    def has(self, option: str) -> bool:
        return option in self.options


@dataclass(frozen=True, slots=True)
class ProfileText:
    """A profile's file, read but not yet joined with what it names."""

    extends: str
    """Name of another profile, or nothing."""
    private_list: str
    """Path of a list of private elements, or nothing."""
    values: Mapping[str, Any]


def read_profile(text: str) -> ProfileText:
    """Read a profile's TOML. Raises InvalidSettings naming the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InvalidSettings(f"the profile is not valid TOML: {err}") from err
    unknown = sorted(raw.keys() - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        raise InvalidSettings(
            f"the profile has unknown keys: {', '.join(unknown)}; known are {known}"
        )
    for key in ("name", "version", "description", "extends", "private_list", "names_model"):
        if not isinstance(raw.get(key, ""), str):
            raise InvalidSettings(f'{key}: a text in quotes, such as "1"')
    return ProfileText(raw.get("extends", ""), raw.get("private_list", ""), raw)


def parse_profile(
    text: str | ProfileText,
    *,
    parent: Profile | None = None,
    private_list: tuple[PrivateRow, ...] = (),
) -> Profile:
    """Return the profile of a TOML text, on top of its `parent`. Raises InvalidSettings.

    Options and overrides are added to the parent's, `without` takes options away.
    """
    found = read_profile(text) if isinstance(text, str) else text
    raw = found.values
    if found.extends and parent is None:
        raise InvalidSettings(f"the profile extends {found.extends!r}, which was not found")
    parent = parent or Profile("", "")
    options = _options(raw, parent)
    name, version = raw.get("name", ""), raw.get("version", "")
    if not name or not version:
        raise InvalidSettings("the profile needs a name and a version")
    own = read_overrides(raw.get("overrides", {}))
    both = Overrides(
        {**parent.overrides, **own.standard}, {**parent.private_overrides, **own.private}
    )
    shifts = "retain-longitudinal-modified-dates" in options
    if "shift" in both.words() and not shifts:
        raise InvalidSettings(
            "overrides: 'shift' needs the option retain-longitudinal-modified-dates"
        )
    if shifts:
        _require_no_date_kept(both.standard)
    rows = (*parent.private_list, *private_list)
    if rows and "retain-safe-private" not in options:
        raise InvalidSettings("private_list needs the option retain-safe-private")
    days = raw.get("max_shift_days", parent.max_shift_days)
    if not isinstance(days, int) or isinstance(days, bool) or days < 1:
        raise InvalidSettings("max_shift_days: a whole number of at least 1")
    equipment = raw.get("contributing_equipment", parent.contributing_equipment)
    if not isinstance(equipment, bool):
        raise InvalidSettings("contributing_equipment: true or false")
    return Profile(
        name,
        version,
        options,
        days,
        both.standard,
        raw.get("description", ""),
        both.private,
        rows,
        equipment,
        found.extends,
        _crowd(raw, parent, options),
        raw.get("names_model", parent.names_model),
    )


def _crowd(raw: Mapping[str, Any], parent: Profile, options: tuple[str, ...]) -> Crowd | None:
    if "crowd" in raw:
        found = read_crowd(raw["crowd"])
    elif parent.crowd is None:
        return None
    else:
        found = parent.crowd
    against = {"retain-longitudinal-full-dates", "retain-uids"} & set(options)
    if against:
        raise InvalidSettings(f"crowd: not with the option {', '.join(sorted(against))}")
    return found


def _require_no_date_kept(overrides: Mapping[int, str]) -> None:
    for tag, word in overrides.items():
        if word == "keep" and DICTIONARY_VR[tag] in DATES:
            raise InvalidSettings(
                f"overrides: {text_of(tag)} = 'keep' beside shifted dates would tell by how much"
                " they are shifted; use shift"
            )


def _options(raw: Mapping[str, Any], parent: Profile) -> tuple[str, ...]:
    lists: dict[str, set[str]] = {}
    for key in ("options", "without"):
        given = raw.get(key, [])
        if not isinstance(given, list):
            raise InvalidSettings(f"{key}: a list of options in square brackets")
        for name in given:
            if name not in OPTIONS:
                raise InvalidSettings(f"{key}: {name!r} is none of {', '.join(OPTIONS)}")
        lists[key] = set(given)
    both = lists["options"] & lists["without"]
    if both:
        raise InvalidSettings(f"without: {', '.join(sorted(both))} is in options too")
    absent = lists["without"] - set(parent.options)
    if absent:
        raise InvalidSettings(
            f"without: {', '.join(sorted(absent))} is not in the profile it extends"
        )
    options = (set(parent.options) | lists["options"]) - lists["without"]
    if {"retain-longitudinal-full-dates", "retain-longitudinal-modified-dates"} <= options:
        raise InvalidSettings(
            "options: full dates and modified dates exclude one another; take one away with"
            " `without`"
        )
    return tuple(sorted(options))
