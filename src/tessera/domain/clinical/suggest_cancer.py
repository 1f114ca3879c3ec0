"""Find the cancer where no column names it: from ICD-10 codes, or one for all rows. Pure."""

from collections.abc import Mapping, Sequence

from tessera.domain.clinical.mapping_file import ROW_NUMBER
from tessera.domain.clinical.profile import TableProfile
from tessera.domain.clinical.suggest_reading import cancer_of
from tessera.domain.clinical.suggest_types import (
    NOTHING,
    Choice,
    Evidence,
    Proposal,
    Question,
    ValueRule,
)
from tessera.domain.clinical.variables import variable
from tessera.domain.terms import terminology as terms

_SAY_SO = ("cancer", "topography")
_OF_CANCER = frozenset(
    "condition cancer_stage histologic_grade tumor tumor_marker_test tumor_observation treatment"
    " surgical_procedure radiotherapy medication_administration episode".split()
)
"""Tables whose rows are about a cancer."""


def cancer_otherwise(
    profile: TableProfile,
    patient: str,
    proposals: Sequence[Proposal],
    waiting: Sequence[Question],
    answers: Mapping[str, str],
) -> tuple[Proposal | None, Question | None]:
    """Return a proposal for `cancer` where no column is one, or the question which it is."""
    mapped = {one.variable: one for one in proposals}
    asked = {choice.key for one in waiting if one.kind == "meaning" for choice in one.choices}
    if any(name in mapped for name in _SAY_SO):
        return None, None
    if "icd10" in mapped:
        return _of_codes(profile, mapped["icd10"]), None
    about_cancer = any(variable(name).table in _OF_CANCER for name in mapped)
    if asked & {*_SAY_SO, "icd10"} or not about_cancer:
        return None, None
    said = answers.get("all:cancer")
    if said == NOTHING or not profile.table.rows.value:
        return None, None
    known = [one for one in terms.group("cancer") if "abstract" not in one.facts]
    if said in {one.name for one in known}:
        full = next((one.name for one in profile.columns if one.n_filled == one.n_rows), "")
        column = full if patient in ("", ROW_NUMBER) else patient
        return Proposal(
            column=column,
            variable="cancer",
            confidence=1.0,
            state="answered",
            evidence=(Evidence("answer"),),
            kind="concept",
            if_filled=said or "",
        ), None
    return None, Question(
        id="all:cancer",
        kind="all",
        column="",
        facts={},
        choices=(
            *(Choice(key=one.name, label=one.label_en) for one in known),
            Choice(key=NOTHING, label="no, or it is not known"),
        ),
        default=NOTHING,
        gain=2.0 * len(profile.table.rows.value),
    )


def _of_codes(profile: TableProfile, codes: Proposal) -> Proposal | None:
    values = profile.column(codes.column).values.value
    rules = tuple(
        ValueRule(value=text, n=n, target=cancer, sure=0.97, why="word")
        for text, n in values.items()
        if (cancer := cancer_of("ICD10", text))
    )
    if not rules:
        return None
    share = sum(rule.n for rule in rules) / sum(values.values())
    return Proposal(
        column=codes.column,
        variable="cancer",
        confidence=0.95,
        state=codes.state,
        evidence=(Evidence("codes", {"share": f"{100 * share:.0f}"}),),
        values=rules,
        kind="concept",
    )
