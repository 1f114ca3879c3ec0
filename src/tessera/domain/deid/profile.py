"""A de-identification profile: options of PS3.15 and the site's own overrides. Pure."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tessera.domain.errors import InvalidSettings

OPTIONS: Final = {
    "retain-uids": "retain_uids",
    "retain-device-identity": "retain_device",
    "retain-institution-identity": "retain_institution",
    "retain-patient-characteristics": "retain_patient_characteristics",
    "retain-longitudinal-full-dates": "retain_full_dates",
    "retain-longitudinal-modified-dates": "retain_modified_dates",
    "clean-structured-content": "clean_structured_content",
    "retain-safe-private": "retain_safe_private",
}
"""Option → its column in the table. Clean descriptors, pixel data, graphics and recognizable
visual features are not offered: this version removes text and holds pixels instead."""

CODES: Final = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "clean-structured-content": ("113104", "Clean Structured Content Option"),
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
"""Profile and options → code and meaning in scheme DCM. Source: PS3.16 CID 7050."""

_KEYS = {"name", "version", "options", "max_shift_days", "overrides", "description"}


@dataclass(frozen=True, slots=True)
class Profile:
    """What to keep beyond the Basic profile."""

    name: str
    version: str
    options: tuple[str, ...] = ()
    max_shift_days: int = 3650
    overrides: Mapping[int, str] = field(default_factory=dict)
    """Tag → keep, remove, empty or dummy."""
    description: str = ""

    def has(self, option: str) -> bool:
        return option in self.options


def parse_profile(text: str) -> Profile:
    """Read a profile from TOML. Raises InvalidSettings naming the key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InvalidSettings(f"the profile is not valid TOML: {err}") from err
    unknown = sorted(raw.keys() - _KEYS)
    if unknown:
        raise InvalidSettings(f"the profile has unknown keys: {', '.join(unknown)}")
    options = tuple(sorted(str(name) for name in raw.get("options", [])))
    for name in options:
        if name not in OPTIONS:
            raise InvalidSettings(f"options: {name!r} is none of {', '.join(OPTIONS)}")
    if {"retain-longitudinal-full-dates", "retain-longitudinal-modified-dates"} <= set(options):
        raise InvalidSettings("options: full dates and modified dates exclude one another")
    name, version = str(raw.get("name", "")), str(raw.get("version", ""))
    if not name or not version:
        raise InvalidSettings("the profile needs a name and a version")
    overrides = {_tag(key): str(word) for key, word in dict(raw.get("overrides", {})).items()}
    days = raw.get("max_shift_days", 3650)
    if not isinstance(days, int) or days < 1:
        raise InvalidSettings("max_shift_days: a whole number of at least 1")
    return Profile(name, version, options, days, overrides, str(raw.get("description", "")))


def _tag(text: str) -> int:
    digits = text.strip("() ").replace(",", "").replace(" ", "")
    try:
        tag = int(digits, 16)
    except ValueError:
        tag = -1
    if len(digits) != 8 or tag < 0:
        raise InvalidSettings(f"overrides: {text!r} is not a tag such as (0008,103E)")
    return tag
