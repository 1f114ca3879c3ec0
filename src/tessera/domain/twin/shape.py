"""What a twin is drawn from: the shape of a dataset, in numbers that may leave the node. Pure.

Only `gate.py` makes one from real tables. JSON form: `to_json` and `from_json`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tessera.domain.clinical.cdm import SERIES
from tessera.domain.clinical.entity import Table
from tessera.domain.errors import InvalidInput

FORMAT: Final = "tessera-twin/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How the values of one column are spread among the rows of one table and stratum."""

    filled: float
    """Share of rows that have a value, in twentieths."""
    words: tuple[tuple[str, float], ...] = ()
    """Value → share of the rows with a value, in hundredths. `true` and `false` for booleans."""
    quantiles: tuple[float, ...] = ()
    """Numbers: evenly spaced quantiles, two significant digits, without the extremes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Rows of one table that are of one kind: of one modality, marker, type of treatment."""

    name: str
    """Value of the column that says the kind; empty where a table has none."""
    share: float
    """Of the rows, in hundredths."""
    columns: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One table of one stratum."""

    per_parent: tuple[tuple[int, float], ...]
    """Rows of one parent (a subject; for series a study) → share of the parents."""
    kinds: tuple[Kind, ...] = ()


def kind_column(table: Table) -> str:
    """Return the column that says what kind of row it is; empty where there is none."""
    if table is SERIES:
        return "modality"
    coded = (column.name for column in table.columns if column.group and column.required)
    return next(coded, "") if table.name != "condition" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Subjects that are alike in what matters most: their cancer, or that they have none."""

    name: str
    n_subjects: int
    """Released."""
    tables: Mapping[str, Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    dataset_id: str
    version: int
    manifest_sha256: str
    policy: str
    """The count policy that every number passed, in words."""
    strata: tuple[Stratum, ...]

    @property
    def n_subjects(self) -> int:
        return sum(stratum.n_subjects for stratum in self.strata)

    def to_json(self) -> str:
        """Return the JSON text: what a node hands out, and all that a twin is drawn from."""
        body = {
            "format": FORMAT,
            "dataset_id": self.dataset_id,
            "version": self.version,
            "manifest_sha256": self.manifest_sha256,
            "policy": self.policy,
            "strata": [
                {
                    "name": stratum.name,
                    "n_subjects": stratum.n_subjects,
                    "tables": {name: _rows_json(rows) for name, rows in stratum.tables.items()},
                }
                for stratum in self.strata
            ],
        }
        return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def shape_from_json(text: str) -> Shape:
    """Read what `Shape.to_json` wrote. Raises InvalidInput."""
    try:
        body = json.loads(text)
        if body["format"] != FORMAT:
            raise ValueError("format")
        return Shape(
            dataset_id=str(body["dataset_id"]),
            version=int(body["version"]),
            manifest_sha256=str(body["manifest_sha256"]),
            policy=str(body["policy"]),
            strata=tuple(
                Stratum(
                    name=str(one["name"]),
                    n_subjects=int(one["n_subjects"]),
                    tables={name: _rows(rows) for name, rows in one["tables"].items()},
                )
                for one in body["strata"]
            ),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise InvalidInput("not the shape of a dataset; tessera twin shape writes one") from err


def _rows_json(rows: Rows) -> dict[str, object]:
    return {
        "per_parent": [list(pair) for pair in rows.per_parent],
        "kinds": [
            {
                "name": kind.name,
                "share": kind.share,
                "columns": {name: _column_json(one) for name, one in kind.columns.items()},
            }
            for kind in rows.kinds
        ],
    }


def _column_json(column: Column) -> dict[str, object]:
    return {
        "filled": column.filled,
        **({"words": [list(pair) for pair in column.words]} if column.words else {}),
        **({"quantiles": list(column.quantiles)} if column.quantiles else {}),
    }


def _rows(body: Mapping[str, Any]) -> Rows:
    return Rows(
        per_parent=tuple((int(n), float(share)) for n, share in body["per_parent"]),
        kinds=tuple(
            Kind(
                name=str(kind["name"]),
                share=float(kind["share"]),
                columns={name: _column(one) for name, one in kind["columns"].items()},
            )
            for kind in body["kinds"]
        ),
    )


def _column(one: Mapping[str, Any]) -> Column:
    return Column(
        filled=float(one["filled"]),
        words=tuple((str(word), float(share)) for word, share in one.get("words", ())),
        quantiles=tuple(float(number) for number in one.get("quantiles", ())),
    )
