"""Checks of how the pictures are: empty, noisy, ghosted, cut off, saturated, metal. Pure.

The figures come from the pictures that were decoded, a few of each series. The limits are wide: a
finding says that a person should look, not that a radiologist would refuse the picture.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Final

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.judging import DERIVED, NO_PICTURES, judged
from tessera.domain.quality.picture import METAL_HU, Picture
from tessera.domain.quality.registry import Looked

_NOISE_HU: Final = 60.0
"""Noise of CT above which soft tissues cannot be told apart."""
_LEAST_SNR: Final = {"MR": 4.0, "PT": 1.5, "MG": 3.0, "DX": 5.0, "CR": 5.0}
_GHOST: Final = 0.10
"""The ACR accepts 0.025 of a phantom; a patient breathes and has vessels."""
_AT_EDGE: Final = 0.10
_AT_TOP: Final = 0.05
_METAL_PIXELS: Final = 40
_Group = tuple[str, str, list[Picture]]


def not_empty(data: CheckInput) -> Looked:
    """No decoded picture has one value only."""

    def judge(group: _Group) -> Iterator[Finding]:
        uid, _, pictures = group
        flat = [one for one in pictures if one.is_constant]
        if flat:
            facts: Evidence = {"n_images": len(flat), "n_looked": len(pictures)}
            every = len(flat) == len(pictures)
            kind, severity = (
                ("pictures-empty", Severity.ERROR)
                if every
                else (
                    "picture-empty",
                    Severity.NOTE,
                )
            )
            yield finding(kind, severity, Where(Level.SERIES, uid), facts)

    return _of_series(data, judge)


def noise_bearable(data: CheckInput) -> Looked:
    """Noise of CT in HU, and signal over noise of others. Source: Immerkaer 1996 (the estimate)."""

    def judge(group: _Group) -> Iterator[Finding] | None:
        uid, modality, pictures = group
        known = [one for one in pictures if one.noise == one.noise]
        if not known or (modality != "CT" and modality not in _LEAST_SNR):
            return None
        return _noise_findings(uid, modality, known)

    return _of_series(data, judge)


def no_ghosts(data: CheckInput) -> Looked:
    """Background of MR is as dark along one axis as along the other. Source: ACR MRI manual."""
    return _of_series(data, _limit("ghosts", ("MR",), lambda one: one.ghost, _GHOST, _warning))


def not_cut_off(data: CheckInput) -> Looked:
    """The body does not reach the edge of the picture (CT, PET)."""
    return _of_series(data, _limit("body-cut-off", ("CT", "PT"), _edge_of, _AT_EDGE, _note))


def not_saturated(data: CheckInput) -> Looked:
    """Little of the foreground has the highest value of the picture."""
    modalities = ("CT", "MR", "PT", "MG", "DX", "CR")
    return _of_series(
        data, _limit("saturated", modalities, lambda one: one.at_top, _AT_TOP, _warning)
    )


def metal_named(data: CheckInput) -> Looked:
    """Metal in CT, which makes streaks, is told."""

    def judge(group: _Group) -> Iterator[Finding] | None:
        uid, modality, pictures = group
        if modality != "CT":
            return None
        return _metal(uid, pictures)

    return _of_series(data, judge)


def _warning(_worst: float) -> Severity:
    return Severity.WARNING


def _note(_worst: float) -> Severity:
    return Severity.NOTE


def _edge_of(one: Picture) -> float:
    return one.at_edge


def _of_series(data: CheckInput, judge: Callable[[_Group], Iterator[Finding] | None]) -> Looked:
    if data.pictures is None:
        return NO_PICTURES
    rows: dict[str, InstanceRow] = {row.instance_uid: row for row in data.rows}
    groups: dict[tuple[str, str], list[Picture]] = defaultdict(list)
    for one in data.pictures:
        row = rows.get(one.instance_uid)
        if row is not None and row.modality not in DERIVED:
            modality = row.modality if _is_plain(row) else ""
            groups[row.series_uid, modality].append(one)
    return judged([(*key, found) for key, found in sorted(groups.items())], judge)


def _is_plain(row: InstanceRow) -> bool:
    """Return whether a scanner made the pixels: no scout, no map, no secondary capture."""
    types = set(row.image_type.upper().split("\\"))
    return row.samples == 1 and not types & {"LOCALIZER", "SECONDARY", "DERIVED"}


def _limit(
    kind: str,
    modalities: Sequence[str],
    figure: Callable[[Picture], float],
    limit: float,
    severity: Callable[[float], Severity],
) -> Callable[[_Group], Iterator[Finding] | None]:
    """Return a judge: a finding when the median figure of the pictures is above the limit."""

    def findings(uid: str, known: Sequence[Picture]) -> Iterator[Finding]:
        usual = median(figure(one) for one in known)
        if usual > limit:
            worst = max(known, key=figure)
            facts: Evidence = {
                "percent": round(100 * usual, 1),
                "limit_percent": round(100 * limit, 1),
                "n_looked": len(known),
            }
            where = Where(Level.SERIES, uid)
            yield finding(kind, severity(usual), where, facts, pictures=(worst.instance_uid,))

    def judge(group: _Group) -> Iterator[Finding] | None:
        uid, modality, pictures = group
        known = [one for one in pictures if figure(one) == figure(one)]
        return findings(uid, known) if modality in modalities and known else None

    return judge


def _noise_findings(uid: str, modality: str, known: Sequence[Picture]) -> Iterator[Finding]:
    where = Where(Level.SERIES, uid)
    worst = max(known, key=lambda one: one.noise)
    noise = median(one.noise for one in known)
    facts: Evidence = {"noise": round(noise, 1), "n_looked": len(known), "modality": modality}
    if modality == "CT":
        if noise > _NOISE_HU:
            facts = {**facts, "limit": _NOISE_HU}
            yield finding(
                "noisy-ct", Severity.WARNING, where, facts, pictures=(worst.instance_uid,)
            )
        return
    ratios = [one.snr for one in known if one.snr == one.snr]
    if ratios and median(ratios) < _LEAST_SNR[modality]:
        facts = {**facts, "snr": round(median(ratios), 1), "limit": _LEAST_SNR[modality]}
        yield finding("noisy", Severity.WARNING, where, facts, pictures=(worst.instance_uid,))


def _metal(uid: str, pictures: Sequence[Picture]) -> Iterator[Finding]:
    bright = [one for one in pictures if one.metal_pixels >= _METAL_PIXELS]
    if bright:
        worst = max(bright, key=lambda one: one.metal_pixels)
        facts: Evidence = {
            "n_images": len(bright),
            "n_looked": len(pictures),
            "most_pixels": worst.metal_pixels,
            "limit_hu": METAL_HU,
        }
        where = Where(Level.SERIES, uid)
        yield finding("metal", Severity.NOTE, where, facts, pictures=(worst.instance_uid,))
