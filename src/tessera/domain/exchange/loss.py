"""What each format cannot carry, column by column, and what it changes. Pure data.

A test holds the lists exact: a column that is listed does not come back, and one that is not does.
"""

from typing import Final

ANEW: Final = (
    "Keys, days from the baseline and the baseline itself are worked out anew; so are the values "
    "at diagnosis that stand beside each cancer, from the first row of each table."
)
LOST: Final[dict[str, dict[str, str]]] = {
    "eucaim": {
        "patient.survival_days": "no column",
        "condition.icd10": "no column",
        "condition.laterality": "no column",
        "condition.evidence": "only of the cancer diagnosed first, in the mandatory view",
        "cancer_stage.edition": "no column; only what the name of the system says",
        "cancer_stage.stage_date": "no column",
        "histologic_grade.score": "only where there is no grade",
        "histologic_grade.primary_pattern": "no column",
        "histologic_grade.secondary_pattern": "no column",
        "histologic_grade.grade_date": "no column",
        "tumor.tumor_date": "no column",
        "tumor_observation.condition_id": "hangs on the tumour",
        "tumor_observation.observation_date": "no column",
        "risk_assessment.condition_id": "hangs on the tumour",
        "risk_assessment.assessment_date": "no column",
        "tumor_marker_test.condition_id": "no column",
        "tumor_marker_test.comparator": "only where there is no word",
        "lab_test_result.comparator": "only where there is no word",
        "health_status_assessment.assessment_date": "no column",
        "treatment.condition_id": "no column",
        "treatment.sequence": "no column",
        "treatment.given": "what was not given is left out",
        "treatment.start_date": "only of radiotherapy, surgery and medication with a row of theirs",
        "treatment.end_date": "only of radiotherapy and medication with a row of theirs",
        "radiotherapy.body_site": "no column",
        "adverse_event.grade": "no column",
        "procedure.body_site": "no column",
        "procedure.laterality": "no column",
        "episode.condition_id": "no column",
    },
    "omop": {},
    "fhir": {},
    "flat": {},
}
"""Format → `table.column` → why. For `flat` see `KEPT_FLAT`, which is the shorter list."""
KEPT_FLAT: Final = (
    *("patient", "condition", "cancer_stage", "histologic_grade", "tumor"),
    *("tumor_marker_test", "lab_test_result", "health_status_assessment", "medical_history"),
)
"""Tables of which the first row comes back from the flat table."""
LOST_FLAT: Final = {
    "tumor.is_index": "no column",
    "tumor.morphology": "the cancer's stands beside",
    "tumor.other_diameter_mm": "no column",
    "tumor.size_method": "no column",
}
STRUCTURE: Final[dict[str, tuple[str, ...]]] = {
    "eucaim": (
        "Stagings of one cancer with the same basis and no category in common become one.",
        "Of several descriptions of one course of radiotherapy, each line overwrites the dates.",
        "Of several procedures that made one study, the first is said to have made it.",
        "An episode's event in a table that is not written, or of a treatment not given, is left "
        "out.",
    ),
    "omop": (
        "A subject without an age is left out: OMOP has no person without a year of birth.",
        "A value in words longer than 50 characters is cut.",
        "Days from the baseline of a row without a date become the date that stands in.",
        "Which study a procedure made comes back only when the study has a series, and of several "
        "procedures that made it the first.",
    ),
    "fhir": (
        "Days from the baseline of a row without a date are left out.",
        "An event of an episode comes back only when its row is a resource.",
    ),
    "flat": (
        "Of several cancers, stagings, gradings, tumours or results the first by date is kept.",
        "A marker, grading, staging or tumour is taken to be about the cancer that stands beside.",
        "Treatments, procedures, episodes, adverse events, relatives and scores are left out.",
    ),
}
"""Format → what is lost beyond single columns."""


def loss_report(form: str, uncoded: dict[str, int], n_left_out: int) -> str:
    """Return the text that lies beside an export: what is lost, and what has no code."""
    lines = ["What this format cannot carry", "=" * 29, "", ANEW, ""]
    lines += [f"- {one}" for one in STRUCTURE[form]]
    lost = LOST[form] or (LOST_FLAT if form == "flat" else {})
    lines += [f"- {column}: {why}" for column, why in lost.items()]
    if form == "eucaim":
        lines += [
            "",
            "Numbers are written in full. The published tables cut them to DECIMAL(5,2), so that",
            "a value of 1000 and more does not fit, and to integers for scores and observations.",
            "",
            "Values without a class in the hyper-ontology are written as TESSERA:<name>:",
            *(f"- {column}: {n}" for column, n in sorted(uncoded.items())),
        ]
        if not uncoded:
            lines.append("- none")
    if n_left_out:
        lines += ["", f"Subjects left out: {n_left_out}"]
    return "\n".join(lines) + "\n"
