"""Check that no picture is there twice in another form. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.alike import SAME_AT_LEAST, alike
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import AlikePair, CheckInput
from tessera.domain.quality.judging import NO_PICTURES
from tessera.domain.quality.picture import Picture
from tessera.domain.quality.registry import Looked

MOST_PAIRS: Final = 400
"""Pairs of series compared whole, the likeliest first."""
_PER_SERIES: Final = 2
"""Pairs of pictures compared for one pair of series."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two pictures that may be one, with how far their looks agree."""

    one: str
    other: str
    likeness: float


def candidates(rows: Sequence[InstanceRow], pictures: Sequence[Picture]) -> list[Candidate]:
    """Return the pairs that are worth decoding again, the likeliest first.

    Pictures of one study are not compared: its phases, kernels and reconstructions look alike.
    Nor are pictures with equal pixel data, which Q-UNI-02 reports.
    """
    by_uid: dict[str, InstanceRow] = {row.instance_uid: row for row in rows}
    known = [one for one in pictures if one.instance_uid in by_uid]
    owners = [by_uid[one.instance_uid] for one in known]
    numbers: dict[tuple[str, str], int] = {}
    groups = [numbers.setdefault((row.subject, row.study_uid), len(numbers)) for row in owners]
    best: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for first, second, likeness in alike(known, groups):
        one, other = owners[first], owners[second]
        if one.pixel_sha256 and one.pixel_sha256 == other.pixel_sha256:
            continue
        ends = sorted((one.series_uid, other.series_uid))
        pair = Candidate(one.instance_uid, other.instance_uid, likeness)
        best[ends[0], ends[1]].append(pair)
    for found in best.values():
        found.sort(key=lambda pair: (-pair.likeness, pair.one, pair.other))
        del found[_PER_SERIES:]
    ranked = sorted(best.values(), key=lambda found: (-found[0].likeness, found[0].one))
    return [pair for found in ranked[:MOST_PAIRS] for pair in found]


def near_copies_once(data: CheckInput) -> Looked:
    """No picture is there twice in another encoding, window or crop. Source: statement T1-03."""
    if data.pictures is None:
        return NO_PICTURES
    by_uid: dict[str, InstanceRow] = {row.instance_uid: row for row in data.rows}
    shared: dict[tuple[str, str], list[AlikePair]] = defaultdict(list)
    for pair in data.alike:
        one, other = by_uid.get(pair.one), by_uid.get(pair.other)
        if one is None or other is None or pair.sameness < SAME_AT_LEAST:
            continue
        ends = sorted((one.series_uid, other.series_uid))
        shared[ends[0], ends[1]].append(pair)
    found = [item for pairs in shared.values() for item in _findings(pairs, by_uid)]
    n_series = len(
        {by_uid[p.instance_uid].series_uid for p in data.pictures if p.instance_uid in by_uid}
    )
    touched = {uid for ends in shared for uid in ends}
    return Looked(
        n_looked=n_series, n_passed=max(0, n_series - len(touched)), findings=tuple(found)
    )


def _findings(pairs: Sequence[AlikePair], by_uid: dict[str, InstanceRow]) -> Iterator[Finding]:
    pair = max(pairs, key=lambda item: item.sameness)
    one, other = by_uid[pair.one], by_uid[pair.other]
    subjects = {one.subject, other.subject}
    facts: Evidence = {
        "n_images": len(pairs),
        "sameness": round(pair.sameness, 2),
        "series": f"{one.series_uid}, {other.series_uid}",
        "subjects": ", ".join(sorted(subjects)),
        "first_instances": f"{pair.one}, {pair.other}",
    }
    if len(subjects) > 1:
        kind, severity, where = "near-subjects", Severity.ERROR, Where(Level.SUBJECT, min(subjects))
    else:
        kind, severity = "near-studies", Severity.WARNING
        where = Where(Level.SERIES, one.series_uid)
    yield finding(kind, severity, where, facts, pictures=(pair.one, pair.other))
