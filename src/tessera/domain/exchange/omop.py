"""The rows of a subject as rows of OMOP CDM 5.4 with the imaging extension. Pure.

A date that OMOP requires and that is not known is the subject's baseline; the `…_datetime` beside
it is filled exactly where the date is known, so that the two are told apart.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from tessera.domain.exchange.omop_concepts import concept_id, field_concept
from tessera.domain.exchange.omop_tables import (
    EHR,
    MAINS,
    OMOP_COLUMNS,
    OPERATORS,
    PREFIX,
    STANDARD,
    TREATMENT_REGIMEN,
    Main,
)
from tessera.domain.exchange.rows import (
    Row,
    SubjectRows,
    columns_of,
    date_columns,
    key_of,
    to_text,
)
from tessera.domain.terms.terminology import named

_DAYS_PER_YEAR: Final = 365.2425
Out = tuple[str, dict[str, Any]]
_DATED: Final = {
    "condition_occurrence": ("condition_start_date", "condition_start_datetime"),
    "measurement": ("measurement_date", "measurement_datetime"),
    "observation": ("observation_date", "observation_datetime"),
    "procedure_occurrence": ("procedure_date", "procedure_datetime"),
    "drug_exposure": ("drug_exposure_start_date", "drug_exposure_start_datetime"),
    "episode": ("episode_start_date", "episode_start_datetime"),
}


@dataclass(slots=True)
class OmopWriter:
    """Turns subjects into rows, one after the other; ids run through the whole dataset."""

    released: date
    """Stands in for a date where a subject has none at all."""
    ids: Counter[str] = field(default_factory=Counter)
    concepts: set[int] = field(default_factory=set)
    """Every concept that a row names."""
    n_left_out: int = 0
    """Subjects without an age anywhere: OMOP has no person without a year of birth."""

    def rows(self, rows: SubjectRows) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield (OMOP table, cells in the order of its columns) of one subject."""
        born = year_of_birth(rows)
        if born is None:
            self.n_left_out += 1
            return
        self.ids["person"] += 1
        for table, values in _Person(self, rows, self.ids["person"]).rows(born):
            self.concepts.update(v for name, v in values.items() if name.endswith("concept_id"))
            yield table, tuple(to_text(values.get(name)) for name in OMOP_COLUMNS[table])
        self.concepts.discard(None)

    def next_id(self, table: str) -> int:
        self.ids[table] += 1
        return self.ids[table]


def year_of_birth(rows: SubjectRows) -> int | None:
    """Return the (shifted) year of birth, from an age and the date it holds at; None: no age."""
    studies = {study["study_uid"]: study.get("study_date") for study in rows["study"]}
    pairs = [(one.get("age_at_diagnosis"), one.get("diagnosis_date")) for one in rows["condition"]]
    pairs += [
        (one.get("age_at_imaging"), studies.get(one.get("study_uid"))) for one in rows["series"]
    ]
    for age, day in pairs:
        if age is not None and day is not None:
            born = max(day.toordinal() - round(age * _DAYS_PER_YEAR), 1)
            return date.fromordinal(born).year
    return None


@dataclass(slots=True)
class _Person:
    writer: OmopWriter
    of: SubjectRows
    person_id: int
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    """(our table, key) → id in OMOP."""
    stand_in: date = date.min

    def rows(self, born: int) -> Iterator[Out]:
        days = sorted(
            v for found in self.of.tables.values() for r in found for v in r.values() if _is_day(v)
        )
        patient = self.of.patient
        diagnosed = (row.get("diagnosis_date") for row in self.of["condition"])
        firsts = [patient.get("baseline_date"), *diagnosed, *days, self.writer.released]
        self.stand_in = next(day for day in firsts if day is not None)
        yield "person", self._who(patient, born)
        known = [day for day in days if day.year >= born] or [self.stand_in]
        yield (
            "observation_period",
            {
                "observation_period_id": self.writer.next_id("observation_period"),
                "person_id": self.person_id,
                "observation_period_start_date": known[0],
                "observation_period_end_date": known[-1],
                "period_type_concept_id": EHR,
            },
        )
        if patient.get("deceased") and patient.get("last_contact_date"):
            yield "death", self._death(patient)
        for table, main in MAINS.items():
            for row in self.of[table]:
                self.ids[(table, row[key_of(table)])] = self.writer.next_id(main.table)
        for name, value in patient.items():
            if name not in ("subject", "sex", "baseline"):
                yield self._modifier("patient", name, value, None)
        for table, main in MAINS.items():
            for row in self.of[table]:
                yield from self._entity(table, main, row)
        for row in self.of["episode_event"]:
            event = self.ids.get((row["table"], row["row_key"]))
            if event is not None:
                yield self._event(self.ids[("episode", row["episode_id"])], row["table"], event)
        yield from self._images()

    def _who(self, patient: Row, born: int) -> dict[str, Any]:
        sex = patient.get("sex")
        return {
            "person_id": self.person_id,
            "gender_concept_id": STANDARD["sex"].get(sex or "", 0),
            "year_of_birth": born,
            "race_concept_id": 0,
            "ethnicity_concept_id": 0,
            "person_source_value": self.of.subject[:50],
            "gender_source_value": sex,
            "gender_source_concept_id": self._local("sex", sex),
            "race_source_value": patient.get("ethnicity"),
            "race_source_concept_id": self._local("ethnicity", patient.get("ethnicity")),
        }

    def _death(self, patient: Row) -> dict[str, Any]:
        cause = patient.get("cause_of_death")
        return {
            "person_id": self.person_id,
            "death_date": patient["last_contact_date"],
            "death_type_concept_id": EHR,
            "cause_concept_id": 0,
            "cause_source_value": cause,
            "cause_source_concept_id": self._local("cause_of_death", cause),
        }

    def _local(self, group: str, name: object) -> int | None:
        return concept_id(f"{group}:{name}") if name is not None else None

    def _entity(self, table: str, main: Main, row: Row) -> Iterator[Out]:
        number = self.ids[(table, row[key_of(table)])]
        yield main.table, self._main(table, main, row, number)
        shown = {key_of(table), "subject", main.code, main.number, main.word, main.quantity}
        shown |= {name for pair in date_columns(table) for name in pair}
        shown |= {"episode": {"number", "parent_id"}}.get(main.table, set())
        if main.table in ("measurement", "observation"):
            shown |= {"condition_id"}
        if main.table == "measurement":
            shown |= {"unit", "comparator"}
        if main.table == "drug_exposure":
            shown |= {"unit"}
        for name, value in row.items():
            column = columns_of(table)[name]
            if name in shown or value is None:
                continue
            if column.refers_to == "treatment" and main.table != "observation":
                yield self._event(self.ids[("treatment", value)], table, number)
            elif table == "treatment" and name == "condition_id":
                yield self._event(number, "condition", self.ids[("condition", value)])
            elif name != "study_uid":
                yield self._modifier(table, name, value, number)

    def _main(self, table: str, main: Main, row: Row, number: int) -> dict[str, Any]:
        prefix = PREFIX[main.table]
        code = row.get(main.code) if main.code else None
        group = columns_of(table)[main.code].group if main.code else ""
        source = concept_id(f"{group}:{code}") if code is not None else 0
        values = {
            f"{main.table}_id": number,
            "person_id": self.person_id,
            f"{prefix}_concept_id": STANDARD.get(group, {}).get(code or "", 0),
            f"{prefix}_type_concept_id": EHR,
            f"{prefix}_source_value": to_text(code)[:50],
            f"{prefix}_source_concept_id": source or concept_id(f"cdm:{table}"),
            **self._dates(table, main.table, row),
        }
        if main.table in ("measurement", "observation"):
            values |= self._said(
                main.table, self._word(table, main.word, row), row.get(main.number)
            )
            values |= self._about(main.table, "condition", row.get("condition_id"))
        if main.table == "measurement":
            unit = row.get("unit") or (
                columns_of(table)[main.number].unit if row.get(main.number) is not None else None
            )
            values["unit_source_value"] = unit or None
            values["operator_concept_id"] = OPERATORS.get(row.get("comparator") or "")
        if main.table == "drug_exposure":
            end = self.of.treatment_of(row).get("end_date")
            values["drug_exposure_end_date"] = end or values["drug_exposure_start_date"]
            values["quantity"] = row.get(main.quantity)
            values["dose_unit_source_value"] = row.get("unit")
        if main.table == "episode":
            values |= self._episode(table, row)
        return values

    def _word(self, table: str, name: str, row: Row) -> tuple[str, str] | None:
        """Return (group, word) of a column."""
        word = row.get(name) if name else None
        return (columns_of(table)[name].group, str(word)) if word is not None else None

    def _said(self, table: str, word: tuple[str, str] | None, number: object) -> dict[str, Any]:
        values: dict[str, Any] = {"value_as_number": number}
        if word:
            values["value_as_concept_id"] = concept_id(":".join(word)) if word[0] else None
            values["value_source_value"] = word[1][:50]
            if table == "observation":
                values["value_as_string"] = word[1][:60]
        return values

    def _about(self, table: str, ours: str, key: str | None) -> dict[str, Any]:
        """Return the columns that say which row another is about."""
        number = self.ids.get((ours, key)) if key is not None else None
        if number is None:
            return {}
        return self._linked(table, MAINS[ours].table, number)

    def _linked(self, table: str, to: str, number: int) -> dict[str, Any]:
        short = "meas" if table == "measurement" else "obs"
        return {f"{table}_event_id": number, f"{short}_event_field_concept_id": field_concept(to)}

    def _modifier(self, table: str, name: str, value: object, number: int | None) -> Out:
        """Return the row for a column of ours that the main row has none for."""
        column = columns_of(table)[name]
        main = MAINS[table].table if number is not None else "person"
        target = "observation" if main in ("person", "observation") else "measurement"
        of = column.refers_to
        is_number = column.kind in ("number", "integer")
        if of and of != "patient":
            value, is_number = self.ids.get((of, str(value))), True
        word = None if is_number else (column.group, to_text(value))
        values = {
            f"{target}_id": self.writer.next_id(target),
            "person_id": self.person_id,
            f"{target}_concept_id": 0,
            f"{target}_type_concept_id": EHR,
            f"{target}_date": self.stand_in,
            f"{target}_source_value": name[:50],
            f"{target}_source_concept_id": concept_id(f"cdm:{table}.{name}"),
            "unit_source_value": column.unit or None,
            **self._said(target, word, value if is_number else None),
            **(self._linked(target, main, number) if number is not None else {}),
        }
        return target, values

    def _dates(self, table: str, omop: str, row: Row) -> dict[str, Any]:
        day_column, time_column = _DATED[omop]
        if "treatment_id" in row and not date_columns(table):
            table, row = "treatment", self.of.treatment_of(row)
        pairs = date_columns(table)
        day = row.get(pairs[0][0]) if pairs else None
        if day is not None:
            return {day_column: day, time_column: f"{day.isoformat()} 00:00:00"}
        offset = row.get(pairs[0][1]) if pairs else None
        baseline = self.of.patient.get("baseline_date")
        if offset is None or baseline is None:
            return {day_column: self.stand_in}
        return {day_column: baseline + timedelta(days=offset)}

    def _episode(self, table: str, row: Row) -> dict[str, Any]:
        end, parent = row.get("end_date"), row.get("parent_id")
        values: dict[str, Any] = {
            "episode_end_date": end,
            "episode_end_datetime": f"{end.isoformat()} 00:00:00" if end else None,
            "episode_number": row.get("number"),
            "episode_parent_id": self.ids.get(("episode", parent)) if parent else None,
            "episode_object_concept_id": 0,
        }
        if table == "treatment":
            values["episode_concept_id"] = TREATMENT_REGIMEN
        return values

    def _event(self, episode: int, table: str, number: int) -> Out:
        field_id = field_concept(MAINS[table].table)
        values = {"episode_id": episode, "event_id": number}
        return "episode_event", {**values, "episode_event_field_concept_id": field_id}

    def _images(self) -> Iterator[Out]:
        made = {
            row["study_uid"]: self.ids[("procedure", row["procedure_id"])]
            for row in reversed(self.of["procedure"])
            if row.get("study_uid") is not None
        }
        days: dict[str, date] = {}
        for study in self.of["study"]:
            uid, day = study["study_uid"], study.get("study_date")
            days[uid] = day or self.stand_in
            if uid not in made:
                made[uid] = self.writer.next_id("procedure_occurrence")
                yield "procedure_occurrence", self._imaging(made[uid], study)
        images: dict[str, int] = {}
        for series in self.of["series"]:
            uid = series["study_uid"]
            images[series["series_uid"]] = number = self.writer.next_id("image_occurrence")
            yield (
                "image_occurrence",
                {
                    "image_occurrence_id": number,
                    "person_id": self.person_id,
                    "procedure_occurrence_id": made[uid],
                    "anatomic_site_concept_id": _device("body_part", series.get("body_part")),
                    "image_occurrence_date": days[uid],
                    "image_study_uid": uid,
                    "image_series_uid": series["series_uid"],
                    "modality_concept_id": _device("modality", series.get("modality")) or 0,
                },
            )
        yield from self._features(images)

    def _imaging(self, number: int, study: Row) -> dict[str, Any]:
        day = study.get("study_date")
        return {
            "procedure_occurrence_id": number,
            "person_id": self.person_id,
            "procedure_concept_id": 0,
            "procedure_date": day or self.stand_in,
            "procedure_datetime": f"{day.isoformat()} 00:00:00" if day else None,
            "procedure_type_concept_id": EHR,
            "procedure_source_value": "imaging study",
            "procedure_source_concept_id": concept_id("cdm:study"),
        }

    def _features(self, images: Mapping[str, int]) -> Iterator[Out]:
        """Yield each acquisition parameter as a measurement that an image feature points to."""
        for row in self.of["acquisition_parameter"]:
            if row["series_uid"] not in images:
                continue
            code = concept_id(f"acquisition_parameter:{row['code']}")
            number = self.writer.next_id("measurement")
            word = ("", str(row["value_text"])) if row.get("value_text") else None
            yield (
                "measurement",
                {
                    "measurement_id": number,
                    "person_id": self.person_id,
                    "measurement_concept_id": 0,
                    "measurement_type_concept_id": EHR,
                    "measurement_date": self.stand_in,
                    "measurement_source_value": str(row["code"])[:50],
                    "measurement_source_concept_id": code
                    or concept_id("cdm:acquisition_parameter"),
                    "unit_source_value": row.get("unit"),
                    **self._said("measurement", word, row.get("value_number")),
                    **self._linked("measurement", "image_occurrence", images[row["series_uid"]]),
                },
            )
            yield (
                "image_feature",
                {
                    "image_feature_id": self.writer.next_id("image_feature"),
                    "person_id": self.person_id,
                    "image_occurrence_id": images[row["series_uid"]],
                    "image_feature_event_field_concept_id": field_concept("measurement"),
                    "image_feature_event_id": number,
                    "image_feature_concept_id": code or concept_id("cdm:acquisition_parameter"),
                    "image_feature_type_concept_id": EHR,
                },
            )


def _device(group: str, word: object) -> int | None:
    """Return our concept for a word that a device wrote."""
    found = named(group, str(word)) if word else None
    return concept_id(f"{group}:{found.name}") if found else None


def _is_day(value: object) -> bool:
    return isinstance(value, date) and value.year > 1
