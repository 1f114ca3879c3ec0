"""Checks of header values that cannot be true, and of what an SUV needs. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain
from math import isfinite

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.judging import NO_HEADERS, image_series, judged
from tessera.domain.quality.registry import Looked

_FIRST_IMAGES = date(1971, 10, 1)
"""The first CT of a patient; digital images are not older."""
_DAYS_PER_YEAR = 365.2425
_KVP = {"CT": (50.0, 160.0), "MG": (18.0, 50.0), "DX": (30.0, 160.0), "CR": (30.0, 160.0)}
_SPACING_MM = (0.005, 12.0)
_SLIDES = frozenset({"SM", "OP", "OPT", "XC", "ES", "ECG"})
"""Modalities whose pixel spacing is no millimetre matter of a body in a scanner."""
_SUV_UNITS = "BQML"
_DOSE_BQ = (1e6, 5e9)
_Pair = tuple[SeriesRows, list[InstanceRow]]


def values_possible(data: CheckInput) -> Looked:
    """No header value of an image is one that cannot be. Source: PS3.3 C.7.1.1, C.7.6.2, C.8."""

    def judge(pair: _Pair) -> Iterator[Finding]:
        return _impossible(data, *pair)

    return judged(image_series(data), judge)


def dates_possible(data: CheckInput) -> Looked:
    """Dates of an image follow each other, and none is in the future. Source: PS3.3 C.7.2.1."""

    told: set[str] = set()

    def judge(pair: _Pair) -> Iterator[Finding] | None:
        series, images = pair
        dated = [row for row in images if row.study_date or row.acquisition_date]
        return (
            chain(_too_early(dated, told), _date_findings(data, series, dated)) if dated else None
        )

    return judged(image_series(data), judge)


def suv_possible(data: CheckInput) -> Looked:
    """A PET series states what an SUV is computed from. Source: PS3.3 C.8.9.1, C.8.9.2."""
    if data.facts is None:
        return NO_HEADERS

    def judge(pair: _Pair) -> Iterator[Finding] | None:
        series, images = pair
        if images[0].modality != "PT" or data.facts_of(images[0]).units != _SUV_UNITS:
            return None
        return _suv_findings(data, series, images)

    return judged(image_series(data), judge)


def _impossible(
    data: CheckInput, series: SeriesRows, images: Sequence[InstanceRow]
) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    odd: dict[tuple[str, str, Severity], list[str]] = defaultdict(list)
    for row in images:
        for attribute, value, wanted, severity in _odd_values(data, row):
            odd[attribute, wanted, severity].append(value)
    for (attribute, wanted, severity), values in odd.items():
        facts: Evidence = {
            "attribute": attribute,
            "value": ", ".join(sorted(set(values))[:4]),
            "wanted": wanted,
            "n_images": len(values),
        }
        kind = "value-impossible" if severity is Severity.ERROR else "value-unlikely"
        yield finding(kind, severity, where, facts)


def _odd_values(data: CheckInput, row: InstanceRow) -> Iterator[tuple[str, str, str, Severity]]:
    """Yield attribute, value, what is expected, and how certain it is."""
    facts, modality = data.facts_of(row), row.modality
    error, warning = Severity.ERROR, Severity.WARNING
    if row.age_years is not None and not 0 <= row.age_years <= 120:
        yield "PatientAge", f"{row.age_years:g}", "0 to 120 years", error
    if modality not in _SLIDES:
        for spacing in row.spacing_mm or ():
            if not spacing > 0:
                yield "PixelSpacing", f"{spacing:g}", "above 0 mm", error
                break
            if not _SPACING_MM[0] <= spacing <= _SPACING_MM[1]:
                yield "PixelSpacing", f"{spacing:g}", "0.005 to 12 mm", warning
                break
        thickness = row.slice_thickness_mm
        if thickness is not None and thickness < 0:
            yield "SliceThickness", f"{thickness:g}", "above 0 mm", error
        elif thickness is not None and _is_slice(row) and not thickness <= 50:
            yield "SliceThickness", f"{thickness:g}", "at most 50 mm", warning
    low, high = _KVP.get(modality, (0.0, float("inf")))
    if facts.kvp is not None and modality in _KVP and facts.kvp and not low <= facts.kvp <= high:
        yield "KVP", f"{facts.kvp:g}", f"{low:g} to {high:g} kV", warning
    b_value = row.b_value
    if b_value is not None and b_value < 0:
        yield "DiffusionBValue", f"{b_value:g}", "0 or more", error
    elif b_value is not None and not b_value <= 20_000:
        yield "DiffusionBValue", f"{b_value:g}", "at most 20000 s/mm²", warning
    echo, repetition = facts.echo_ms, facts.repetition_ms
    if modality == "MR" and echo and repetition and echo > repetition:
        text = f"{echo:g} > {repetition:g}"
        yield "EchoTime", text, "not longer than RepetitionTime", warning
    yield from _odd_body(facts.weight_kg, facts.height_m, row.age_years)


def _is_slice(row: InstanceRow) -> bool:
    is_scout = "LOCALIZER" in row.image_type.upper().split("\\")
    return row.modality in ("CT", "MR", "PT") and not is_scout


def _odd_body(
    weight: float | None, height: float | None, age: float | None
) -> Iterator[tuple[str, str, str, Severity]]:
    warning = Severity.WARNING
    if weight and not 0.3 <= weight <= 350:
        yield "PatientWeight", f"{weight:g}", "0.3 to 350 kg", warning
    if height and not 0.2 <= height <= 2.6:
        yield "PatientSize", f"{height:g}", "0.2 to 2.6 m", warning
    elif height and weight and 0.3 <= weight <= 350 and (age is None or age >= 15):
        index = weight / height**2
        if not 8 <= index <= 100:
            text = f"{weight:g} kg, {height:g} m"
            yield "PatientWeight", text, "a body mass index of 8 to 100", warning


def _too_early(rows: Sequence[InstanceRow], told: set[str]) -> Iterator[Finding]:
    """Yield one finding for a study: where dates were shifted, all of them are early."""
    row = rows[0]
    if row.study_date and row.study_date < _FIRST_IMAGES and row.study_uid not in told:
        told.add(row.study_uid)
        named: Evidence = {"day": row.study_date.isoformat()}
        yield finding("date-too-early", Severity.NOTE, Where(Level.STUDY, row.study_uid), named)


def _date_findings(
    data: CheckInput, series: SeriesRows, rows: Sequence[InstanceRow]
) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    row = rows[0]
    facts = data.facts_of(row)
    study, taken = row.study_date, row.acquisition_date
    day = study or taken
    last = max(day for row in rows for day in (row.study_date, row.acquisition_date) if day)
    if data.checked_on is not None and last > data.checked_on:
        named: Evidence = {"day": last.isoformat()}
        yield finding("date-future", Severity.ERROR, where, named)
    if facts.birth_date and day and facts.birth_date > day:
        named = {"day": day.isoformat()}
        yield finding("date-before-birth", Severity.ERROR, where, named)
    elif facts.birth_date and day and row.age_years is not None and isfinite(row.age_years):
        years = (day - facts.birth_date).days / _DAYS_PER_YEAR
        if abs(years - row.age_years) > 1.5:
            named = {"age": round(row.age_years, 1), "computed": round(years, 1)}
            yield finding("age-not-from-dates", Severity.WARNING, where, named)
    if study and taken and not -1 <= (taken - study).days <= 31:
        named = {"day": study.isoformat(), "taken": taken.isoformat()}
        yield finding("acquired-apart", Severity.WARNING, where, named)


def _suv_findings(
    data: CheckInput, series: SeriesRows, images: Sequence[InstanceRow]
) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    facts = data.facts_of(images[0])
    tracer = facts.tracer
    dose = tracer.dose_bq if tracer else None
    stated = {
        "PatientWeight": bool(facts.weight_kg),
        "RadionuclideTotalDose": bool(dose),
        "RadionuclideHalfLife": bool(tracer and tracer.half_life_s),
        "RadiopharmaceuticalStartTime": bool(tracer and tracer.has_start),
        "DecayCorrection": bool(facts.decay_correction),
        "AcquisitionTime": facts.acquisition_s is not None,
    }
    absent = [name for name, is_stated in stated.items() if not is_stated]
    if absent:
        yield finding("suv-inputs", Severity.WARNING, where, {"attribute": ", ".join(absent)})
    if dose and not _DOSE_BQ[0] <= dose <= _DOSE_BQ[1]:
        yield finding("suv-dose", Severity.WARNING, where, {"dose_bq": dose})
    if facts.corrected and "ATTN" not in facts.corrected:
        yield finding("suv-not-attenuated", Severity.NOTE, where)
