"""Checks of what is said of a cancer: sex and organ, morphology, stage against TNM. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord
from tessera.domain.clinical.concepts import cancer_of_topography
from tessera.domain.clinical.entities import CancerStage, HistologicGrade
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.judging import NO_RECORDS, judged
from tessera.domain.quality.registry import Looked
from tessera.domain.quality.staging import (
    agrees,
    category,
    grade_group_of,
    possible_stage_groups,
    stage_parts,
)

_WOMEN_ONLY = tuple(f"C{n}" for n in range(51, 59))
_MEN_ONLY = ("C60", "C61", "C62", "C63")
_MEN_CANCERS = frozenset({"prostate", "testis", "penis"})
_WOMEN_CANCERS = frozenset({"ovary", "cervix", "uterus", "endometrium", "vulva", "vagina"})

MORPHOLOGY_SITES: Final[tuple[tuple[range, tuple[str, ...], str], ...]] = (
    (range(8520, 8525), ("C50",), "lobular carcinoma"),
    (range(8170, 8181), ("C22",), "hepatocellular carcinoma"),
    (range(8046, 8047), ("C34",), "non-small-cell carcinoma"),
    (range(8312, 8313), ("C64",), "renal cell carcinoma"),
    (range(8317, 8319), ("C64",), "renal cell carcinoma"),
    (range(8120, 8132), ("C30", "C31", "C61", "C65", "C66", "C67", "C68"), "urothelial carcinoma"),
    (range(9380, 9481), ("C69", "C70", "C71", "C72", "C75"), "glioma"),
)
"""ICD-O-3 histologies, the sites where such a tumour begins, and its name. Source: SEER site and
histology validation list; only those that leave no doubt."""
_CARCINOMAS = range(8010, 8577)
_BRAIN = ("C70", "C71", "C72")
_EDITIONS: Final = {"ajcc_tnm_6": 6, "ajcc_tnm_7": 7, "ajcc_tnm_8": 8}
_TNM_SYSTEMS: Final = frozenset({None, "tnm", *_EDITIONS})
_FIRST_STAGINGS: Final = frozenset({None, "clinical", "pathological"})
"""What the tables are for; after treatment, and at recurrence, others hold."""
_OF_ANY_SITE: Final = frozenset(
    """
    digestive gynaecological urological haematological head_neck skin_melanoma lymphoma
    lymphoma_hodgkin lymphoma_non_hodgkin leukaemia myeloma sarcoma mesothelioma neuroblastoma
    unknown_primary other
    """.split()
)
"""Cancers that no topography gives away."""
_ALIKE: Final = (
    frozenset({"colon", "rectum", "colorectum"}),
    frozenset({"lung", "lung_or_bronchus"}),
    frozenset({"brain", "glioma", "dipg"}),
    frozenset({"kidney", "upper_urinary_tract"}),
)
"""Names of one cancer, coarser and finer."""


def sex_fits_organ(data: CheckInput) -> Looked:
    """A woman has no prostate, a man no ovary; PSA is a man's, Gleason a prostate's."""

    def judge(record: ClinicalRecord) -> Iterator[Finding] | None:
        return _sex(record) if record.conditions else None

    return NO_RECORDS if data.records is None else judged(data.records, judge)


def morphology_fits(data: CheckInput) -> Looked:
    """Morphology, topography, ICD-10 and cancer speak of one tumour. Source: ICD-O-3.2."""

    def judge(record: ClinicalRecord) -> Iterator[Finding] | None:
        coded = [c for c in record.conditions if c.topography or c.morphology or c.icd10]
        return (item for c in coded for item in _codes(record, c)) if coded else None

    return NO_RECORDS if data.records is None else judged(data.records, judge)


def stage_fits_tnm(data: CheckInput) -> Looked:
    """The stage group is one that its TNM allows. Source: AJCC Cancer Staging Manual, 8th ed."""

    def judge(record: ClinicalRecord) -> Iterator[Finding] | None:
        stages = [one for one in record.facts if isinstance(one, CancerStage)]
        stages = [one for one in stages if one.t or one.n or one.m]
        return (item for one in stages for item in _stage(record, one)) if stages else None

    return NO_RECORDS if data.records is None else judged(data.records, judge)


def _where(record: ClinicalRecord) -> Where:
    return Where(Level.SUBJECT, record.subject.subject)


def _sex(record: ClinicalRecord) -> Iterator[Finding]:
    where, sex = _where(record), record.subject.sex
    for one in record.conditions:
        site = (one.topography or one.icd10 or "").upper()[:3]
        for_men = site in _MEN_ONLY or one.cancer in _MEN_CANCERS
        for_women = site in _WOMEN_ONLY or one.cancer in _WOMEN_CANCERS
        if (sex == "female" and for_men) or (sex == "male" and for_women):
            facts: Evidence = {"sex": sex, "cancer": one.cancer, "topography": site}
            yield finding("sex-against-organ", Severity.ERROR, where, facts)
        if sex == "female" and one.psa_ng_ml is not None:
            yield finding("psa-of-woman", Severity.WARNING, where, {"psa_ng_ml": one.psa_ng_ml})
        if one.gleason is not None and one.cancer != "prostate" and site != "C61":
            facts = {"gleason": one.gleason, "cancer": one.cancer}
            yield finding("gleason-elsewhere", Severity.ERROR, where, facts)
        if one.cancer == "breast" or site == "C50":
            continue
        if any(value is not None for value in (one.er, one.pr, one.her2)) and for_men:
            yield finding("receptor-elsewhere", Severity.WARNING, where, {"cancer": one.cancer})


def _codes(record: ClinicalRecord, one: CancerCondition) -> Iterator[Finding]:
    where = _where(record)
    site, icd10 = (one.topography or "").upper()[:3], (one.icd10 or "").upper()[:3]
    meant = cancer_of_topography(site) if site else None
    facts: Evidence = {
        "cancer": one.cancer,
        "topography": one.topography or "",
        "morphology": one.morphology or "",
        "icd10": one.icd10 or "",
    }
    if meant and one.cancer and not _is_same_cancer(one.cancer, meant):
        yield finding("topography-disagrees", Severity.ERROR, where, facts)
    coded = cancer_of_topography(icd10) if icd10.startswith("C") else None
    if coded and meant and not _is_same_cancer(coded, meant):
        yield finding("icd10-disagrees", Severity.WARNING, where, facts)
    kind, _, behaviour = (one.morphology or "").partition("/")
    if kind.isdigit() and site:
        yield from _histology(int(kind), site, facts, where)
    is_primary = one.condition_type in (None, "primary")
    if behaviour[:1] == "6" and is_primary and one.condition_type:
        yield finding("behaviour-metastatic", Severity.WARNING, where, facts)
    parts = stage_parts(one.stage or "")
    if behaviour[:1] == "2" and parts is not None and parts[0] != "0":
        yield finding(
            "in-situ-staged", Severity.WARNING, where, {**facts, "stage": one.stage or ""}
        )
    if behaviour[:1] == "0" and record.subject.population == "cancer":
        yield finding("behaviour-benign", Severity.WARNING, where, facts)


def _is_same_cancer(one: str, other: str) -> bool:
    pair = {one, other}
    return one == other or bool(pair & _OF_ANY_SITE) or any(pair <= alike for alike in _ALIKE)


def _histology(kind: int, site: str, facts: Evidence, where: Where) -> Iterator[Finding]:
    for kinds, sites, name in MORPHOLOGY_SITES:
        if kind in kinds and site not in sites and not site.startswith(("C76", "C80")):
            told = {**facts, "name": name, "sites": ", ".join(sites)}
            yield finding("morphology-elsewhere", Severity.WARNING, where, told)
            return
    if kind in _CARCINOMAS and site in _BRAIN:
        told = {**facts, "name": "carcinoma", "sites": "an epithelium"}
        yield finding("morphology-elsewhere", Severity.WARNING, where, told)


def _stage(record: ClinicalRecord, one: CancerStage) -> Iterator[Finding]:
    conditions: Mapping[str, CancerCondition] = {c.condition_id: c for c in record.conditions}
    condition = conditions.get(one.condition_id or "")
    if condition is None and len(record.conditions) == 1:
        condition = record.conditions[0]
    edition = one.edition or _EDITIONS.get(one.system or "")
    if condition is None or one.system not in _TNM_SYSTEMS or one.basis not in _FIRST_STAGINGS:
        return
    where = _where(record)
    facts: Evidence = {
        "cancer": condition.cancer,
        "tnm": " ".join(part for part in (one.t, one.n, one.m) if part),
        "stage": one.stage_group or condition.stage or "",
        "edition": edition or "not stated",
    }
    for wanted, text in zip("TNM", (one.t, one.n, one.m), strict=True):
        plain = category(text)
        if plain is not None and not plain.startswith(wanted):
            yield finding("tnm-misplaced", Severity.ERROR, where, {**facts, "value": text or ""})
            return
    stated = one.stage_group or condition.stage
    if not stated:
        return
    allowed = possible_stage_groups(
        condition.cancer,
        edition,
        one.t,
        one.n,
        one.m,
        condition.psa_ng_ml,
        _grade_group(record, condition),
        basis=_basis(one),
    )
    if allowed is None or agrees(stated, allowed) is not False:
        return
    told = {**facts, "possible": ", ".join(sorted(allowed)) or "none"}
    sure = edition is not None and condition.cancer != "breast"
    severity = Severity.ERROR if sure else Severity.WARNING
    yield finding("stage-against-tnm", severity, where, told)


def _basis(one: CancerStage) -> str | None:
    if one.basis:
        return one.basis
    prefix = (one.t or "")[:1]
    return {"c": "clinical", "p": "pathological"}.get(prefix)


def _grade_group(record: ClinicalRecord, condition: CancerCondition) -> int | None:
    for one in record.facts:
        if isinstance(one, HistologicGrade) and one.condition_id in (None, condition.condition_id):
            found = grade_group_of(one.score, one.primary_pattern, one.secondary_pattern)
            if found is not None:
                return found
    return grade_group_of(condition.gleason)
