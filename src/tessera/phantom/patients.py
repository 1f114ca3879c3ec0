"""The story of each patient: person, cancer, stage, markers, treatment, survival, studies.

Pure. Every later file (table, images, truth) is told from these values, so that
they hang together. Dates are true dates of the invented life.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np

from tessera.domain.quality.staging import grade_group_of, possible_stage_groups, stage_parts
from tessera.phantom.cancers import KINDS, STAGES, quotas
from tessera.phantom.identifiers import MAKERS
from tessera.phantom.locale import Locale
from tessera.phantom.streams import pick, stream

FIRST_DIAGNOSIS = date(2014, 3, 1)
LAST_DIAGNOSIS = date(2023, 6, 30)
CENSORED = date(2024, 12, 31)
"""The day the registry was read: nobody is followed beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the patient is. `ids` are the PACS id, the table's id and a third one."""

    ids: tuple[str, ...]
    family: str
    given: str
    sex: str
    born: date
    street: str
    city: str
    phone: str
    height_cm: int
    weight_kg: float
    physician: str

    @property
    def patient_id(self) -> str:
        return self.ids[0]

    @property
    def address(self) -> str:
        return f"{self.street}, {self.city}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancer:
    """One cancer. PSA and CEA in ng/mL, Ki-67 in %. Absent markers are None."""

    concept: str
    icd10: str
    topography: str
    morphology: str
    diagnosed: date
    stage: str
    substage: str
    tnm: str
    diameter_mm: float
    intensity: float
    """Contrast of the lesion in its image, 0 to 1; rises with stage."""
    psa: float | None = None
    cea: float | None = None
    gleason: tuple[int, int] | None = None
    er: str | None = None
    pr: str | None = None
    her2: str | None = None
    ki67: int | None = None
    treatment: str
    treated: date
    recurred: date | None = None

    @property
    def birads(self) -> str | None:
        """Category that was read before the biopsy of a breast."""
        known = {"I": "4B", "II": "4C"}
        return known.get(self.stage, "5") if self.concept == "breast" else None

    @property
    def pirads(self) -> str | None:
        """Category that was read before the biopsy of a prostate; 15 mm make a 5 (PI-RADS 2.1)."""
        large = self.diameter_mm >= 15
        return ("5" if large else "4") if self.concept == "prostate" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One patient of a site; `cancer` is None for a screening-negative control."""

    number: int
    person: Person
    cancer: Cancer | None
    screening: str = ""
    """For a control: mammography or low-dose-ct."""
    first_study: date
    last_contact: date
    died: date | None = None

    @property
    def concept(self) -> str:
        return self.cancer.concept if self.cancer else "control"


def make_patients(seed: int, site: str, locale: Locale, n_patients: int) -> list[Patient]:
    """All patients of a site, in an order that does not tell their disease."""
    concepts = quotas(n_patients)
    stream(seed, site, "order").shuffle(concepts)
    seen: set[str] = set()
    patients = []
    for number, concept in enumerate(concepts, start=1):
        attempt = 0
        while True:
            rng = stream(seed, site, "patient", number, attempt)
            patient = _patient(rng, number, concept, locale)
            if not seen.intersection(patient.person.ids):
                break
            attempt += 1
        seen.update(patient.person.ids)
        patients.append(patient)
    return patients


def _patient(rng: np.random.Generator, number: int, concept: str, locale: Locale) -> Patient:
    days = int(rng.integers((LAST_DIAGNOSIS - FIRST_DIAGNOSIS).days))
    anchor = FIRST_DIAGNOSIS + timedelta(days=days)
    if not concept:
        return _control(rng, number, anchor, locale)
    kind = KINDS[concept]
    sex = "male" if rng.random() < kind.male else "female"
    mean, spread, low, high = kind.age
    age = float(np.clip(rng.normal(mean, spread), low, high))
    person = _person(rng, locale, sex, anchor - timedelta(days=int(age * 365.25)))
    cancer, last, is_dead = _cancer(rng, concept, anchor)
    first = anchor - timedelta(days=int(rng.integers(4, 32)))
    return Patient(
        number=number,
        person=person,
        cancer=cancer,
        first_study=first,
        last_contact=last,
        died=last if is_dead else None,
    )


def _control(rng: np.random.Generator, number: int, anchor: date, locale: Locale) -> Patient:
    sex = "female" if rng.random() < 0.6 else "male"
    mammography = sex == "female" and rng.random() < 0.7
    age = float(rng.uniform(50, 74) if mammography else rng.uniform(55, 78))
    return Patient(
        number=number,
        person=_person(rng, locale, sex, anchor - timedelta(days=int(age * 365.25))),
        cancer=None,
        screening="mammography" if mammography else "low-dose-ct",
        first_study=anchor,
        last_contact=CENSORED - timedelta(days=int(rng.integers(5, 300))),
    )


def _person(rng: np.random.Generator, locale: Locale, sex: str, born: date) -> Person:
    family = pick(rng, locale.family)
    if locale.language == "es":
        family += " " + pick(rng, [f for f in locale.family if f != family])
    if locale.language == "el" and sex == "female":
        family = _greek_feminine(family)
    height = rng.normal(178, 7) if sex == "male" else rng.normal(165, 6.5)
    index = rng.normal(26.5, 3.5)
    return Person(
        ids=MAKERS[locale.patient_id](rng, born, sex),
        family=family,
        given=pick(rng, locale.male if sex == "male" else locale.female),
        sex=sex,
        born=born,
        street=f"{pick(rng, locale.streets)} {int(rng.integers(1, 98))}",
        city=pick(rng, locale.cities),
        phone="".join(
            str(int(rng.integers(10))) if c == "d" else c for c in locale.phone if c not in "{}"
        ),
        height_cm=round(float(height)),
        weight_kg=round(float(np.clip(index, 18, 40) * (height / 100) ** 2), 1),
        physician=pick(rng, locale.physicians),
    )


def _greek_feminine(family: str) -> str:
    """The form of a surname that a woman bears: Παπαδάκης, Παπαδάκη."""
    if family.endswith("πουλος"):
        return family[:-2] + "υ"
    return family[:-1] if family.endswith("ς") else family


def _cancer(rng: np.random.Generator, concept: str, diagnosed: date) -> tuple[Cancer, date, bool]:
    """The cancer, the day of last contact, and whether that is the day of death."""
    kind = KINDS[concept]
    step = int(rng.choice(4, p=kind.stage))
    smallest, largest = kind.diameter_mm
    width = (largest - smallest) / 4
    diameter = smallest + width * (step + float(rng.uniform(0.05, 0.95)))
    site = int(rng.integers(len(kind.topography)))
    treatment = kind.treatments[step][int(rng.random() < 0.3)]
    treated = diagnosed + timedelta(days=int(rng.integers(9, 80)))
    lived = float(rng.exponential(kind.survival_years[step] / np.log(2)))
    died = diagnosed + timedelta(days=30 + int(lived * 365.25))
    recurs = rng.random() < (0.08, 0.15, 0.35, 0.6)[step]
    recurred = treated + timedelta(days=int(rng.integers(150, 1100)))
    seen = CENSORED - timedelta(days=int(rng.integers(5, 240)))
    last = max(min(died, seen), treated + timedelta(days=14))
    markers = _markers(rng, concept, step)
    cancer = Cancer(
        concept=concept,
        icd10=kind.icd10[min(site, len(kind.icd10) - 1)],
        topography=kind.topography[site],
        morphology=pick(rng, kind.morphology),
        diagnosed=diagnosed,
        stage=STAGES[step],
        substage=STAGES[step] + pick(rng, ["A", "B"]),
        tnm=_tnm(rng, concept, step, markers),
        diameter_mm=round(diameter, 1),
        intensity=round(float(np.clip(0.45 + 0.15 * step + rng.normal(0, 0.03), 0.3, 1.0)), 3),
        treatment=treatment,
        treated=treated,
        recurred=recurred if recurs and recurred < last else None,
        **markers,
    )
    return cancer, last, died <= seen


def _tnm(rng: np.random.Generator, concept: str, step: int, markers: Mapping[str, Any]) -> str:
    """A clinical TNM that the 8th edition puts into the stage, where it has a table."""
    draw, node = rng.random(), int(rng.integers(1, 3)) if step >= 2 else 0
    of_stage: list[str] = []
    maybe: list[str] = []
    grade = grade_group_of(None, *markers.get("gleason", ()))
    for t, n, m in product((1, 2, 3, 4), (0, 1, 2), (0, 1)):
        groups = possible_stage_groups(
            concept, 8, f"T{t}", f"N{n}", f"M{m}", markers.get("psa"), grade, basis="clinical"
        )
        numerals = {(stage_parts(one) or ("", ""))[0] for one in groups or ()}
        if STAGES[step] in numerals and (m == 1) == (step == 3):
            (of_stage if len(numerals) == 1 else maybe).append(f"cT{t}N{n}M{m}")
    fitting = of_stage or maybe
    if fitting:
        return fitting[int(draw * len(fitting))]
    return f"cT{min(4, step + 1 + int(draw < 0.25))}N{node}M{int(step == 3)}"


def _markers(rng: np.random.Generator, concept: str, step: int) -> dict[str, Any]:
    if concept == "prostate":
        patterns = (
            ((3, 3), (3, 3), (3, 3)),  # a higher grade is stage II, as is a PSA of 10 or more
            ((3, 4), (3, 4), (4, 3)),
            ((4, 3), (4, 4), (3, 4)),
            ((4, 4), (4, 5), (5, 4)),
        )[step]
        psa = float(np.exp(rng.normal((1.7, 2.1, 2.8, 4.2)[step], 0.35)))
        psa = min(psa, (9.9, 19.9, np.inf, np.inf)[step])
        return {"gleason": patterns[int(rng.integers(3))], "psa": round(psa, 1)}
    if concept == "breast":
        er = rng.random() < 0.8
        pr = rng.random() < (0.82 if er else 0.04)
        her2 = rng.random() < (0.12 if er else 0.28)
        ki67 = int(np.clip(rng.normal(16 + 6 * step + (0 if er else 22), 7), 2, 95))
        sign = {True: "positive", False: "negative"}
        return {"er": sign[er], "pr": sign[pr], "her2": sign[her2], "ki67": ki67}
    if concept in ("colon", "rectum"):
        return {"cea": round(float(np.exp(rng.normal(0.9 + 0.75 * step, 0.5))), 1)}
    return {}
