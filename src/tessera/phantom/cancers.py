"""What is particular to each cancer: who gets it, how far it has gone, what follows.

Pure data for the phantom's story, plausible rather than estimated: shares lean on
the order of European incidence (ECIS 2022: breast, prostate, colorectum, lung),
with prostate and breast raised so that small sites still have enough patients.
"""

from dataclasses import dataclass

STAGES = ("I", "II", "III", "IV")


@dataclass(frozen=True, slots=True, kw_only=True)
class CancerKind:
    """`share` of all patients; ages in years; `stage` probabilities of I to IV;
    `diameter_mm` of the lesion: smallest at stage I, largest at stage IV;
    `survival_years`: median by stage; `treatments` (first choice, second choice) by stage.
    """

    share: float
    male: float
    age: tuple[float, float, int, int]
    stage: tuple[float, float, float, float]
    diameter_mm: tuple[float, float]
    survival_years: tuple[float, float, float, float]
    treatments: tuple[tuple[str, str], tuple[str, str], tuple[str, str], tuple[str, str]]
    icd10: tuple[str, ...]
    topography: tuple[str, ...]
    morphology: tuple[str, ...]


_OPERATE = (
    ("surgery", "surgery"),
    ("surgery", "surgery"),
    ("surgery", "chemotherapy"),
    ("chemotherapy", "targeted"),
)

KINDS: dict[str, CancerKind] = {
    "prostate": CancerKind(
        share=0.30,
        male=1.0,
        age=(62, 5.0, 45, 82),
        stage=(0.25, 0.38, 0.22, 0.15),
        diameter_mm=(6, 34),
        survival_years=(40, 30, 16, 5),
        treatments=(
            ("surveillance", "surgery"),
            ("surgery", "radiotherapy"),
            ("radiotherapy", "hormone"),
            ("hormone", "chemotherapy"),
        ),
        icd10=("C61",),
        topography=("C61.9",),
        morphology=("8140/3",),
    ),
    "breast": CancerKind(
        share=0.29,
        male=0.0,
        age=(59, 8, 32, 88),
        stage=(0.42, 0.35, 0.15, 0.08),
        diameter_mm=(8, 60),
        survival_years=(40, 28, 12, 3.5),
        treatments=(
            ("surgery", "surgery"),
            ("surgery", "chemotherapy"),
            ("chemotherapy", "surgery"),
            ("chemotherapy", "hormone"),
        ),
        icd10=("C50.4", "C50.2", "C50.8"),
        topography=("C50.4", "C50.2", "C50.8"),
        morphology=("8500/3", "8500/3", "8520/3"),
    ),
    "lung": CancerKind(
        share=0.09,
        male=0.58,
        age=(68, 8, 42, 88),
        stage=(0.25, 0.12, 0.23, 0.40),
        diameter_mm=(8, 75),
        survival_years=(10, 5, 2, 0.9),
        treatments=(
            ("surgery", "radiotherapy"),
            ("surgery", "chemotherapy"),
            ("chemotherapy", "radiotherapy"),
            ("immunotherapy", "targeted"),
        ),
        icd10=("C34.1", "C34.3"),
        topography=("C34.1", "C34.3"),
        morphology=("8140/3", "8070/3", "8041/3"),
    ),
    "colon": CancerKind(
        share=0.07,
        male=0.52,
        age=(69, 9, 38, 90),
        stage=(0.20, 0.30, 0.28, 0.22),
        diameter_mm=(15, 80),
        survival_years=(30, 18, 9, 2),
        treatments=_OPERATE,
        icd10=("C18.7", "C18.2", "C18.0"),
        topography=("C18.7", "C18.2", "C18.0"),
        morphology=("8140/3", "8480/3"),
    ),
    "rectum": CancerKind(
        share=0.045,
        male=0.6,
        age=(67, 9, 38, 88),
        stage=(0.20, 0.27, 0.33, 0.20),
        diameter_mm=(14, 70),
        survival_years=(30, 18, 9, 2.2),
        treatments=(
            ("surgery", "surgery"),
            ("surgery", "radiotherapy"),
            ("radiotherapy", "chemotherapy"),
            ("chemotherapy", "targeted"),
        ),
        icd10=("C20",),
        topography=("C20.9",),
        morphology=("8140/3",),
    ),
    "liver": CancerKind(
        share=0.025,
        male=0.72,
        age=(67, 8, 44, 86),
        stage=(0.3, 0.2, 0.25, 0.25),
        diameter_mm=(14, 110),
        survival_years=(5, 3, 1.2, 0.6),
        treatments=(
            ("surgery", "surgery"),
            ("surgery", "targeted"),
            ("immunotherapy", "targeted"),
            ("immunotherapy", "targeted"),
        ),
        icd10=("C22.0",),
        topography=("C22.0",),
        morphology=("8170/3",),
    ),
    "brain": CancerKind(
        share=0.025,
        male=0.56,
        age=(58, 12, 24, 82),
        stage=(0.1, 0.2, 0.2, 0.5),
        diameter_mm=(12, 62),
        survival_years=(15, 9, 3, 1.2),
        treatments=(
            ("surgery", "surgery"),
            ("surgery", "radiotherapy"),
            ("surgery", "radiotherapy"),
            ("surgery", "chemotherapy"),
        ),
        icd10=("C71.1", "C71.2"),
        topography=("C71.1", "C71.2"),
        morphology=("9440/3", "9401/3"),
    ),
    "pancreas": CancerKind(
        share=0.012,
        male=0.5,
        age=(69, 9, 42, 88),
        stage=(0.1, 0.2, 0.25, 0.45),
        diameter_mm=(14, 65),
        survival_years=(4, 2, 1.1, 0.5),
        treatments=_OPERATE,
        icd10=("C25.0",),
        topography=("C25.0",),
        morphology=("8500/3",),
    ),
    "kidney": CancerKind(
        share=0.012,
        male=0.63,
        age=(64, 9, 38, 86),
        stage=(0.5, 0.15, 0.2, 0.15),
        diameter_mm=(18, 110),
        survival_years=(30, 18, 9, 2),
        treatments=(
            ("surgery", "surgery"),
            ("surgery", "surgery"),
            ("surgery", "immunotherapy"),
            ("immunotherapy", "targeted"),
        ),
        icd10=("C64",),
        topography=("C64.9",),
        morphology=("8310/3",),
    ),
    "bladder": CancerKind(
        share=0.008,
        male=0.77,
        age=(70, 8, 45, 88),
        stage=(0.45, 0.25, 0.15, 0.15),
        diameter_mm=(10, 60),
        survival_years=(20, 9, 4, 1.3),
        treatments=_OPERATE,
        icd10=("C67.9",),
        topography=("C67.9",),
        morphology=("8120/3",),
    ),
    "stomach": CancerKind(
        share=0.008,
        male=0.6,
        age=(69, 9, 40, 88),
        stage=(0.2, 0.2, 0.25, 0.35),
        diameter_mm=(14, 80),
        survival_years=(15, 6, 2.5, 0.8),
        treatments=_OPERATE,
        icd10=("C16.2",),
        topography=("C16.2",),
        morphology=("8140/3",),
    ),
}
CONTROL_SHARE = 0.115
"""Screening-negative controls: what the shares of KINDS leave."""


def quotas(n_patients: int) -> list[str]:
    """`n_patients` concepts (a cancer, or "" for a control) in the mix above, largest first.

    Largest remainders decide, so that even a small site has the mix it should.
    """
    shares = {name: kind.share for name, kind in KINDS.items()} | {"": CONTROL_SHARE}
    total = sum(shares.values())
    exact = {name: n_patients * share / total for name, share in shares.items()}
    counts = {name: int(value) for name, value in exact.items()}
    missing = n_patients - sum(counts.values())
    for name in sorted(exact, key=lambda n: (counts[n] - exact[n], n))[:missing]:
        counts[name] += 1
    return [name for name, count in counts.items() for _ in range(count)]
