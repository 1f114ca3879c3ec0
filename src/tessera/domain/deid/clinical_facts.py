"""What one row of a patient says besides the patient and the cancer, as entities. Pure.

Part of the gate in `clinical.py`: pseudonyms and shifted dates only.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Final

from tessera.domain.clinical.entities import (
    CancerStage,
    Entity,
    Episode,
    FamilyMemberHistory,
    HealthStatusAssessment,
    HistologicGrade,
    LabTestResult,
    MedicalHistory,
    Procedure,
    RiskAssessment,
    Tumor,
    TumorMarkerTest,
    TumorObservation,
)
from tessera.domain.clinical.mapping import Gleason, Limit, SourceRow, Value
from tessera.domain.clinical.tnm import Tnm
from tessera.domain.clinical.variables import Variable, variable
from tessera.domain.deid.clinical_treatments import (
    add_treatments,
    make_treatment,
    number_of,
    whole_of,
    word_of,
)
from tessera.domain.deid.pseudonyms import Pseudonymiser
from tessera.domain.ids import Pseudonym
from tessera.domain.terms.terminology import concept

_TNM_EDITIONS: Final = (6, 7, 8)
_SHORT: Final = {"psa_ng_ml": "psa", "er": "er", "pr": "pr", "her2": "her2"}
_STAGING: Final = ("stage", "tnm", "t", "n", "m")
_STAGE_COLUMNS: Final = {
    "stage": "stage_group", "t": "t", "n": "n", "m": "m", "stage_system": "system",
    "tnm_edition": "edition", "tnm_basis": "basis",
}  # fmt: skip
_TUMOR: Final = ("tumor_size_mm", "tumor_other_size_mm", "tumor_volume", "tumor_site")
_MEASURED: Final = {
    "marker": TumorMarkerTest,
    "lab": LabTestResult,
    "health": HealthStatusAssessment,
    "observation": TumorObservation,
    "score": RiskAssessment,
}
_DATED: Final = {
    "marker": "marker_date",
    "lab": "lab_date",
    "health": "assessment_date",
    "observation": "observation_date",
    "score": "assessment_date",
}
_KEYS: Final = {
    "marker": "marker_test_id",
    "lab": "lab_test_id",
    "health": "assessment_id",
    "observation": "observation_id",
    "score": "assessment_id",
}
_OF_CANCER: Final = frozenset({"marker", "observation", "score"})
"""Families whose entities name the cancer that they are about."""


@dataclass(slots=True)
class FactMaker:
    """Makes the entities of one subject, each with a key of its own."""

    subject: Pseudonym
    pseudonymiser: Pseudonymiser
    facts: list[Entity] = field(default_factory=list)
    lines: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Variable, table, rest of the key and column of each value written since the last row."""
    _made: dict[str, int] = field(default_factory=dict)
    _shift: timedelta | None = None

    def key(self, table: str) -> str:
        number = self._made[table] = self._made.get(table, 0) + 1
        return f"{self.subject}/{table}/{number}"

    def shifted(self, day: object) -> date | None:
        """Return a day moved as all of the subject's are."""
        if not isinstance(day, date):
            return None
        if self._shift is None:
            self._shift = timedelta(days=self.pseudonymiser.shift_days(self.subject))
        return day - self._shift if day.toordinal() > self._shift.days else date.min

    def add(self, entity: Entity, key: str, table: str, **of: str) -> None:
        """Keep an entity; `of` says which variable filled which of its columns."""
        self.facts.append(entity)
        rest = key[len(self.subject) :]
        for column, name in of.items():
            self.lines.append((name, table, rest, column))

    def treatment_of(self, kind: str, condition_id: str | None, start: object) -> str:
        """Keep a treatment that an entity belongs to, and return its key."""
        return make_treatment(self, kind, condition_id, "", start=start)

    def of_row(self, row: SourceRow, condition_id: str | None) -> None:
        """Make what the row says. `condition_id` is None for a row without a cancer."""
        values = row.values
        diagnosed = values.get("diagnosis_date")
        if condition_id is not None:
            self._stage(row, condition_id, diagnosed)
            self._grade(row, condition_id, diagnosed)
            self._tumor(row, condition_id, diagnosed)
        for name, value in values.items():
            known = _family_of(name)
            if known is None:
                continue
            family, code, about = known
            if family in _MEASURED:
                self._measured(about, family, code, value, row, condition_id, diagnosed)
            elif family == "history" and isinstance(value, bool):
                key = self.key("medical_history")
                made = MedicalHistory(
                    history_id=key, subject=self.subject, code=code, present=value
                )
                self.add(made, key, "medical_history", present=name)
            elif family == "family":
                self._relative(name, code or None, value)
        add_treatments(self, row, condition_id)
        self._course(row, condition_id)

    def _stage(self, row: SourceRow, condition_id: str, diagnosed: object) -> None:
        values = row.values
        said = [name for name in _STAGING if name in values]
        if not said:
            return
        whole = values.get("tnm")
        tnm = whole if isinstance(whole, Tnm) else Tnm()
        edition = values.get("tnm_edition")
        number = edition if isinstance(edition, int) else None
        t, n, m = (word_of(values.get(letter)) or getattr(tnm, letter) for letter in "tnm")
        system = word_of(values.get("stage_system"))
        if system is None and number in _TNM_EDITIONS:
            system = f"ajcc_tnm_{number}"
        if system is None and (t or n or m):
            system = "tnm"
        key = self.key("cancer_stage")
        made = CancerStage(
            stage_id=key,
            subject=self.subject,
            condition_id=condition_id,
            system=system,
            edition=number,
            basis=word_of(values.get("tnm_basis")) or tnm.basis,
            t=t,
            n=n,
            m=m,
            stage_group=word_of(values.get("stage")),
            stage_date=self.shifted(row.measured.get(said[0], diagnosed)),
        )
        of = {column: name for name, column in _STAGE_COLUMNS.items() if name in values}
        for column in ("t", "n", "m", "basis"):
            if column not in of and getattr(tnm, column) is not None:
                of[column] = "tnm"
        self.add(made, key, "cancer_stage", **of)

    def _grade(self, row: SourceRow, condition_id: str, diagnosed: object) -> None:
        for name in ("gleason", "isup_grade", "grade"):
            value = row.values.get(name)
            if value is None:
                continue
            parts = value if isinstance(value, Gleason) else Gleason(0)
            score: int | None = parts.total or None
            grade, system = word_of(value), word_of(row.values.get("grade_system"))
            if name == "gleason":
                grade, system = f"gleason_{score}", "gleason"
            elif name == "isup_grade" and isinstance(value, int):
                grade, system, score = f"isup_{value}", "isup", value
            elif grade is not None:
                system = system or concept("grade", grade).facts.get("system")
            key = self.key("histologic_grade")
            made = HistologicGrade(
                grade_id=key,
                subject=self.subject,
                condition_id=condition_id,
                system=system,
                grade=grade,
                score=score,
                primary_pattern=parts.primary,
                secondary_pattern=parts.secondary,
                grade_date=self.shifted(row.measured.get(name, diagnosed)),
            )
            self.add(made, key, "histologic_grade", grade=name)

    def _tumor(self, row: SourceRow, condition_id: str, diagnosed: object) -> None:
        values = row.values
        said = [name for name in _TUMOR if name in values]
        if not said:
            return
        key = self.key("tumor")
        made = Tumor(
            tumor_id=key,
            subject=self.subject,
            condition_id=condition_id,
            is_index=True,
            body_site=word_of(values.get("tumor_site")),
            laterality=word_of(values.get("laterality")),
            morphology=word_of(values.get("morphology")),
            maximum_diameter_mm=number_of(values.get("tumor_size_mm")),
            other_diameter_mm=number_of(values.get("tumor_other_size_mm")),
            volume_mm3=number_of(values.get("tumor_volume")),
            tumor_date=self.shifted(row.measured.get(said[0], diagnosed)),
        )
        self.add(made, key, "tumor", **{variable(name).column: name for name in said})

    def _measured(
        self,
        about: Variable,
        family: str,
        code: str,
        value: Value,
        row: SourceRow,
        condition_id: str | None,
        diagnosed: object,
    ) -> None:
        name, key = about.name, self.key(about.table)
        is_limit = isinstance(value, Limit)
        number = value.number if isinstance(value, Limit) else number_of(value)
        made = _MEASURED[family](
            **{_KEYS[family]: key},
            subject=self.subject,
            code=code,
            **({"condition_id": condition_id} if family in _OF_CANCER else {}),
            **({"comparator": value.comparator} if isinstance(value, Limit) else {}),
            value_number=number,
            unit=about.unit if number is not None else None,
            value_concept=word_of(value),
            **{_DATED[family]: self.shifted(row.measured.get(name, diagnosed))},
        )
        column = "value_number" if is_limit or number is not None else "value_concept"
        self.add(made, key, about.table, **{column: name})

    def _relative(self, name: str, relative: str | None, value: Value) -> None:
        if isinstance(value, bool):
            key = self.key("family_member_history")
            made = FamilyMemberHistory(
                family_history_id=key, subject=self.subject, relative=relative, present=value
            )
            self.add(made, key, "family_member_history", present=name)

    def _course(self, row: SourceRow, condition_id: str | None) -> None:
        values = row.values
        if "biopsy_date" in values:
            key = self.key("procedure")
            biopsy = Procedure(
                procedure_id=key,
                subject=self.subject,
                condition_id=condition_id,
                code="biopsy",
                procedure_date=self.shifted(values["biopsy_date"]),
            )
            self.add(biopsy, key, "procedure", procedure_date="biopsy_date")
        free = whole_of(values.get("recurrence_free_days"))
        relapsed = values.get("recurrence")
        if free is not None:
            self._episode("remission", condition_id, "recurrence_free_days", start=0, end=free)
        if "recurrence_date" in values or relapsed is True:
            name = "recurrence_date" if "recurrence_date" in values else "recurrence"
            self._episode(
                "relapse", condition_id, name, day=values.get("recurrence_date"), start=free
            )
        if "progression_date" in values:
            day = values["progression_date"]
            self._episode("progression", condition_id, "progression_date", day=day)

    def _episode(
        self,
        kind: str,
        condition_id: str | None,
        name: str,
        *,
        day: object = None,
        start: int | None = None,
        end: int | None = None,
    ) -> None:
        key = self.key("episode")
        made = Episode(
            episode_id=key,
            subject=self.subject,
            condition_id=condition_id,
            type=kind,
            start_date=self.shifted(day),
            start_offset_days=None if isinstance(day, date) else start,
            end_offset_days=end,
        )
        self.add(made, key, "episode", **{"end_offset_days" if end is not None else "type": name})


@cache
def _family_of(name: str) -> tuple[str, str, Variable] | None:
    """Return family, concept and variable of what is measured or told; None of anything else."""
    about = variable(name)
    if name in _SHORT:
        return "marker", _SHORT[name], about
    if name == "family_history":
        return "family", "", about
    return (about.family, about.code, about) if about.family in _TOLD else None


_TOLD: Final = frozenset({*_MEASURED, "history", "family"})
