"""Which stage groups a TNM allows: by the 8th edition, else only what is safe in all. Pure.

A category may be coarse ("T2" where the edition has T2a to T2c) or unknown (TX, absent): every
single category that it may stand for is tried, and all stages that come out are possible.
"""

import re
from itertools import product
from typing import Final

from tessera.domain.quality import staging_rules as rules

_CATEGORY: Final = re.compile(
    r"^[cpyrau]*(T|N|M)(is|x|a(?![a-z0-9])|\d[a-d]?(?:mi)?)?", re.IGNORECASE
)
_STAGE: Final = re.compile(r"^(?:STAGE|STADIUM)?\s*(0|IV|I{1,3}|[1-4])\s*([A-D]?|IS)\s*([1-3]?)$")
_ARABIC: Final = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_OTHER_FOURTH: Final = frozenset(
    """
    thyroid testis placenta haematological lymphoma lymphoma_hodgkin lymphoma_non_hodgkin leukaemia
    myeloma neuroblastoma brain glioma dipg other unknown_primary
    """.split()
)
"""Cancers whose distant metastases do not make stage IV, or that have no such stage."""
_CANCER_OF: Final = {"rectum": "colon", "colorectum": "colon", "lung_or_bronchus": "lung"}
_TABLED: Final = 8


def possible_stage_groups(
    cancer: str,
    edition: int | None,
    t: str | None,
    n: str | None,
    m: str | None,
    psa: float | None = None,
    grade_group: int | None = None,
    *,
    basis: str | None = None,
) -> frozenset[str] | None:
    """Return every stage group that the categories allow; None when nothing can be said.

    `cancer` is a concept's name ("prostate"). With `edition` 8 the table of the cancer is used;
    with another edition, or none stated, only the rule that holds in all: M1 is stage IV.
    `psa` in ng/mL and `grade_group` (ISUP, 1 to 5) serve the prostate; `basis` is "clinical" or
    "pathological", which serves stomach and prostate.
    Empty when the edition defines no stage for the combination.

    Source: AJCC Cancer Staging Manual, 8th edition.
    """
    name = _CANCER_OF.get(cancer, cancer)
    if edition != _TABLED or name not in rules.CATEGORIES:
        spread = category(m)
        if spread is not None and spread.startswith("M1") and name not in _OTHER_FOURTH:
            return frozenset({"IV"})
        return None
    choices = [
        _singles(text, known) for text, known in zip((t, n, m), rules.CATEGORIES[name], strict=True)
    ]
    if any(choice is None for choice in choices) or not any(map(category, (t, n, m))):
        return None
    found: set[str] = set()
    for one, two, three in product(*(choice or () for choice in choices)):
        found |= _stages(name, one, two, three, psa, grade_group, basis)
    return frozenset(found - {""})


def category(text: str | None) -> str | None:
    """Return a category in its plain form: "cT2A" is T2a, "pN1(sn)" is N1; None when it is none."""
    match = _CATEGORY.match((text or "").strip().replace(" ", ""))
    if match is None:
        return None
    rest = (match[2] or "").lower()
    return None if rest in ("", "x") else match[1].upper() + rest


def agrees(stated: str, possible: frozenset[str]) -> bool | None:
    """Return whether a stated group is one of the possible, or coarser or finer than one.

    None when what is stated is no stage group.
    """
    parts = stage_parts(stated)
    if parts is None:
        return None
    others = [other for one in possible if (other := stage_parts(one)) is not None]
    return any(
        parts[0] == other[0] and (other[1].startswith(parts[1]) or parts[1].startswith(other[1]))
        for other in others
    )


def stage_parts(text: str) -> tuple[str, str] | None:
    """Return numeral and subgroup: "IIIA" is (III, A), "stage 3b" is (III, B); else None."""
    match = _STAGE.match(text.strip().upper())
    if match is None:
        return None
    return _ARABIC.get(match[1], match[1]), match[2] + match[3]


def grade_group_of(
    gleason: int | None, primary: int | None = None, secondary: int | None = None
) -> int | None:
    """Return the ISUP grade group; None where a Gleason sum of 7 is stated without its patterns.

    Source: Epstein et al. 2016 (ISUP consensus).
    """
    total = primary + secondary if primary and secondary else gleason
    if total is None or not 2 <= total <= 10:
        return None
    if total <= 6:
        return 1
    if total == 7:
        return {3: 2, 4: 3}.get(primary or 0)
    return 4 if total == 8 else 5


def _singles(text: str | None, known: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the single categories that a text may stand for; None when it is none of them."""
    plain = category(text)
    if plain is None:
        return known
    found = tuple(one for one in known if one == plain)
    if found:
        return found
    found = tuple(one for one in known if one.startswith(plain))
    if not found and plain[:2] in {one[:2] for one in known}:
        found = tuple(one for one in known if one[:2] == plain[:2])
    return found or None


def _stages(
    name: str, t: str, n: str, m: str, psa: float | None, grade: int | None, basis: str | None
) -> set[str]:
    if name == "prostate":
        bands = range(3) if psa is None else (0 if psa < 10 else 1 if psa < 20 else 2,)
        grades = range(1, 6) if grade is None else (grade,)
        kinds = (True, False) if basis is None else (basis == "clinical",)
        return {
            rules.prostate(t, n, m, psa_band=band, grade_group=one, is_clinical=kind)
            for band, one, kind in product(bands, grades, kinds)
        }
    if name == "stomach":
        both = {"clinical": rules.stomach_clinical, "pathological": rules.stomach_pathological}
        return {rule(t, n, m) for kind, rule in both.items() if basis not in both or basis == kind}
    if name == "liver":
        return {rules.hepatocellular(t, n, m), rules.bile_duct_in_liver(t, n, m)}
    single: dict[str, rules.Rule] = {
        "breast": rules.breast,
        "lung": rules.lung,
        "colon": rules.colorectum,
        "kidney": rules.kidney,
        "bladder": rules.bladder,
        "pancreas": rules.pancreas,
    }
    return {single[name](t, n, m)}
