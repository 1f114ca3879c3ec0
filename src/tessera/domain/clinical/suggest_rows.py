"""Propose how a table with a row per measurement, medicine or operation is read. Pure.

Such a table names the patient in many rows, and has a column whose words or codes are concepts
of one group of the terminology: the tests of a laboratory, the substances of a prescription.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tessera.domain.clinical.column_names import plain, table_words, words_of_name
from tessera.domain.clinical.mapping_file import ROW_NUMBER
from tessera.domain.clinical.profile import ColumnProfile, TableProfile
from tessera.domain.clinical.suggest_types import Evidence, Proposal, State, ValueRule
from tessera.domain.clinical.suggest_values import match_values
from tessera.domain.clinical.variables import row_variable
from tessera.domain.terms.units import ucum_of

_TABLES: Final = {
    "lab_test": ("lab_test_result", "code"),
    "marker": ("tumor_marker_test", "code"),
    "health_status": ("health_status_assessment", "code"),
    "medical_history": ("medical_history", "code"),
    "medication": ("medication_administration", "medication"),
    "surgery": ("surgical_procedure", "code"),
}
"""Group → the table whose rows are about its concepts, and the column that names the concept."""
_LEAST: Final = 0.6


def rows_of(profile: TableProfile, patient: str) -> tuple[str, str, str, Mapping[str, str]]:
    """Return (table, its column of concepts, column of the source, value → concept), or blanks."""
    nothing: tuple[str, str, str, Mapping[str, str]] = ("", "", "", {})
    if patient in ("", ROW_NUMBER):
        return nothing
    who = profile.column(patient)
    if who.n_distinct > 0.75 * who.n_filled:
        return nothing
    best, found = 0.0, nothing
    for column in profile.columns:
        if column.kind in ("date", "number", "flag", "empty", "free-text") or column.n_distinct < 2:
            continue
        if column.identifying not in ("", "many-texts"):
            continue
        for group, (table, field) in _TABLES.items():
            matches = match_values(group, column.values.value, language=profile.language)
            sure = {text: one.concept for text, one in matches.items() if one.sure >= 0.9}
            share = sum(column.values.value[text] for text in sure) / column.n_filled
            if share > max(best, _LEAST) and len(set(sure.values())) > 1:
                best, found = share, (table, field, column.name, sure)
    return found


def row_proposals(
    profile: TableProfile,
    columns: Sequence[ColumnProfile],
    found: tuple[str, str, str, Mapping[str, str]],
) -> list[Proposal]:
    """Return what names the concept, its value with its unit, and its date."""
    table, field, code, meanings = found
    values = profile.column(code).values.value
    share = sum(values[text] for text in meanings) / sum(values.values())
    made = [
        Proposal(
            column=code,
            variable=field,
            confidence=round(min(0.99, share), 2),
            state="certain",
            evidence=(Evidence("words", {"share": f"{100 * share:.0f}"}),),
            values=tuple(
                ValueRule(value=text, n=values[text], target=target, sure=0.97, why="word")
                for text, target in meanings.items()
            ),
            unread=tuple((text, n) for text, n in values.items() if text not in meanings),
            kind="concept",
        )
    ]
    rest = [column for column in columns if column.name != code]
    units = [one for one in rest if _are_units(one)]
    numbers = [one for one in rest if one.kind == "number" and one not in units]
    value = _only(numbers, "result")
    if value is not None and _has(table, "value") and (units or _unit_in_cells(value)):
        unit = units[0].name if units else ""
        made.append(_field(value, "value", "number", unit_column=unit))
    day = _only([one for one in rest if one.kind == "date"], "date")
    if day is not None and day.dates and _has(table, "date"):
        made.append(_field(day, "date", "date", dates=tuple(f for f, _ in day.dates.forms)))
    return made


def _field(column: ColumnProfile, name: str, kind: str, **more: object) -> Proposal:
    state: State = "certain"
    evidence = Evidence("name", {"phrase": column.name})
    if kind == "date" and column.dates:
        share = column.dates.n_read / column.n_filled
        evidence = Evidence("dates", {"share": f"{100 * share:.0f}"})
    dates, unit_column = more.get("dates", ()), more.get("unit_column", "")
    return Proposal(
        column=column.name,
        variable=name,
        confidence=0.95,
        state=state,
        evidence=(evidence,),
        dates=dates if isinstance(dates, tuple) else (),
        unit_column=str(unit_column),
        kind=kind,
    )


def _only(columns: Sequence[ColumnProfile], words: str) -> ColumnProfile | None:
    """Return the column that its name tells, or the only one there is."""
    known = table_words(words)
    named = [one for one in columns if any(plain(w) in known for w in words_of_name(one.name))]
    if len(named) == 1:
        return named[0]
    return columns[0] if len(columns) == 1 else None


def _are_units(column: ColumnProfile) -> bool:
    values = column.values.value
    return bool(values) and all(ucum_of(text) for text in values) and column.kind != "number"


def _unit_in_cells(column: ColumnProfile) -> bool:
    numbers = column.numbers
    if numbers is None:
        return False
    return sum(n for _, n in numbers.units) >= 0.9 * numbers.n_read


def _has(table: str, name: str) -> bool:
    try:
        row_variable(table, name)
    except ValueError:
        return False
    return True
