"""A table's profile and a proposal as plain values for JSON. Pure; identified zone.

The keys are stable. Of a column that may identify a person there are counts, and no value.
"""

from tessera.domain.clinical.profile import ColumnProfile, TableProfile
from tessera.domain.clinical.profile_identity import WHYS
from tessera.domain.clinical.suggest_types import Suggestion
from tessera.domain.clinical.suggest_units import written_unit

Plain = dict[str, object]


def profile_json(profile: TableProfile) -> Plain:
    """Return the profile of one table."""
    form = profile.table.form
    return {
        "table": profile.table.name,
        "format": form.format,
        "encoding": form.encoding,
        "delimiter": form.delimiter,
        "sheet": form.sheet,
        "header_row": form.header_row,
        "rows": len(profile.table.rows.value),
        "more_rows": profile.table.is_cut,
        "language": profile.language,
        "decimal": profile.decimal,
        "missing": list(profile.missing),
        "columns": [column_json(one) for one in profile.columns],
    }


def column_json(column: ColumnProfile) -> Plain:
    """Return the profile of one column."""
    made: Plain = {
        "column": column.name,
        "kind": column.kind,
        "filled": column.n_filled,
        "filled_share": round(column.filled_share, 4),
        "distinct": column.n_distinct,
    }
    if column.note.label:
        made["label"] = column.note.label
    if column.identifying:
        made["identifying"] = column.identifying
        made["why"] = WHYS[column.identifying]
    if column.identifier:
        made["identifier"] = column.identifier
    if column.code_form:
        made["code_form"] = column.code_form
    if column.n_strange:
        made["not_of_its_kind"] = column.n_strange
    if column.missing:
        made["missing"] = dict(column.missing)
    if column.dates and column.kind == "date":
        made["dates"] = {
            "forms": dict(column.dates.forms),
            "order": column.dates.order,
            "unread": column.dates.n_unread,
        }
        if not column.identifying:
            made["years"] = [column.dates.first_year, column.dates.last_year]
    if column.numbers and column.kind == "number" and not column.identifying:
        numbers = column.numbers
        made["numbers"] = {
            "low": numbers.low,
            "median": numbers.median,
            "high": numbers.high,
            "histogram": list(numbers.bins),
            "limits": numbers.n_limits,
            "units": dict(numbers.units),
            "unit_in_name": written_unit(column),
            "perhaps_no_value": dict(numbers.codes),
        }
    if column.top:
        made["values"] = dict(column.top)
        if column.note.choices:
            made["labels"] = dict(column.note.choices)
    return made


def suggestion_json(one: Suggestion) -> Plain:
    """Return one proposal with its evidence, questions and what is left out."""
    return {
        "table": one.profile.table.name,
        "patient": one.patient,
        "mapped": [
            {
                "column": proposal.column,
                "variable": proposal.variable,
                "confidence": proposal.confidence,
                "state": proposal.state,
                "evidence": [str(reason) for reason in proposal.evidence],
                "values": {rule.value: rule.target for rule in proposal.values},
                "unit": proposal.unit,
                "unit_column": proposal.unit_column,
                "dates": list(proposal.dates),
                "unread_values": len(proposal.unread),
                "unread_cells": sum(n for _, n in proposal.unread),
            }
            for proposal in one.proposals
        ],
        "questions": [
            {
                "id": question.id,
                "text": str(question),
                "choices": {choice.key: choice.label for choice in question.choices},
                "default": question.default,
            }
            for question in one.questions
        ],
        "left_out": [
            {"column": left.column, "reason": left.reason, "text": str(left)} for left in one.left
        ],
    }
