"""Checks of dynamic series: enough phases, none missing, even times. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isfinite
from statistics import median
from typing import Final

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.judging import NO_HEADERS, image_series, judged
from tessera.domain.quality.registry import Looked

FEWEST: Final = 3
"""Phases below which no curve of uptake can be drawn."""
_UNEVEN_RATIO: Final = 0.25
_DYNAMIC = re.compile(
    r"(?<![a-z])(dyn|dyna\w*|dce|perf|perfusion|twist|tricks|lava.?dyn)(?![a-z])", re.I
)
_NOT_A_PHASE = re.compile(
    r"\b(sub|subtr\w*|mip|ttp|pei|wash\w*|ktrans|kep|ve|relcbv|cbf|cbv|mtt|ttd|slope|map|dist)\b|"
    r"dyndist|(?<![a-z])pd(?![a-z])",
    re.I,
)
_Images = list[InstanceRow]


def phases_complete(data: CheckInput) -> Looked:
    """A dynamic series has three phases or more, none missing, at even times.

    Phases may be in one series, told apart by TemporalPositionIdentifier, or one to a series of
    one description. Source: PS3.3 C.7.6.2.1 (temporal position).
    """
    if data.facts is None:
        return NO_HEADERS
    return judged(_acquisitions(data), lambda found: _findings(data, found))


def _acquisitions(data: CheckInput) -> list[list[tuple[SeriesRows, _Images]]]:
    """Return the dynamic acquisitions: the series of one study with one description and place."""
    groups: dict[tuple[str, ...], list[tuple[SeriesRows, _Images]]] = defaultdict(list)
    for series, images in image_series(data):
        facts, row = data.facts_of(images[0]), images[0]
        if row.modality not in ("MR", "CT", "PT"):
            continue
        several = len(_by_position(images)) > 1
        named = bool(_DYNAMIC.search(facts.words)) and not _NOT_A_PHASE.search(facts.words)
        if several and not (named or (facts.n_phases or 0) > 1):
            several = _share_places(images)
        if several:
            groups[series.series_uid, ""].append((series, images))
        elif named and "DERIVED" not in row.image_type.upper().split("\\"):
            name = re.sub(r"[\W\d_]+", " ", facts.series_description or facts.protocol).strip()
            groups[row.study_uid, name.lower()].append((series, images))
    return list(groups.values())


def _share_places(images: Sequence[InstanceRow]) -> bool:
    taken = [row.position_mm for row in images if row.position_mm]
    return len(set(taken)) < len(taken)


def _by_position(images: Sequence[InstanceRow]) -> Mapping[int, list[InstanceRow]]:
    found: dict[int, list[InstanceRow]] = defaultdict(list)
    for row in images:
        if row.temporal_position is not None:
            found[row.temporal_position].append(row)
    return found


def _findings(data: CheckInput, found: list[tuple[SeriesRows, _Images]]) -> Iterator[Finding]:
    series, images = found[0]
    where = Where(Level.SERIES, series.series_uid)
    positions = _by_position(images)
    if len(found) == 1 and len(positions) > 1:
        phases: list[list[InstanceRow]] = [positions[key] for key in sorted(positions)]
        yield from _absent(data, where, positions, images)
    elif len(found) == 1:
        phases = _layers(data, images)
    else:
        phases = [rows for _, rows in found]
    n_phases = len(phases)
    facts: Evidence = {"n_phases": n_phases, "n_series": len(found), "n_wanted": FEWEST}
    if n_phases < FEWEST:
        yield finding("phases-few", Severity.WARNING, where, facts)
        return
    times = sorted(t for rows in phases if (t := _time(data, rows)) is not None)
    gaps = [after - before for before, after in pairwise(times)]
    if len(times) < n_phases or not gaps or min(gaps) <= 0:
        return
    usual = median(gaps)
    worst = max(abs(gap - usual) for gap in gaps)
    if worst > _UNEVEN_RATIO * usual:
        facts = {"step_s": round(usual, 1), "longest_s": round(max(gaps), 1), "n_phases": n_phases}
        yield finding("phases-uneven", Severity.NOTE, where, facts, slices_mm=())


def _absent(
    data: CheckInput, where: Where, positions: Mapping[int, list[InstanceRow]], images: _Images
) -> Iterator[Finding]:
    stated = data.facts_of(images[0]).n_phases or 0
    last = max(*positions, stated if stated <= 10_000 else 0)
    if last - len(positions) > 10_000 or last > 100_000:
        return
    absent = [n for n in range(min(1, *positions), last + 1) if n not in positions and n > 0]
    if absent:
        shown = ", ".join(map(str, absent[:6])) + (f" (+{len(absent) - 6})" if absent[6:] else "")
        facts: Evidence = {"n_missing": len(absent), "n_phases": len(positions), "phases": shown}
        yield finding("phases-missing", Severity.ERROR, where, facts)


def _layers(data: CheckInput, images: _Images) -> list[list[InstanceRow]]:
    """Return the images of each time at which the fullest place was taken."""
    times: dict[object, list[InstanceRow]] = defaultdict(list)
    for row in images:
        facts = data.facts_of(row)
        key = facts.trigger_ms if facts.trigger_ms is not None else row.acquisition_number
        times[key].append(row)
    places: dict[object, int] = defaultdict(int)
    for row in images:
        places[row.position_mm] += 1
    deepest = max(places.values(), default=1)
    if deepest < 2 or None in places:
        return [images]
    return list(times.values()) if len(times) >= deepest else [images] * deepest


def _time(data: CheckInput, rows: Sequence[InstanceRow]) -> float | None:
    """Return the time of a phase, seconds: its first image."""
    facts = [data.facts_of(row) for row in rows]
    triggers = {f.trigger_ms for f in facts if f.trigger_ms is not None and isfinite(f.trigger_ms)}
    if len(triggers) == 1 and next(iter(triggers)) > 0:
        return next(iter(triggers)) / 1000
    return min((f.acquisition_s for f in facts if f.acquisition_s is not None), default=None)
