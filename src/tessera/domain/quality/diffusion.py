"""Checks of diffusion series: b-values stated, complete, and with their ADC. Pure; s/mm²."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.judging import NO_HEADERS, image_series, judged
from tessera.domain.quality.registry import Looked

_ADC = re.compile(r"(?<![a-z])(e?adc|apparent diffusion)(?![a-z])", re.I)
_MADE = re.compile(
    r"(?<![a-z])(fa|trace.?map|dwi.?map|calc.?bval|cbval|calculated|synth\w*|exp|ivim|kurtosis)(?![a-z])",
    re.I,
)
_DIFFUSION = re.compile(r"(?<![a-z])(dwi|dti|diff|diffusion|resolve|zoomit|dwibs)(?![a-z])", re.I)
_NAMED_B: Final = re.compile(r"(?<![a-z0-9])b[ =_-]?(\d{1,4})(?=\D|$)", re.I)
_CLOSE: Final = 25.0
"""b-values nearer than this are one: scanners state the one that they reached."""
_Study = list[tuple[SeriesRows, list[InstanceRow]]]


def b_value_of(data: CheckInput, row: InstanceRow) -> float | None:
    """Return the b-value by the standard's element, else the vendor's, else None."""
    return row.b_value if row.b_value is not None else data.facts_of(row).private_b_value


def named_b_values(words: str) -> frozenset[float]:
    """Return the b-values that a description names, for example 0, 400 and 800 of b0_b400_b800.

    Empty unless one of them is 50 or more: `B40f` is a kernel, `b1` a field map.
    """
    found = frozenset(float(text) for text in _NAMED_B.findall(words))
    return found if max(found, default=0) >= 50 and max(found) <= 6000 else frozenset()


def diffusion_complete(data: CheckInput) -> Looked:
    """A diffusion series states its b-values and has all of them; an ADC map has its diffusion.

    Source: PS3.3 C.8.13.5.9 (DiffusionBValue); the vendors' conformance statements.
    """
    if data.facts is None:
        return NO_HEADERS
    studies: dict[str, _Study] = defaultdict(list)
    for series, images in image_series(data):
        if images[0].modality == "MR":
            studies[images[0].study_uid].append((series, images))
    found = [item for _, study in sorted(studies.items()) for item in _diffusion(data, study)]
    return judged(found, lambda item: _findings(data, *item))


def _diffusion(
    data: CheckInput, study: _Study
) -> Iterator[tuple[SeriesRows, list[InstanceRow], bool, bool]]:
    """Yield the diffusion series of a study; whether it is an ADC map, and has its source."""
    kinds = [(series, images, _kind(data, images)) for series, images in study]
    has_source = any(kind == "source" for _, _, kind in kinds)
    for series, images, kind in kinds:
        if kind:
            yield series, images, kind == "adc", has_source


def _kind(data: CheckInput, images: Sequence[InstanceRow]) -> str:
    """Return "adc", "source", "made" (calculated from the source) or "" (no diffusion)."""
    facts = data.facts_of(images[0])
    types = set(images[0].image_type.upper().split("\\"))
    if "ADC" in types or _ADC.search(facts.series_description):
        return "adc"
    stated = any((b_value_of(data, row) or 0) > 0 for row in images)
    is_diffusion = stated or "DIFFUSION" in types or bool(_DIFFUSION.search(facts.words))
    if not is_diffusion:
        return ""
    made = _MADE.search(facts.series_description) or types & {"FA", "CALC_BVALUE", "EXP"}
    return "made" if made else "source"


def _findings(
    data: CheckInput,
    series: SeriesRows,
    images: Sequence[InstanceRow],
    is_adc: bool,
    has_source: bool,
) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    if is_adc:
        if not has_source:
            yield finding("adc-without-dwi", Severity.WARNING, where)
        return
    facts = data.facts_of(images[0])
    if _kind(data, images) == "made" or any(row.frames > 1 for row in images):
        return
    values = [b_value_of(data, row) for row in images]
    known = [value for value in values if value is not None]
    distinct = sorted(set(known))
    named = named_b_values(facts.series_description) or named_b_values(facts.protocol)
    shown: Evidence = {
        "b_values": ", ".join(f"{value:g}" for value in distinct[:12]),
        "n_without": len(values) - len(known),
        "n_images": len(values),
    }
    if not known:
        yield finding("b-unstated", Severity.WARNING, where, shown)
        return
    if len(known) < len(values):
        yield finding("b-partly", Severity.WARNING, where, shown)
    lost = [b for b in sorted(named) if not any(abs(b - have) <= _CLOSE for have in distinct)]
    if lost and len(distinct) + len(lost) >= len(named):
        shown = {**shown, "lost": ", ".join(f"{value:g}" for value in lost)}
        yield finding("b-missing", Severity.WARNING, where, shown)
    private = [row for row in images if row.b_value is None]
    if private and facts.private_b_tag:
        shown = {**shown, "tag": facts.private_b_tag, "n_without": len(private)}
        yield finding("b-private", Severity.NOTE, where, shown)
