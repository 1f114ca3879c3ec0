"""How an entity of the common data model is defined: a frozen class whose fields say what they are.

The class is the definition. Parquet columns, JSON Schema, data dictionary, typed records and
exports all come from it. Units are in the column's name or, where a row says what was measured,
in a `unit` column (UCUM). Pure.
"""

from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from datetime import date
from types import UnionType
from typing import Any, Final, TypeVar, dataclass_transform, get_args, get_type_hints

T = TypeVar("T")
_MEANING: Final = "tessera.column"
_KINDS: Final = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    date: "date",
}


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` is one of text, integer, number, boolean, date, texts (a list of text)."""

    name: str
    kind: str
    meaning: str
    required: bool = False
    group: str = ""
    """Group of the terminology whose concepts' names are the values; "" when it is not coded."""
    refers_to: str = ""
    """Table whose key this is; "" when it is no reference."""
    unit: str = ""
    """UCUM; "" when the column has no unit or a column of its own for it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is the key, unique within a dataset version."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class _Spec:
    meaning: str
    group: str = ""
    refers_to: str = ""
    unit: str = ""


def key(meaning: str) -> Any:
    """Define the key of the table: the first field of an entity, never null."""
    return field(metadata={_MEANING: _Spec(meaning)})


def refers(table: str, meaning: str) -> Any:
    """Define the key of a row of `table` that this row belongs to, never null."""
    return field(metadata={_MEANING: _Spec(meaning, refers_to=table)})


def coded(group: str, meaning: str) -> Any:
    """Define a value that is the name of a concept in `group`, never null."""
    return field(metadata={_MEANING: _Spec(meaning, group=group)})


def stated(meaning: str) -> Any:
    """Define a text that is never null."""
    return field(metadata={_MEANING: _Spec(meaning)})


def said(meaning: str, *, group: str = "", to: str = "", unit: str = "") -> Any:
    """Define a value that may be null. No field specifier: to a type checker it is a default."""
    spec = _Spec(meaning, group=group, refers_to=to, unit=unit)
    return field(default=None, metadata={_MEANING: spec})


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(key, refers, coded, stated),
)
def entity(name: str, meaning: str) -> Callable[[type[T]], type[T]]:
    """Make a class an entity: a frozen, keyword-only dataclass with a table of `name`."""

    def make(cls: type[T]) -> type[T]:
        made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
        made.TABLE = Table(name, meaning, tuple(_columns(made)))  # type: ignore[attr-defined]
        return made

    return make


def table_of(cls: type) -> Table:
    """Return the table of an entity."""
    table: Table = cls.TABLE  # type: ignore[attr-defined]
    return table


def _columns(cls: type) -> list[Column]:
    hints = get_type_hints(cls)
    return [_column(one, hints[one.name]) for one in fields(cls)]


def _column(one: "Field[Any]", hint: Any) -> Column:
    spec: _Spec = one.metadata[_MEANING]
    alternatives = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = next(_kind(alternative) for alternative in alternatives if alternative is not type(None))
    return Column(
        one.name,
        kind,
        spec.meaning,
        required=type(None) not in alternatives,
        group=spec.group,
        refers_to=spec.refers_to,
        unit=spec.unit,
    )


def _kind(hint: Any) -> str:
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return _KINDS[hint]
