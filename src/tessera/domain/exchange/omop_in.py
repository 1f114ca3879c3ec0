"""Rows of OMOP CDM 5.4 of one person as rows of a subject. Pure.

What this program wrote comes back as it was. Rows of other programs are read by the codes of their
concepts (`omop_foreign.py`); those that say nothing here are counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from tessera.domain.exchange.at_diagnosis import summarised
from tessera.domain.exchange.omop_concepts import code_of_id, table_of_field
from tessera.domain.exchange.omop_foreign import Codes, birth_date, foreign_row
from tessera.domain.exchange.omop_tables import MAINS, OPERATORS, PREFIX, STANDARD
from tessera.domain.exchange.rows import (
    SubjectRows,
    columns_of,
    date_columns,
    from_text,
    key_of,
    to_text,
)

Cells = Mapping[str, str]
_TABLE_OF_GROUP: Final = {
    columns_of(table)[main.code].group: table for table, main in MAINS.items() if main.code
}
_COMPARATOR: Final = {str(number): sign for sign, number in OPERATORS.items()}
_DATETIME: Final = {
    "condition_occurrence": "condition_start_datetime",
    "drug_exposure": "drug_exposure_start_datetime",
    "episode": "episode_start_datetime",
    "measurement": "measurement_datetime",
    "observation": "observation_datetime",
    "procedure_occurrence": "procedure_datetime",
}
_UNLISTED: Final = ("cdm:study", "cdm:acquisition_parameter")


def rows_of_person(
    person: Cells,
    tables: Mapping[str, Sequence[Cells]],
    unread: Counter[str],
    codes: Codes | None = None,
) -> SubjectRows:
    """Return the clinical rows of a person, from its rows in each OMOP table.

    `unread` counts by OMOP table the rows that no entity of ours stands for. `codes`: what the
    concepts of other vocabularies mean.
    """
    subject = person.get("person_source_value") or person["person_id"]
    reader = _Reader(tables, unread, codes or {}, birth_date(person))
    reader.mains()
    reader.modifiers()
    reader.events()
    reader.studies()
    found = {name: list(rows.values()) for name, rows in reader.found.items() if rows}
    patient = {"subject": subject, **reader.patient}
    for cells in tables.get("death", ()):
        patient.setdefault("deceased", True)
        patient.setdefault("last_contact_date", from_text(cells.get("death_date", ""), "date"))
    sex = person.get("gender_source_value") or ""
    of_concept = {str(number): name for name, number in STANDARD["sex"].items()}
    known = sex if sex in _SEXES else of_concept.get(person.get("gender_concept_id", ""))
    if known:
        patient["sex"] = known
    return summarised(SubjectRows(subject, {"patient": [patient], **found}))


_SEXES: Final = ("female", "male", "other", "unknown")


class _Reader:
    def __init__(
        self,
        tables: Mapping[str, Sequence[Cells]],
        unread: Counter[str],
        codes: Codes,
        born: date | None,
    ) -> None:
        self._tables = tables
        self._codes = codes
        self._born = born
        self._unread = unread
        self.found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {name: {} for name in MAINS}
        """Our table → (OMOP table, id) → row."""
        self._ours: dict[tuple[str, str], str] = {}
        self.patient: dict[str, Any] = {}

    def mains(self) -> None:
        """Make the row of each entity."""
        for omop, prefix in PREFIX.items():
            for cells in self._tables.get(omop, ()):
                code = code_of_id(_number(cells.get(f"{prefix}_source_concept_id")))
                ours = _ours(code)
                if ours is not None:
                    key = (omop, cells[f"{omop}_id"])
                    self._ours[key] = ours
                    self.found[ours][key] = self._main(ours, omop, code, cells)
                elif "." not in code and code not in _UNLISTED and not code.startswith("acquis"):
                    self._foreign(omop, cells)

    def _foreign(self, omop: str, cells: Cells) -> None:
        read = foreign_row(omop, cells, self._codes, self._born)
        if read is None:
            self._unread[omop] += 1
        else:
            self.found[read[0]][(omop, cells[f"{omop}_id"])] = read[1]

    def _main(self, table: str, omop: str, code: str, cells: Cells) -> dict[str, Any]:
        main = MAINS[table]
        row: dict[str, Any] = {key_of(table): f"{omop}/{cells[f'{omop}_id']}"}
        if main.code:
            said = cells.get(f"{PREFIX[omop]}_source_value", "")
            name = said if code.startswith("cdm:") else code.partition(":")[2]
            row[main.code] = name or None
        if main.number:
            kind = columns_of(table)[main.number].kind
            row[main.number] = from_text(cells.get("value_as_number", ""), kind)
        if main.word:
            row[main.word] = cells.get("value_source_value") or None
        if main.quantity:
            row[main.quantity] = from_text(cells.get("quantity", ""), "number")
            row["unit"] = cells.get("dose_unit_source_value") or None
        if omop == "measurement" and "unit" in columns_of(table):
            row["unit"] = cells.get("unit_source_value") or None
        if "comparator" in columns_of(table):
            row["comparator"] = _COMPARATOR.get(cells.get("operator_concept_id", ""))
        pairs = date_columns(table)
        if pairs:
            row[pairs[0][0]] = from_text(cells.get(_DATETIME[omop], ""), "date")
        if omop in ("measurement", "observation"):
            self._about(table, omop, cells, row)
        if omop == "episode":
            row["end_date"] = from_text(cells.get("episode_end_date", ""), "date")
            if table == "episode":
                row["number"] = from_text(cells.get("episode_number", ""), "integer")
                parent = cells.get("episode_parent_id")
                row["parent_id"] = f"episode/{parent}" if parent else None
        return {name: value for name, value in row.items() if value is not None}

    def _about(self, table: str, omop: str, cells: Cells, row: dict[str, Any]) -> None:
        of, number = _linked(omop, cells)
        if of == "condition_occurrence" and "condition_id" in columns_of(table):
            row["condition_id"] = f"{of}/{number}"

    def modifiers(self) -> None:
        """Give each row the columns that stand in rows of their own."""
        for omop in ("measurement", "observation"):
            for cells in self._tables.get(omop, ()):
                code = code_of_id(_number(cells.get(f"{omop}_source_concept_id")))
                table, _, name = code.removeprefix("cdm:").partition(".")
                if not code.startswith("cdm:") or not name:
                    continue
                row = self.patient
                if table != "patient":
                    row = self.found[table].get(_linked(omop, cells), {})
                row[name] = self._modified(table, name, cells)

    def _modified(self, table: str, name: str, cells: Cells) -> object:
        column = columns_of(table)[name]
        if column.refers_to and column.refers_to != "patient":
            target = MAINS[column.refers_to].table
            return f"{target}/{to_text(from_text(cells['value_as_number'], 'integer'))}"
        is_number = column.kind in ("number", "integer")
        text = cells.get("value_as_number" if is_number else "value_source_value", "")
        return from_text(text, column.kind)

    def events(self) -> None:
        """Read what belongs to an episode, and to a treatment."""
        for cells in self._tables.get("episode_event", ()):
            episode = ("episode", cells["episode_id"])
            of = table_of_field(_number(cells["episode_event_field_concept_id"]))
            event = (of, cells["event_id"])
            ours, table = self._ours.get(event), self._ours.get(episode)
            if ours is None or table is None:
                self._unread["episode_event"] += 1
            elif table == "treatment" and ours == "condition":
                self.found[table][episode]["condition_id"] = f"{of}/{event[1]}"
            elif table == "treatment":
                self.found[ours][event]["treatment_id"] = f"episode/{episode[1]}"
            else:
                number = len(self.found.setdefault("episode_event", {}))
                self.found["episode_event"][("", str(number))] = {
                    "event_id": str(number),
                    "episode_id": f"episode/{episode[1]}",
                    "table": ours,
                    "row_key": f"{of}/{event[1]}",
                }

    def studies(self) -> None:
        """Read which study a procedure made."""
        for cells in self._tables.get("image_occurrence", ()):
            key = ("procedure_occurrence", cells["procedure_occurrence_id"])
            if self._ours.get(key) == "procedure":
                self.found["procedure"][key].setdefault("study_uid", cells["image_study_uid"])


def _ours(code: str) -> str | None:
    """Return the entity that a main row's source concept means."""
    kind, _, name = code.partition(":")
    if kind == "cdm":
        return name if name in MAINS else None
    return _TABLE_OF_GROUP.get(kind)


def _linked(omop: str, cells: Cells) -> tuple[str, str]:
    short = "meas" if omop == "measurement" else "obs"
    field = _number(cells.get(f"{short}_event_field_concept_id"))
    return table_of_field(field), cells.get(f"{omop}_event_id", "")


def _number(text: str | None) -> int:
    return int(text) if text and text.lstrip("-").isdecimal() else 0
