"""The variables that a mapping may name: what each means, its kind, and the column it fills. Pure.

A plain name is one fact of a patient or of a cancer (`sex`, `tnm`); a name of two parts is one
concept of a group: `marker.cea`, `lab.creatinine`, `history.diabetes`, `treatment.surgery`.
"""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Final

from tessera.domain.clinical.cdm import ENTITIES
from tessera.domain.clinical.entity import Table, table_of
from tessera.domain.errors import InvalidMapping
from tessera.domain.terms.concept import Concept
from tessera.domain.terms.terminology import group


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`kind`: concept (a word of `group`), number, date, flag (yes or no), code, tnm."""

    name: str
    kind: str
    meaning: str
    table: str
    column: str
    group: str = ""
    """Group whose concepts are the values; of a flag and of a code there is none."""
    unit: str = ""
    """Of a number: what it is stored in, UCUM."""
    code: str = ""
    """Of a name of two parts: the concept that the row is about."""
    words: tuple[str, ...] = ()
    """A closed set of words that is no group, for example HER2 by score."""
    is_whole: bool = False
    """Of a number: it has no fraction."""
    decides: bool = False
    """Where each row is an entity: what the row is about; without it there is no row."""

    @property
    def family(self) -> str:
        return self.name.partition(".")[0] if self.code else ""


_PLAIN: Final = (
    ("sex", "concept", "Birth sex.", "patient.sex", "sex"),
    ("gender", "concept", "Gender, where recorded beside sex.", "patient.gender", "sex"),
    ("ethnicity", "concept", "Race or ethnicity as recorded.", "patient.ethnicity", "ethnicity"),
    ("population", "concept", "Cancer, control, benign, screening.", "patient.population",
     "population"),
    ("deceased", "flag", "Dead at last contact.", "patient.deceased", ""),
    ("cause_of_death", "concept", "Cause of death.", "patient.cause_of_death", "cause_of_death"),
    ("birth_date", "date", "Date of birth; serves the age and checks, and is not stored.", "", ""),
    ("death_date", "date", "Date of death.", "patient.last_contact_date", ""),
    ("last_contact_date", "date", "Date of last contact.", "patient.last_contact_date", ""),
    ("survival_days", "number", "Time from diagnosis to death or last contact.",
     "patient.survival_days", "d"),
    ("cancer", "concept", "The cancer.", "condition.cancer", "cancer"),
    ("condition_type", "concept", "Primary or secondary.", "condition.condition_type",
     "condition_type"),
    ("icd10", "code", "ICD-10 code.", "condition.icd10", ""),
    ("topography", "code", "ICD-O-3 topography.", "condition.topography", ""),
    ("morphology", "code", "ICD-O-3 morphology.", "condition.morphology", ""),
    ("laterality", "concept", "Side of the cancer.", "condition.laterality", "laterality"),
    ("evidence", "concept", "How the diagnosis was made.", "condition.evidence", "evidence"),
    ("diagnosis_date", "date", "Date of diagnosis.", "condition.diagnosis_date", ""),
    ("age_at_diagnosis", "number", "Age at diagnosis.", "condition.age_at_diagnosis", "a"),
    ("stage", "concept", "Stage group at diagnosis.", "cancer_stage.stage_group", "stage"),
    ("tnm", "tnm", "T, N and M in one text, for example cT3bN1M0.", "cancer_stage.t", ""),
    ("t", "concept", "T category.", "cancer_stage.t", "tnm_t"),
    ("n", "concept", "N category.", "cancer_stage.n", "tnm_n"),
    ("m", "concept", "M category.", "cancer_stage.m", "tnm_m"),
    ("tnm_edition", "number", "Edition of TNM.", "cancer_stage.edition", "1"),
    ("tnm_basis", "concept", "Clinical or pathological TNM.", "cancer_stage.basis", "tnm_basis"),
    ("stage_system", "concept", "Staging system.", "cancer_stage.system", "stage_system"),
    ("gleason", "code", "Gleason score: a sum, or 3+4.", "histologic_grade.score", ""),
    ("isup_grade", "number", "ISUP grade group, 1 to 5.", "histologic_grade.score", "1"),
    ("grade", "concept", "Histological grade.", "histologic_grade.grade", "grade"),
    ("grade_system", "concept", "Grading system.", "histologic_grade.system", "grade_system"),
    ("tumor_size_mm", "number", "Largest diameter of the tumour.",
     "tumor.maximum_diameter_mm", "mm"),
    ("tumor_other_size_mm", "number", "Diameter across it.", "tumor.other_diameter_mm", "mm"),
    ("tumor_volume", "number", "Volume of the tumour.", "tumor.volume_mm3", "mm3"),
    ("tumor_site", "concept", "Organ of the tumour.", "tumor.body_site", "body_part"),
    ("psa_ng_ml", "number", "PSA at diagnosis.", "tumor_marker_test.value_number", "ng/mL"),
    ("er", "concept", "Oestrogen receptor.", "tumor_marker_test.value_concept", "receptor"),
    ("pr", "concept", "Progesterone receptor.", "tumor_marker_test.value_concept", "receptor"),
    ("her2", "concept", "HER2.", "tumor_marker_test.value_concept", "receptor"),
    ("first_treatment", "concept", "First treatment.", "treatment.type", "treatment_type"),
    ("treatment_date", "date", "Date of the first treatment.", "treatment.start_date", ""),
    ("treatment_offset_days", "number", "Time from diagnosis to first treatment.",
     "treatment.start_offset_days", "d"),
    ("treatment_intent", "concept", "Intent of the first treatment.", "treatment.intent",
     "treatment_intent"),
    ("response", "concept", "Best response to the first treatment.", "treatment.response",
     "response"),
    ("surgery", "concept", "Which operation.", "surgical_procedure.code", "surgery"),
    ("surgery_date", "date", "Date of the operation.", "treatment.start_date", ""),
    ("radiotherapy_technique", "concept", "Technique.", "radiotherapy.technique",
     "radiotherapy_technique"),
    ("radiotherapy_dose_gy", "number", "Dose delivered.", "radiotherapy.total_dose_gy", "Gy"),
    ("radiotherapy_fractions", "number", "Fractions delivered.", "radiotherapy.fractions", "1"),
    ("radiotherapy_date", "date", "Start of radiotherapy.", "treatment.start_date", ""),
    ("medication", "concept", "Substance given.", "medication_administration.medication",
     "medication"),
    ("medication_cycles", "number", "Cycles given.", "medication_administration.cycles", "1"),
    ("medication_date", "date", "Start of the medication.", "treatment.start_date", ""),
    ("recurrence", "flag", "Whether the cancer came back.", "episode.type", ""),
    ("recurrence_date", "date", "Date of relapse.", "episode.start_date", ""),
    ("recurrence_free_days", "number", "Time from diagnosis without relapse.",
     "episode.start_offset_days", "d"),
    ("progression_date", "date", "Date of progression.", "episode.start_date", ""),
    ("biopsy_date", "date", "Date of biopsy.", "procedure.procedure_date", ""),
    ("family_history", "flag", "Cancer in the family.", "family_member_history.present", ""),
)  # fmt: skip
"""Name, kind, meaning, column, and the group of a concept or the unit of a number."""
_WHOLE: Final = frozenset(
    "survival_days treatment_offset_days recurrence_free_days tnm_edition isup_grade "
    "radiotherapy_fractions medication_cycles".split()
)
_FAMILIES: Final = {
    "marker": ("marker", "tumor_marker_test"),
    "lab": ("lab_test", "lab_test_result"),
    "health": ("health_status", "health_status_assessment"),
    "history": ("medical_history", "medical_history"),
    "observation": ("tumour_observation", "tumor_observation"),
    "score": ("risk_score", "risk_assessment"),
    "treatment": ("treatment_type", "treatment"),
    "family": ("relative", "family_member_history"),
}
"""Family of names → group of the second part, and the table."""
_NAMED_ALREADY: Final = frozenset(("marker.psa", "marker.er", "marker.pr", "marker.her2"))


@cache
def variables() -> tuple[Variable, ...]:
    """Return every variable: the plain ones first, then family by family."""
    found = [
        Variable(
            name=name,
            kind=kind,
            meaning=meaning,
            table=place.partition(".")[0],
            column=place.partition(".")[2],
            group=extra if kind == "concept" else "",
            unit=extra if kind == "number" else "",
            is_whole=name in _WHOLE,
        )
        for name, kind, meaning, place, extra in _PLAIN
    ]
    for family, (terms, table) in _FAMILIES.items():
        names = (f"{family}.{one.name}" for one in group(terms))
        made = zip(names, group(terms), strict=True)
        found += [_of_family(n, c, table) for n, c in made if n not in _NAMED_ALREADY]
    return tuple(found)


def variable(name: str) -> Variable:
    """Return one variable. Raises InvalidMapping with the nearest names."""
    try:
        return _by_name()[name]
    except KeyError:
        near = get_close_matches(name, _by_name(), n=3, cutoff=0.5)
        meant = f"; did you mean {', '.join(near)}?" if near else ""
        raise InvalidMapping(
            f"there is no variable {name!r}{meant} (tessera clinical dictionary lists them)"
        ) from None


@cache
def row_variable(table: str, name: str) -> Variable:
    """Return what `name` means where each row is an entity of `table`.

    `value`, `date` and the names of the entity's columns. Raises InvalidMapping.
    """
    entity = _entity(table)
    known: dict[str, Variable] = {}
    for column in entity.columns[1:]:
        if column.refers_to or column.name in _NOT_READ or column.name.endswith("_offset_days"):
            continue
        kind = {"text": "concept" if column.group else "code", "boolean": "flag"}.get(
            column.kind, "date" if column.kind == "date" else "number"
        )
        made = Variable(
            name=column.name,
            kind=kind,
            meaning=column.meaning,
            table=table,
            column=column.name,
            group=column.group,
            unit=(column.unit or "1") if kind == "number" else "",
            is_whole=column.kind == "integer",
            decides=column.required and bool(column.group),
        )
        if column.name == "value_concept" and not column.group:
            made = replace(made, kind="concept", words=_results_of(table))
        known[column.name] = made
        if kind == "date" and "date" not in known and not column.name.startswith("end"):
            known["date"] = replace(made, name="date")
    if "value_number" in known:
        known["value"] = replace(known.pop("value_number"), name="value", unit="")
    try:
        return known[name]
    except KeyError:
        raise InvalidMapping(
            f"{table} has no {name!r}; it has: {', '.join(sorted(known))}"
        ) from None


def _results_of(table: str) -> tuple[str, ...]:
    """Return the words that a row of `table` may have as its result."""
    mine = [one for one in variables() if one.table == table]
    named = {one.name for v in mine if v.group for one in group(v.group)}
    return tuple(sorted(named.union(*(v.words for v in mine))))


def _entity(table: str) -> Table:
    found = {table_of(cls).name: table_of(cls) for cls in ENTITIES}
    if table not in found:
        raise InvalidMapping(f"rows is {table!r}; it is one of {', '.join(found)}")
    return found[table]


_NOT_READ: Final = frozenset({"comparator", "unit", "table", "row_key", "subject"})


@cache
def _by_name() -> dict[str, Variable]:
    return {one.name: one for one in variables()}


def _of_family(name: str, about: Concept, table: str) -> Variable:
    family = name.partition(".")[0]
    if family in ("history", "treatment", "family"):
        column = "given" if family == "treatment" else "present"
        meaning = f"{about.label_en}: yes or no."
        return Variable(
            name=name, kind="flag", meaning=meaning, table=table, column=column, code=about.name
        )
    facts, said = about.facts, f"{about.label_en}."
    words = tuple(facts["values"].split(",")) if "values" in facts else ()
    terms = facts.get("group", "receptor" if facts.get("kind") == "receptor" else "")
    if words or terms:
        return Variable(
            name=name, kind="concept", meaning=said, table=table, column="value_concept",
            group=terms, code=about.name, words=words,
        )  # fmt: skip
    return Variable(
        name=name, kind="number", meaning=said, table=table, column="value_number",
        unit=facts.get("unit", "1"), code=about.name,
    )  # fmt: skip
