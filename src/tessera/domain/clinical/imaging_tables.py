"""Rows of the tables that say how series were acquired and what is segmented. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from re import compile as pattern
from typing import Final

from tessera.domain.clinical.build import Row, TableRows
from tessera.domain.clinical.cdm import ACQUISITION_PARAMETER, SEGMENT, SEGMENTATION
from tessera.domain.terms.concept import Concept
from tessera.domain.terms.terminology import group

_WORD: Final = pattern(r"[A-Z0-9_]{1,16}(?: [A-Z0-9_]{1,16})?")
"""A code string of DICOM (PS3.5 6.2, CS): nothing that a person typed."""
_CODED: Final = frozenset({"sequence", "decay_correction", "view", "patient_position"})
"""Parameters whose element is a code string."""
_SECOND: Final = frozenset({"column_spacing"})
"""Parameters that are the second value of their element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired:
    """What the first image of a series says of how it was acquired."""

    series_uid: str
    subject: str
    values: Mapping[str, str]
    """Eight hexadecimal digits of the tag → the element's value as text, values by backslash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSaid:
    """One item of SegmentSequence. Source: PS3.3 C.8.20.4."""

    number: int
    label: str = ""
    description: str = ""
    algorithm_type: str = ""
    algorithm_name: str = ""
    category: str = ""
    """SCHEME:CODE."""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """One SEG instance."""

    instance_uid: str
    series_uid: str
    subject: str
    segmented_series_uid: str = ""
    segments: Sequence[SegmentSaid] = field(default_factory=tuple)
    n_annotators: int | None = None
    annotator_type: str = ""
    years_experience: int | None = None


@dataclass(frozen=True, slots=True)
class ImagingSaid:
    """What was read from the files of a version."""

    acquired: Sequence[Acquired] = ()
    segmented: Sequence[Segmented] = ()
    n_unread: int = 0
    """Files that could not be read; they have no row."""


def wanted_tags() -> frozenset[int]:
    """Return the elements that `Acquired.values` is read from."""
    return frozenset(int(one.facts["tag"], 16) for one in _parameters())


def imaging_tables(said: ImagingSaid) -> dict[str, TableRows]:
    """Return the tables that have a row, sorted by their key."""
    parameters = [row for one in said.acquired for row in _parameter_rows(one)]
    segments = [row for one in said.segmented for row in _segment_rows(one)]
    made = (
        TableRows(ACQUISITION_PARAMETER, _sorted(parameters)),
        TableRows(SEGMENTATION, _sorted(_segmentation_row(one) for one in said.segmented)),
        TableRows(SEGMENT, _sorted(segments)),
    )
    return {table.table.name: table for table in made if table.rows}


def _sorted(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: str(row[0])))


def _parameters() -> tuple[Concept, ...]:
    return tuple(one for one in group("acquisition_parameter") if "tag" in one.facts)


def _parameter_rows(one: Acquired) -> list[Row]:
    rows: list[Row] = []
    for about in _parameters():
        parts = one.values.get(about.facts["tag"].upper(), "").split("\\")
        place = 1 if about.name in _SECOND else 0
        text = parts[place].strip() if len(parts) > place else ""
        unit = about.facts.get("unit")
        number = _number(text) if unit else None
        word = text if about.name in _CODED and _WORD.fullmatch(text) else None
        if number is not None or word is not None:
            key = f"{one.series_uid}/{about.name}"
            shown = unit if number is not None else None
            rows.append((key, one.series_uid, one.subject, about.name, number, shown, word))
    return rows


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _segmentation_row(one: Segmented) -> Row:
    return (
        one.instance_uid,
        one.series_uid,
        one.subject,
        one.segmented_series_uid or None,
        len(one.segments),
        one.n_annotators,
        one.annotator_type or None,
        one.years_experience,
    )


def _segment_rows(one: Segmented) -> list[Row]:
    return [
        (
            f"{one.instance_uid}/{segment.number}",
            one.instance_uid,
            one.subject,
            segment.number,
            segment.label or None,
            segment.description or None,
            segment.algorithm_type or None,
            segment.algorithm_name or None,
            segment.category or None,
            segment.type or None,
        )
        for segment in one.segments
    ]
