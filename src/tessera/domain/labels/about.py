"""What is said of labels beside their voxels: codes, who drew them and how. Pure.

The values are those that tier 1 of Cancer Image Europe asks of annotated data: number, label,
description, algorithm type and name of each segment; number and kind of annotators, their years
of experience, and the sequence that was annotated.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from tessera.domain.labels.coding import (
    TISSUE,
    Concept,
    category_of,
    concept_of,
    laterality_of,
    named,
)
from tessera.domain.labels.errors import InvalidLabels
from tessera.domain.labels.label_map import Colour, Named

ANNOTATOR: Final = re.compile(
    r"(?:(?:annotator|reader|rater|radiologist|pathologist|oncologist|observer)[ -]?|[A-Z]-?)"
    r"\d{1,4}",
    re.IGNORECASE,
)
"""A word for the role, or a letter, and a number: nothing that could be a name."""
_ANNOTATION_KEYS: Final = frozenset(
    "made algorithm_name algorithm_version annotator annotators annotator_type "
    "years_of_experience annotated date".split()
)
_SEGMENT_KEYS: Final = frozenset(
    "label name description type category anatomy laterality colour".split()
)
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_WORDS: Final = 64


class Made(StrEnum):
    """How labels were made. Source: PS3.3 C.8.20.4, SegmentAlgorithmType."""

    MANUAL = "MANUAL"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"
    AUTOMATIC = "AUTOMATIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Who made the labels of a file, and how."""

    made: Made
    algorithm_name: str = ""
    """Needed unless made by hand."""
    algorithm_version: str = ""
    annotator: str = ""
    """Stands for the person: "reader 2"; never a name."""
    annotators: int | None = None
    """How many."""
    annotator_type: str = ""
    years_of_experience: int | None = None
    annotated: str = ""
    """The sequence that was looked at: "T2 axial"."""
    day: date | None = None
    """When they were drawn, before any shift; identified until it is an offset."""

    def missing(self) -> tuple[str, ...]:
        """Return what tier 1 asks for and is not told."""
        told: dict[str, object] = {"annotated": self.annotated}
        if self.made is not Made.AUTOMATIC:
            told["annotators"] = self.annotators
            told["annotator_type"] = self.annotator_type
            told["years_of_experience"] = self.years_of_experience
        return tuple(key for key, value in sorted(told.items()) if value in (None, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAbout:
    """One segment, for people and for programs."""

    label: int
    """In the file."""
    name: str
    description: str = ""
    category: Concept
    kind: Concept
    anatomy: Concept | None = None
    laterality: Concept | None = None
    colour: Colour | None = None
    is_coded: bool = True
    """False when nothing told a code: then it is called Tissue."""


@dataclass(frozen=True, slots=True)
class LabelsAbout:
    """A labels.toml, read."""

    annotation: Annotation
    segments: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    by_name: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def segment(self, label: int, said: Named) -> SegmentAbout:
        """Return what is known of a label: by the map, else by the name in its file."""
        raw = self.segments.get(label) or self.by_name.get(said.name.strip().casefold(), {})
        where = f"segment {label}"
        name = str(raw.get("name") or said.name or "").strip()
        guessed = named(name) if "type" not in raw else None
        kind = concept_of(raw["type"], f"{where}: type") if "type" in raw else guessed
        coded = kind is not None
        kind = kind or TISSUE
        category = category_of(kind)
        if "category" in raw:
            category = concept_of(raw["category"], f"{where}: category")
        anatomy = raw.get("anatomy")
        side = raw.get("laterality")
        return SegmentAbout(
            label=label,
            name=name or (kind.meaning if coded else f"Segment {label}"),
            description=str(raw.get("description", "")).strip(),
            category=category,
            kind=kind,
            anatomy=None if anatomy is None else concept_of(anatomy, f"{where}: anatomy"),
            laterality=None if side is None else laterality_of(side, f"{where}: laterality"),
            colour=_colour(raw.get("colour"), where) or said.colour,
            is_coded=coded,
        )


def read_about(text: str, *, made: str = "") -> LabelsAbout:
    """Return what a labels.toml says; `made` goes before its own. Raises InvalidLabels."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InvalidLabels(f"the map of labels is no TOML: {err}") from err
    _known(raw, frozenset(("annotation", "segment")), "the map of labels")
    annotation = raw.get("annotation", {})
    segments = raw.get("segment", [])
    if not isinstance(annotation, dict) or not isinstance(segments, list):
        raise InvalidLabels("the map of labels: expected [annotation] and [[segment]]")
    by_label: dict[int, Mapping[str, object]] = {}
    by_name: dict[str, Mapping[str, object]] = {}
    for number, one in enumerate(segments, start=1):
        where = f"[[segment]] {number}"
        _known(one, _SEGMENT_KEYS, where)
        label, name = one.get("label"), str(one.get("name", "")).strip()
        if label is None and name:
            by_name[name.casefold()] = one
        elif not isinstance(label, int) or isinstance(label, bool) or not 0 < label <= 65535:
            raise InvalidLabels(f"{where}: label: a whole number of 1 to 65535, or give a name")
        elif label in by_label:
            raise InvalidLabels(f"{where}: label {label} is there twice")
        else:
            by_label[label] = one
    return LabelsAbout(_annotation(annotation, made), by_label, by_name)


def cleaned(
    segments: Sequence[SegmentAbout], clean: Callable[[str], str]
) -> tuple[tuple[SegmentAbout, ...], int]:
    """Return segments whose texts name nobody, and how many texts were changed for it."""
    changed = 0
    found = []
    for one in segments:
        name, words = clean(one.name).strip(), clean(one.description).strip()
        changed += (name != one.name) + (words != one.description)
        codes = []
        for code in (one.category, one.kind, one.anatomy):
            meaning = clean(code.meaning).strip() if code is not None else ""
            is_known = code is None or concept_is_known(code)
            if code is not None and not is_known and meaning != code.meaning:
                changed += 1
                code = code._replace(meaning=meaning or "not told")
            codes.append(code)
        category, kind, anatomy = codes
        if category is None or kind is None:
            raise InvalidLabels(f"segment {one.label} has no code")
        found.append(
            SegmentAbout(
                label=one.label,
                name=name or f"Segment {one.label}",
                description=words,
                category=category,
                kind=kind,
                anatomy=anatomy,
                laterality=one.laterality,
                colour=one.colour,
                is_coded=one.is_coded,
            )
        )
    return tuple(found), changed


def concept_is_known(code: Concept) -> bool:
    """Say whether a code is the standard's own, with its own words."""
    try:
        return concept_of(code.value, "").meaning == code.meaning
    except InvalidLabels:
        return False


def _annotation(raw: Mapping[str, object], made: str) -> Annotation:
    where = "[annotation]"
    _known(raw, _ANNOTATION_KEYS, where)
    said = (made or str(raw.get("made", ""))).upper()
    if said not in Made.__members__:
        raise InvalidLabels(
            "say how the labels were made: --made manual, semiautomatic or automatic, or `made` "
            "under [annotation] in the map"
        )
    day = raw.get("date")
    if day is not None and type(day) is not date:
        raise InvalidLabels(f"{where}: date: a day as 2026-11-22, without quotes")
    annotator = str(raw.get("annotator", "")).strip()
    if annotator and not ANNOTATOR.fullmatch(annotator):
        raise InvalidLabels(
            f'{where}: annotator: a role or letter and a number, as "reader 2" or "A7"; no names'
        )
    found = Annotation(
        made=Made(said),
        algorithm_name=_text(raw, "algorithm_name", where),
        algorithm_version=_text(raw, "algorithm_version", where),
        annotator=annotator,
        annotators=_count(raw, "annotators", 1, 1000),
        annotator_type=_text(raw, "annotator_type", where),
        years_of_experience=_count(raw, "years_of_experience", 0, 80),
        annotated=_text(raw, "annotated", where),
        day=day if isinstance(day, date) else None,
    )
    if found.made is not Made.MANUAL and not found.algorithm_name:
        raise InvalidLabels(f"{where}: algorithm_name: needed unless the labels were made by hand")
    return found


def _known(raw: object, keys: frozenset[str], where: str) -> None:
    if not isinstance(raw, dict):
        raise InvalidLabels(f"{where}: expected a table")
    unknown = sorted(raw.keys() - keys)
    if unknown:
        raise InvalidLabels(f"{where}: unknown: {', '.join(unknown)}")


def _text(raw: Mapping[str, object], key: str, where: str) -> str:
    text = str(raw.get(key, "")).strip()
    if len(text) > _WORDS or not text.isprintable() or "\\" in text or ";" in text:
        raise InvalidLabels(f"{where}: {key}: at most {_WORDS} printable characters, no \\ or ;")
    return text


def _count(raw: Mapping[str, object], key: str, least: int, most: int) -> int | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidLabels(f"[annotation]: {key}: a whole number of {least} to {most}")
    return value


def _colour(said: object, where: str) -> Colour | None:
    if said is None:
        return None
    if not _COLOUR.fullmatch(str(said)):
        raise InvalidLabels(f'{where}: colour: as "#ff8800"')
    number = int(str(said)[1:], 16)
    return number >> 16, number >> 8 & 255, number & 255
