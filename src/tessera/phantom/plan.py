"""Which studies and series a patient gets, when, on which machine, with what lesion. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from tessera.phantom.encode import DEFLATED, EXPLICIT, IMPLICIT, JPEG_2000, JPEG_LS, RLE
from tessera.phantom.patients import Patient
from tessera.phantom.streams import pick, stream, uid

VENDORS = {
    "CT": ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips", "Canon Medical Systems"),
    "MR": ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips"),
    "PT": ("SIEMENS", "GE MEDICAL SYSTEMS"),
    "MG": ("HOLOGIC, Inc.", "SIEMENS", "GE MEDICAL SYSTEMS"),
    "US": ("Canon Medical Systems", "GE MEDICAL SYSTEMS", "Philips"),
    "DX": ("Philips", "SIEMENS", "GE MEDICAL SYSTEMS"),
    "CR": ("Philips", "Canon Medical Systems"),
}
_VOLUME_SYNTAXES = (EXPLICIT, JPEG_LS, IMPLICIT, JPEG_2000, EXPLICIT, RLE, DEFLATED)
_PROJECTION_SYNTAXES = (JPEG_2000, EXPLICIT, JPEG_LS, RLE)
_COLOUR_SYNTAXES = (JPEG_LS, EXPLICIT, RLE)
"""JPEG 2000 would want its own colour space (YBR_RCT)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """The lesion as this study shows it. Intensity 0 to 1; `side` -1 right, +1 left."""

    diameter_mm: float
    intensity: float
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """`kind` names how to draw it: ct, t2w, dwi, adc, dce, pt, mg, us, dx, cr, seg, sr."""

    kind: str
    modality: str
    number: int
    series_uid: str
    vendor: str
    transfer_syntax: str
    region: str
    phases: int = 1
    b_values: tuple[int, ...] = ()
    of_number: int = 0
    """For seg and sr: the number of the series they are about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """One study. `visit` is 0 at baseline, then 1, 2, 3. Times as HHMMSS."""

    study_uid: str
    frame_uid: str
    visit: int
    day: date
    time: str
    accession: str
    study_id: str
    region: str
    style: int
    """Which of several local habits of writing this study follows (0, 1, 2, …)."""
    lesion: Lesion | None
    series: tuple[SeriesPlan, ...]

    @property
    def modality(self) -> str:
        return self.series[0].modality


_REGION = {
    "prostate": "pelvis",
    "breast": "breast",
    "lung": "chest",
    "colon": "abdomen",
    "rectum": "pelvis",
    "liver": "abdomen",
    "brain": "brain",
    "pancreas": "abdomen",
    "kidney": "abdomen",
    "bladder": "pelvis",
    "stomach": "abdomen",
    "control": "chest",
}
_SeriesKind = tuple[str, str, int, tuple[int, ...]]
"""Kind, modality, number of phases, b-values."""
_MR_FULL: tuple[_SeriesKind, ...] = (
    ("t2w", "MR", 1, ()),
    ("dwi", "MR", 1, (0, 400, 800)),
    ("adc", "MR", 1, ()),
    ("dce", "MR", 3, ()),
)
_MR_SHORT: tuple[_SeriesKind, ...] = (
    ("t2w", "MR", 1, ()),
    ("dwi", "MR", 1, (0, 800)),
    ("adc", "MR", 1, ()),
)
_MR_BREAST: tuple[_SeriesKind, ...] = (("t2w", "MR", 1, ()), ("dce", "MR", 4, ()))
_CT: tuple[_SeriesKind, ...] = (("ct", "CT", 1, ()),)
_PET_CT: tuple[_SeriesKind, ...] = (("pt", "PT", 1, ()), ("ct", "CT", 1, ()))
_MG: tuple[_SeriesKind, ...] = (("mg", "MG", 1, ()),)
_US: tuple[_SeriesKind, ...] = (("us", "US", 1, ()),)
_DX: tuple[_SeriesKind, ...] = (("dx", "DX", 1, ()),)
_CR: tuple[_SeriesKind, ...] = (("cr", "CR", 1, ()),)
_SYNTAXES = dict.fromkeys(("mg", "dx", "cr"), _PROJECTION_SYNTAXES) | {"us": _COLOUR_SYNTAXES}
_CLOCK = ((7, 18), (0, 60), (0, 60))
_SEGMENTED = ("t2w", "ct", "dce")


def plan_studies(seed: int, site: str, patient: Patient) -> list[StudyPlan]:
    """The studies of one patient, oldest first."""
    rng = stream(seed, site, "studies", patient.person.patient_id)
    visits = [(0, patient.first_study)]
    day, wanted = patient.first_study, int(rng.choice(4, p=(0.3, 0.4, 0.2, 0.1)))
    for visit in range(1, wanted + 1):
        day += timedelta(days=int(rng.integers(150, 430)))
        if day < patient.last_contact:
            visits.append((visit, day))
    side = -1 if rng.random() < 0.5 else 1
    if patient.cancer is not None and patient.concept == "colon":
        side = 1 if patient.cancer.topography == "C18.7" else -1
    studies: list[StudyPlan] = []
    for visit, on in visits:
        lesion = lesion_at(patient, visit, on, side)
        for offset, region, kinds in _examinations(rng, patient, visit):
            when = min(on + timedelta(days=offset), patient.last_contact)
            studies.append(
                _study(rng, (seed, site), patient, len(studies), visit, when, region, kinds, lesion)
            )
    return studies


def lesion_at(patient: Patient, visit: int, on: date, side: int) -> Lesion | None:
    """The lesion at a visit: as diagnosed at baseline, then as treatment and relapse leave it."""
    cancer = patient.cancer
    if cancer is None:
        return None
    factor = 1.0
    if on > cancer.treated:
        relapsed = cancer.recurred is not None and on >= cancer.recurred
        factor = {"surgery": 0.0, "surveillance": 1.05**visit}.get(cancer.treatment, 0.6**visit)
        if relapsed:
            factor = max(factor, 0.7)
    diameter = cancer.diameter_mm * factor
    if diameter < 4:
        return None
    return Lesion(diameter_mm=round(diameter, 1), intensity=cancer.intensity, side=side)


def _examinations(
    rng: np.random.Generator, patient: Patient, visit: int
) -> list[tuple[int, str, tuple[_SeriesKind, ...]]]:
    """(days after the visit, region, series) of one visit."""
    concept, region = patient.concept, _REGION[patient.concept]
    first = visit == 0
    if concept == "control":
        if patient.screening == "mammography":
            return [(0, "breast", _MG)]
        return [(0, "chest", _CT)] + ([(0, "chest", _DX)] if first else [])
    if concept == "breast":
        extra = [(3, "breast", _US)] if first else []
        if first and rng.random() < 0.8:
            extra.append((9, "breast", _MR_BREAST))
        if first and patient.cancer is not None and patient.cancer.stage == "IV":
            extra.append((12, "chest", _CT))
        return [(0, "breast", _MG), *extra]
    if concept == "prostate":
        early = patient.cancer is not None and patient.cancer.stage == "I"
        pet = first and not early and rng.random() < 0.85
        return [(0, "pelvis", _MR_FULL if first else _MR_SHORT)] + (
            [(11, "pelvis", _PET_CT)] if pet else []
        )
    if concept == "brain":
        return [(0, "brain", _MR_FULL if first else _MR_SHORT)]
    if concept == "lung":
        before = [(0, "chest", _CR if rng.random() < 0.5 else _DX)] if first else []
        after = [(8, "chest", _PET_CT)] if first and rng.random() < 0.6 else []
        return [*before, (2, "chest", _CT), *after]
    if concept == "rectum" and first:
        return [(0, "pelvis", _MR_FULL), (2, "abdomen", _CT)]
    if concept in ("liver", "kidney", "pancreas") and first:
        return [(0, "abdomen", _US), (4, "abdomen", _CT)]
    return [(0, region, _CT)]


def _study(
    rng: np.random.Generator,
    origin: tuple[object, ...],
    patient: Patient,
    index: int,
    visit: int,
    day: date,
    region: str,
    kinds: tuple[_SeriesKind, ...],
    lesion: Lesion | None,
) -> StudyPlan:
    key = (*origin, patient.person.patient_id, index)
    inside = lesion is not None and region == _REGION[patient.concept]
    wanted = list(kinds)
    annotated = next((k for k in _SEGMENTED if any(k == kind[0] for kind in kinds)), "")
    if inside and annotated:
        wanted += [("seg", "SEG", 1, ()), ("sr", "SR", 1, ())]
    vendors = {m: pick(rng, VENDORS[m]) for m in dict.fromkeys(k[1] for k in kinds)}
    series: list[SeriesPlan] = []
    for place, (kind, modality, phases, b_values) in enumerate(wanted):
        derived = kind in ("seg", "sr")
        syntaxes = _SYNTAXES.get(kind, _VOLUME_SYNTAXES)
        series.append(
            SeriesPlan(
                kind=kind,
                modality=modality,
                number=(900 + place) if derived else (place + 2),
                series_uid=uid(*key, "series", place),
                vendor="" if derived else vendors[modality],
                transfer_syntax=EXPLICIT
                if derived
                else syntaxes[(3 * patient.number + 2 * index + place) % len(syntaxes)],
                region=region,
                phases=phases,
                b_values=b_values,
                of_number=next((s.number for s in series if s.kind == annotated), 0),
            )
        )
    style = int(rng.integers(6))
    number = int(rng.integers(10**6, 10**7))
    # Some sites build the accession number from the patient's own number.
    digits = "".join(c for c in patient.person.ids[0] if c.isdigit())
    accession = f"{digits[-10:]}-{index + 1}" if style == 1 else f"{day:%y}RX{number}"
    return StudyPlan(
        study_uid=uid(*key, "study"),
        frame_uid=uid(*key, "frame of reference"),
        visit=visit,
        day=day,
        time="".join(f"{int(rng.integers(low, high)):02d}" for low, high in _CLOCK),
        accession=accession,
        study_id=digits[-10:] if style == 2 else f"{number % 10**6:06d}",
        region=region,
        style=style,
        lesion=lesion if inside else None,
        series=tuple(series),
    )
