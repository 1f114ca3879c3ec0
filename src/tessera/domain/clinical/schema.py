"""The JSON Schema of the common data model, from its definition. Pure.

Source: JSON Schema 2020-12. A dataset is an object of tables, a table an array of rows.
"""

from typing import Any, Final

from tessera.domain.clinical.cdm import CORE, TABLES
from tessera.domain.clinical.entity import Column, Table
from tessera.domain.terms.terminology import group, version

_TYPES: Final[dict[str, dict[str, Any]]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "texts": {"type": "array", "items": {"type": "string"}},
}


def json_schema() -> dict[str, Any]:
    """Return the schema: every table, column, value set and unit."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://tessera.invalid/cdm/{version()}",
        "title": "Tessera common data model",
        "description": f"Terminology {version()}. Units are UCUM.",
        "type": "object",
        "properties": {
            table.name: {"type": "array", "items": {"$ref": f"#/$defs/{table.name}"}}
            for table in TABLES
        },
        "required": [table.name for table in CORE],
        "additionalProperties": False,
        "$defs": {table.name: _row(table) for table in TABLES},
    }


def _row(table: Table) -> dict[str, Any]:
    return {
        "type": "object",
        "description": table.meaning,
        "properties": {column.name: _value(column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
        "additionalProperties": False,
    }


def _value(column: Column) -> dict[str, Any]:
    made = dict(_TYPES[column.kind])
    if column.group:
        made = {"enum": [one.name for one in group(column.group)]}
    if not column.required:
        made = {"anyOf": [made, {"type": "null"}]}
    made["description"] = column.meaning
    if column.unit:
        made["x-unit"] = column.unit
    if column.refers_to:
        made["x-refers-to"] = column.refers_to
    return made
