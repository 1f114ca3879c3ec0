"""The rows of a subject as lines of the EUCAIM folder's files. Pure.

Codes are those of the hyper-ontology; a value that it has no code for is `TESSERA:<name>`. Every
number is written in full, also where the published tables would cut it (`DECIMAL(5,2)`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tessera.domain.exchange.codes import LOCAL, code_of, twin_code, unit_code
from tessera.domain.exchange.eucaim_tables import EucaimFile, eucaim_files
from tessera.domain.exchange.rows import Row, SubjectRows, columns_of, key_of, to_text
from tessera.domain.terms.terminology import named

SYSTEM: Final = "EUCAIM"
Line = tuple[str, ...]
CATEGORIES: Final = {
    ("t", "clinical"): "CLIN1033379",
    ("t", "pathological"): "CLIN1033391",
    ("n", "clinical"): "CLIN1033358",
    ("n", "pathological"): "CLIN1033368",
    ("m", "clinical"): "CLIN1033341",
    ("m", "pathological"): "CLIN1033349",
}
"""(category of TNM, basis) → class of the hyper-ontology. Source: EUCAIM explorer's catalogue."""
_OF_DEVICE: Final = ("modality", "body_part", "manufacturer")
COMPARATORS: Final = {"<=": "COM1002529", ">=": "COM1002546"}
"""Comparator → class of the hyper-ontology; `<` and `>` have none that was found."""
_STAGED: Final = (("t", "tnm_t"), ("n", "tnm_n"), ("m", "tnm_m"), ("stage_group", "stage"))


def category_code(category: str, basis: str | None) -> str:
    """Return what `cancer_stage_code` says for a category and its basis."""
    local = LOCAL + (f"{category}:{basis}" if basis else category)
    return CATEGORIES.get((category, basis or ""), local)


@dataclass(slots=True)
class EucaimWriter:
    """Turns subjects into lines, one after the other; numbers run through the whole dataset."""

    dataset_id: str
    n_lines: Counter[str] = field(default_factory=Counter)
    """File → lines so far."""
    uncoded: Counter[str] = field(default_factory=Counter)
    """Column of ours → values that the hyper-ontology has no code for."""

    def lines(self, rows: SubjectRows) -> Iterator[tuple[str, Line]]:
        """Yield (file, cells in the order of its header) of one subject."""
        numbers, where = self._numbered(rows)
        subject = _Subject(rows, self, numbers, where)
        for file in eucaim_files().values():
            for row in _lines_of(file, rows):
                values = [subject.value(source, row, file.table) for _, source in file.columns]
                if file.name != "episode_event" or all(values):
                    yield file.name, tuple(values)
        subject = _Subject(
            rows, EucaimWriter(self.dataset_id), numbers, where
        )  # counts no value again
        yield "clinical_mandatory_view", subject.clinical_view()
        for series in rows["series"]:
            yield "imaging_mandatory_view", subject.imaging_view(series)

    def _numbered(self, rows: SubjectRows) -> tuple[dict[tuple[str, str], int], dict[str, str]]:
        numbers: dict[tuple[str, str], int] = {}
        where: dict[str, str] = {}
        for file in eucaim_files().values():
            for row in _lines_of(file, rows):
                self.n_lines[file.name] += 1
                key = (file.table, str(row[key_of(file.table)]))
                numbers.setdefault(key, self.n_lines[file.name])
                where[file.table] = file.name
        return numbers, where


def _lines_of(file: EucaimFile, rows: SubjectRows) -> Iterator[dict[str, Any]]:
    """Yield our rows, one per line of the file: a staging has a line per category."""
    for row in rows[file.table]:
        if file.name == "treatment" and row.get("given") is False:
            continue
        if file.name != "cancer_stage":
            yield dict(row)
            continue
        said = [(name, group) for name, group in _STAGED if row.get(name) is not None]
        for name, group in said or [_STAGED[-1]]:
            yield {**row, "%": (name, group)}


@dataclass(frozen=True, slots=True)
class _Subject:
    rows: SubjectRows
    writer: EucaimWriter
    numbers: Mapping[tuple[str, str], int]
    where: Mapping[str, str]

    def value(self, source: str, row: Row, table: str) -> str:
        match source[:1]:
            case "":
                return ""
            case "@":
                return self.writer.dataset_id
            case "#":
                return self._number(source[1:], row, table)
            case "^":
                return to_text(self.rows.treatment_of(row).get(source[1:]))
            case "~":
                return {True: "COM1001310", False: "COM1001332"}.get(row.get(source[1:]), "")  # type: ignore[arg-type]
            case "%":
                return self._worked_out(source[1:], row, table)
        if "?" in source:
            unit, _, name = source.partition("?")
            return unit_code(unit, SYSTEM) if self._said(name, row) else ""
        return self._own(source, row, table)

    def _said(self, name: str, row: Row) -> bool:
        if name == "%diameter":
            return any(row.get(f"{one}_diameter_mm") is not None for one in ("maximum", "other"))
        held = self.rows.treatment_of(row) if name.startswith("^") else row
        return held.get(name.removeprefix("^")) is not None

    def _own(self, name: str, row: Row, table: str) -> str:
        value = row.get(name)
        if value is None:
            return ""
        if name == "unit":
            return self._counted(f"{table}.unit", unit_code(str(value), SYSTEM))
        group = columns_of(table)[name].group
        return self._code(group, str(value), f"{table}.{name}") if group else to_text(value)

    def _code(self, group: str, value: str, column: str) -> str:
        return self._counted(column, code_of(group, value, SYSTEM))

    def _counted(self, column: str, code: str) -> str:
        if code.startswith(LOCAL):
            self.writer.uncoded[column] += 1
        return code

    def _number(self, column: str, row: Row, table: str) -> str:
        key = row.get(column or key_of(table))
        of = (columns_of(table)[column].refers_to or "study") if column else table
        return to_text(self.numbers.get((of, str(key)))) if key is not None else ""

    def _study(self, row: Row) -> Row:
        wanted = row.get("study_uid")
        return next((s for s in self.rows["study"] if s["study_uid"] == wanted), {})

    def _worked_out(self, what: str, row: Row, table: str) -> str:
        match what:
            case "category":
                return category_code(row["%"][0], row.get("basis"))
            case "value":
                name, group = row["%"]
                said = row.get(name)
                if said is None:
                    return ""
                if row.get("basis") == "pathological" and (twin := twin_code(group, said, SYSTEM)):
                    return twin
                return self._code(group, str(said), f"{table}.{name}")
            case "result":
                return self._result(row, table)
            case "grade":
                grade, score = row.get("grade"), row.get("score")
                return self._code("grade", grade, f"{table}.grade") if grade else to_text(score)
            case "episode":
                return self._episode(row, table)
            case "event":
                return to_text(self.numbers.get((row["table"], row["row_key"])))
            case "file":
                return self.where.get(row["table"], "")
            case "procedure":
                uid = row["study_uid"]
                made = (p for p in self.rows["procedure"] if p.get("study_uid") == uid)
                one = next(made, None)
                return to_text(self.numbers[("procedure", one["procedure_id"])]) if one else ""
            case "timepoint":
                return to_text(self._study(row).get("timepoint"))
            case "study_date":
                return to_text(self._study(row).get("study_date"))
            case _:
                return self._device_word(what, row)

    def _result(self, row: Row, table: str) -> str:
        """Return the word; where the number is only a limit, the comparator."""
        sign = row.get("comparator")
        if row.get("value_concept") is None and sign:
            return COMPARATORS.get(sign) or LOCAL + str(sign)
        return self._own("value_concept", row, table)

    def _device_word(self, name: str, row: Row) -> str:
        """Return the code of a word that a device wrote; where it is unknown, the word."""
        word = row.get(name)
        if not word:
            return ""
        found = named(name, str(word))
        return self._code(name, found.name, f"series.{name}") if found else str(word)

    def _episode(self, row: Row, table: str) -> str:
        key = row.get(key_of(table))
        for event in self.rows["episode_event"]:
            if event["table"] == table and event["row_key"] == key:
                found = (e for e in self.rows["episode"] if e["episode_id"] == event["episode_id"])
                return to_text(next(found, {}).get("number"))
        return ""

    def clinical_view(self) -> Line:
        first = first_cancer(self.rows)
        cancer = first or {}
        about = {cancer.get("condition_id"), None}
        given = [
            t
            for t in self.rows["treatment"]
            if t.get("given") is not False and t.get("condition_id") in about
        ]
        given.sort(key=lambda t: (t.get("sequence") or 99, to_text(t.get("start_date")) or "9"))
        patient = self.rows.patient
        age = cancer.get("age_at_diagnosis")
        return (
            self.rows.subject,
            self.writer.dataset_id,
            *(self._own(name, patient, "patient") for name in ("sex", "ethnicity", "population")),
            *(
                self._own(name, cancer, "condition")
                for name in ("cancer", "condition_type", "topography", "morphology")
            ),
            to_text(age),
            unit_code("a", SYSTEM) if age is not None else "",
            self._own("type", given[0], "treatment") if given else "",
            self._own("evidence", cancer, "condition"),
        )

    def imaging_view(self, series: Row) -> Line:
        return (
            self.rows.subject,
            self.writer.dataset_id,
            str(series["study_uid"]),
            str(series["series_uid"]),
            *(
                self._device_word(name, series)
                for name in ("modality", "body_part", "manufacturer")
            ),
            to_text(self._study(series).get("study_date")),
            to_text(series.get("age_at_imaging")),
        )


def first_cancer(rows: SubjectRows) -> Row | None:
    """Return the cancer that was diagnosed first; the first of those without a date; or None."""
    found = rows["condition"]
    return min(found, key=lambda row: to_text(row.get("diagnosis_date")) or "9", default=None)
