"""Lines of an EUCAIM folder's files as the rows of a subject. Pure.

Codes become names; a code that no concept has becomes null and is counted. Folders that another
program wrote are read too: columns may be missing, keys may be any text.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tessera.domain.exchange.at_diagnosis import summarised
from tessera.domain.exchange.codes import LOCAL, name_of, unit_of
from tessera.domain.exchange.eucaim import CATEGORIES, COMPARATORS, SYSTEM, first_cancer
from tessera.domain.exchange.eucaim_tables import EucaimFile, eucaim_files
from tessera.domain.exchange.rows import SubjectRows, columns_of, from_text, key_of

Cells = Mapping[str, str]
LINE: Final = "#line"
"""Column that a reader adds: the line's number in its file, 1 for the first after the header."""
_OF_TREATMENT: Final = ("radiotherapy", "surgical_procedure", "medication_administration")
_CATEGORY_OF: Final = {code: pair for pair, code in CATEGORIES.items()}
_GROUP_OF: Final = {"t": "tnm_t", "n": "tnm_n", "m": "tnm_m", "stage_group": "stage"}
_IMAGING: Final = ("study", "series", "acquisition_parameter", "segmentation", "segment")


def rows_of_files(
    subject: str, files: Mapping[str, Sequence[Cells]], unread: Counter[str]
) -> SubjectRows:
    """Return the clinical rows of one subject, from the lines of each file that are about it.

    `unread` counts by `file.column` the values that say nothing to the terminology.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for file in eucaim_files().values():
        if file.table in ("-", *_IMAGING, "cancer_stage", "episode_event"):
            continue
        for cells in files.get(file.name, ()):
            row = _row(file, cells, unread)
            if all(row.get(c.name) is not None for c in _coded(file.table)):
                tables.setdefault(file.table, []).append(row)
    tables["cancer_stage"] = list(_stages(files.get("cancer_stage", ()), unread))
    tables["episode_event"] = list(_events(files.get("episode_event", ())))
    _date_treatments(tables, files)
    for cells in files.get("image_study", ()):
        for procedure in tables.get("procedure", ()):
            if cells.get("procedure_id") == procedure["procedure_id"]:
                procedure.setdefault("study_uid", cells["study_uid"])
    tables["patient"] = tables.get("patient") or [{}]
    for row in tables["patient"]:
        row["subject"] = subject
    found = SubjectRows(subject, {name: rows for name, rows in tables.items() if rows})
    first = first_cancer(found)
    for cells in files.get("clinical_mandatory_view", ()):
        evidence = cells.get("evidence_procedure_code", "")
        if first is not None and evidence:
            name = _name("evidence", evidence, "clinical_mandatory_view.evidence", unread)
            first["evidence"] = name  # type: ignore[index]
    return summarised(found)


def _coded(table: str) -> Iterator[Any]:
    return (c for c in columns_of(table).values() if c.required and c.group)


def _row(file: EucaimFile, cells: Cells, unread: Counter[str]) -> dict[str, Any]:
    row: dict[str, Any] = {key_of(file.table): _key(file, cells)}
    for name, source in file.columns:
        text = (cells.get(name) or "").strip()
        if not source or not text:
            continue
        if source[0] == "#":
            row[source[1:] or key_of(file.table)] = text
        elif source == "~present":
            row["present"] = {"COM1001310": True, "COM1001332": False}.get(text)
        elif source == "%result":
            _result(row, file, name, text, unread)
        elif source == "%grade":
            if text.isdecimal():
                row["score"] = int(text)
            else:
                row["grade"] = _name("grade", text, f"{file.name}.{name}", unread)
        elif source == "unit":
            row["unit"] = unit_of(text, SYSTEM)
            unread[f"{file.name}.{name}"] += row["unit"] is None
        elif source.isidentifier():
            column = columns_of(file.table)[source]
            if column.group:
                row[source] = _name(column.group, text, f"{file.name}.{name}", unread)
            else:
                row[source] = from_text(text, column.kind)
                unread[f"{file.name}.{name}"] += row[source] is None
    return {name: value for name, value in row.items() if value is not None}


def _result(
    row: dict[str, Any], file: EucaimFile, name: str, text: str, unread: Counter[str]
) -> None:
    """Read a word, or the sign that says that the number is only a limit."""
    signs = {code: sign for sign, code in COMPARATORS.items()}
    sign = signs.get(text) or text.removeprefix(LOCAL)
    if sign in ("<", "<=", ">=", ">"):
        row["comparator"] = sign
        return
    group = columns_of(file.table)["value_concept"].group
    word = _name(group, text, f"{file.name}.{name}", unread) if group else text
    row["value_concept"] = word


def _key(file: EucaimFile, cells: Cells) -> str:
    own = next((name for name, source in file.columns if source == "#"), LINE)
    return cells.get(own) or cells.get(LINE, "")


def _name(group: str, text: str, column: str, unread: Counter[str]) -> str | None:
    found = name_of(group, text, SYSTEM)
    if found is None:
        unread[column] += 1
    return found


def _stages(lines: Sequence[Cells], unread: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield a staging for each run of categories of one cancer and one basis."""
    now: dict[str, Any] = {}
    seen: set[str] = set()
    for cells in lines:
        code = cells.get("cancer_stage_code", "")
        category, basis = (
            _CATEGORY_OF.get(code) or (*code.removeprefix(LOCAL).split(":"), "", "")[:2]
        )
        if category not in _GROUP_OF:
            unread["cancer_stage.cancer_stage_code"] += 1
            continue
        system = cells.get("cancer_stage_scoring_system", "")
        about = {
            "condition_id": cells.get("cancer_condition_id") or None,
            "basis": basis or None,
            "system": _name("stage_system", system, "cancer_stage.system", unread)
            if system
            else None,
        }
        if not now or category in seen or any(now[name] != value for name, value in about.items()):
            if now:
                yield {name: value for name, value in now.items() if value is not None}
            seen.clear()
            now = {"stage_id": cells.get(LINE, ""), **about, **_edition(about["system"])}
        seen.add(category)
        value = cells.get("cancer_stage_as_concept", "")
        if value:
            now[category] = _name(_GROUP_OF[category], value, "cancer_stage.as_concept", unread)
    if now:
        yield {name: value for name, value in now.items() if value is not None}


def _edition(system: str | None) -> dict[str, int]:
    """Return the edition that the name of a staging system ends in."""
    last = (system or "").rpartition("_")[2]
    return {"edition": int(last)} if last.isdecimal() else {}


def _events(lines: Sequence[Cells]) -> Iterator[dict[str, Any]]:
    files = eucaim_files()
    for cells in lines:
        file = files.get(cells.get("event_table_name", ""))
        if file is not None:
            key = cells.get("event_table_id", "")
            yield {
                "event_id": cells.get(LINE, ""),
                "episode_id": cells.get("episode_id", ""),
                "table": file.table,
                "row_key": key,
            }


def _date_treatments(
    tables: Mapping[str, Sequence[dict[str, Any]]], files: Mapping[str, Sequence[Cells]]
) -> None:
    """Give each treatment the dates that stand beside what was done."""
    of_key = {row["treatment_id"]: row for row in tables.get("treatment", ())}
    for name in _OF_TREATMENT:
        file = eucaim_files()[name]
        for cells in files.get(name, ()):
            treatment = of_key.get(cells.get("treatment_id", ""))
            for column, source in file.columns:
                if treatment is not None and source.startswith("^") and cells.get(column):
                    ours = source[1:]
                    value = from_text(cells[column], columns_of("treatment")[ours].kind)
                    treatment.setdefault(ours, value)
