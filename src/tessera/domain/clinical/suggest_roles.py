"""Find the columns that are no variable of their own: the patient's identifier, and units. Pure."""

from collections.abc import Mapping, Sequence

from tessera.domain.clinical.column_names import match_names, table_words, words_of_name
from tessera.domain.clinical.mapping_file import ROW_NUMBER
from tessera.domain.clinical.profile import ColumnProfile, TableProfile
from tessera.domain.clinical.suggest_types import Choice, Evidence, Question
from tessera.domain.terms.units import ucum_of

Found = tuple[str, tuple[Evidence, ...], Question | None]


def patient_column(profile: TableProfile, answers: Mapping[str, str]) -> Found:
    """Return the column of the patient's identifier and why, or "" and a question."""
    said = answers.get("patient")
    if said is not None and (said == ROW_NUMBER or said in profile.table.header):
        return said, (Evidence("answer"),), None
    numbers = [
        one
        for one in profile.columns
        if one.n_filled
        and one.identifying in ("person-number", "patient_id", "dictionary", "own-number", "uid")
    ]
    named = [one for one in numbers if one.identifying in ("patient_id", "person-number")]
    candidates = named or numbers
    if len(candidates) == 1 and candidates[0].identifying != "uid":
        only = candidates[0]
        if only.identifier:
            return only.name, (Evidence("person-number", {"scheme": only.identifier}),), None
        found = match_names(only.note.label or only.name).get("!patient_id")
        if found and found.score >= 0.9:
            return only.name, (Evidence("name", {"phrase": found.phrase}),), None
    choices = [Choice(key=one.name, label=one.name) for one in numbers]
    choices.append(
        Choice(key=ROW_NUMBER, label="none: every row is a patient, take the row number")
    )
    question = Question(
        id="patient",
        kind="patient",
        column="",
        facts={},
        choices=tuple(choices),
        default=choices[0].key,
        gain=float("inf"),
    )
    return "", (), question


def unit_columns(profile: TableProfile, columns: Sequence[ColumnProfile]) -> dict[str, str]:
    """Return column of units → the column of numbers that it belongs to."""
    names = [one.name for one in profile.columns]
    by_name = {one.name: one for one in columns}
    found: dict[str, str] = {}
    for column in columns:
        values = column.values.value
        are_units = values and all(ucum_of(text) for text in values)
        words = words_of_name(column.name)
        says_unit = [word for word in words if word in table_words("unit")]
        if not are_units or (not says_unit and column.kind == "number"):
            continue
        rest = [word for word in words if word not in says_unit]
        same = [
            one.name
            for one in columns
            if one.kind == "number"
            and one.name != column.name
            and rest
            and list(words_of_name(one.name)) == rest
        ]
        place = names.index(column.name)
        before = by_name.get(names[place - 1]) if place else None
        if same:
            found[column.name] = same[0]
        elif before is not None and before.kind == "number" and (not rest or says_unit):
            found[column.name] = before.name
    return found
