"""Cohort queries over the Parquet files of a dataset version, with DuckDB."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import numpy as np

from tessera.adapters.duckdb.crossed import crossed
from tessera.adapters.duckdb.events import row_columns, row_filter
from tessera.adapters.duckdb.marked import marked_sets
from tessera.adapters.duckdb.predicates import Predicates, column_of, normalised
from tessera.adapters.duckdb.running import failures, time_limit
from tessera.domain.cohort.exact import ExactCells, ExactCounts, ExactSets, Matching, NotSupported
from tessera.domain.cohort.fields import DISTRIBUTED, FIELDS, Field, Level, Value, shown_as
from tessera.domain.cohort.query import (
    And,
    Comparison,
    Expression,
    InOne,
    Not,
    Or,
    Query,
    UnknownField,
    conditions,
)
from tessera.domain.cohort.sketch import studies_bound
from tessera.domain.errors import Unavailable
from tessera.domain.ids import Pseudonym
from tessera.domain.statistics.cut import Cut
from tessera.ports.cohort_engine import NO_CUTS

_KEYS = {
    Level.PATIENT: ("subject",),
    Level.CONDITION: ("subject",),
    Level.STUDY: ("study_uid", "subject"),
    Level.SERIES: ("study_uid", "subject"),
    Level.TREATMENT: ("subject",),
}


TIMEOUT_S: Final = 60.0
"""A count that takes longer is given up: it would keep others from being counted."""


class DuckDbCohortEngine:
    """A CohortEngine. Reads files below `root` and nothing else; writes nothing."""

    def __init__(
        self,
        root: Path,
        *,
        memory_limit: str = "256MB",
        n_threads: int = 1,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """`root` is the folder that holds every version folder it will be asked about."""
        self._timeout_s = timeout_s
        self._connection = duckdb.connect()
        settings: dict[str, object] = {
            "threads": n_threads,
            "memory_limit": memory_limit,
            "temp_directory": "",
            # It trusts Parquet's minimum and maximum, which leave NaN out: NaN would be a number.
            "disabled_optimizers": "statistics_propagation",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allowed_directories": [str(root.resolve())],
            "enable_external_access": False,
            "lock_configuration": True,
        }
        for name, value in settings.items():  # in this order: each may close the door on earlier
            self._connection.execute(f"SET {name} = $value", {"value": value})

    def close(self) -> None:
        """Free the memory. The engine cannot be used afterwards."""
        self._connection.close()

    def count(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        least_subjects: int = 1,
    ) -> ExactCounts | NotSupported:
        """See the port."""
        cursor = self._connection.cursor()
        try:
            with time_limit(cursor, self._timeout_s):
                one = _Count(cursor, version_dir.resolve(), query, least_subjects)
                return one.result(excluded)
        finally:
            cursor.close()

    def cells(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        by: Sequence[str] = DISTRIBUTED,
        least_subjects: int = 1,
    ) -> ExactCells | NotSupported:
        """See the port."""
        cursor = self._connection.cursor()
        try:
            with time_limit(cursor, self._timeout_s):
                one = _Count(cursor, version_dir.resolve(), query, least_subjects, by)
                counts = one.result(excluded)
                if isinstance(counts, NotSupported):
                    return counts
                return ExactCells(counts, one.cells(by, excluded))
        finally:
            cursor.close()

    def sets(
        self,
        version_dir: Path,
        query: Query,
        excluded: frozenset[Pseudonym] = frozenset(),
        *,
        key: bytes,
        by: Sequence[str] = DISTRIBUTED,
        cuts: Mapping[str, Cut] = NO_CUTS,
        least_subjects: int = 1,
    ) -> ExactSets | NotSupported:
        """See the port."""
        cursor = self._connection.cursor()
        try:
            with time_limit(cursor, self._timeout_s):
                beside = [*by, *(name for cut in cuts.values() for name in cut.fields)]
                one = _Count(cursor, version_dir.resolve(), query, least_subjects, beside)
                counts = one.result(excluded)
                if isinstance(counts, NotSupported):
                    return counts
                n_each, bound = one.studies(excluded)
                members = one.members(by, excluded)
                members |= one.cuts(cuts, excluded)
                return marked_sets(counts, n_each, bound, members, key)
        finally:
            cursor.close()

    def matching(
        self, version_dir: Path, query: Query, excluded: frozenset[Pseudonym] = frozenset()
    ) -> Matching | NotSupported:
        """See the port."""
        cursor = self._connection.cursor()
        try:
            with time_limit(cursor, self._timeout_s):
                return _Count(cursor, version_dir.resolve(), query).matching(excluded)
        finally:
            cursor.close()


class _Count:
    """One query over one version."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        version_dir: Path,
        query: Query,
        least_subjects: int = 1,
        beside: Sequence[str] = (),
    ) -> None:
        """`beside`: fields that are read though the query does not name them."""
        self._cursor = cursor
        self._least_subjects = least_subjects
        self._dir = version_dir
        self._where = query.where
        names = {c.field for c in conditions(query.where) if isinstance(c, Comparison)}
        self._asked = [field for field in FIELDS.values() if field.name in names]
        self._fields = [field for field in FIELDS.values() if field.name in names | set(beside)]
        self._columns = {level: self._columns_of(level) for level in Level}

    def result(self, excluded: frozenset[Pseudonym]) -> ExactCounts | NotSupported:
        missing = self._lacking()
        if missing:
            return missing
        predicates = Predicates()
        matching = self._matching(predicates, excluded)
        study = predicates.of_counted_study(self._where)
        sql = f"""
            {matching},
            counted AS MATERIALIZED (
                SELECT t.study_uid, t.subject FROM study_rows t
                WHERE t.subject IN (SELECT subject FROM matching) AND {study})
            SELECT (SELECT count(*) FROM matching),
                   (SELECT count(DISTINCT study_uid) FROM counted),
                   (SELECT count(DISTINCT subject) FROM counted)
        """  # noqa: S608  # names of this project only; values and paths are parameters
        with failures("the query could not be evaluated"):
            row = self._cursor.execute(sql, predicates.parameters).fetchone()
        n_subjects, n_studies, n_study_subjects = row or (0, 0, 0)
        return ExactCounts(n_subjects, n_studies, n_study_subjects)

    def cells(self, by: Sequence[str], excluded: frozenset[Pseudonym]) -> dict[str, dict[str, int]]:
        """Return the matching subjects by the values of each field."""
        return {
            name: {label: len(whose) for label, whose in members.items()}
            for name, members in self.members(by, excluded).items()
        }

    def members(
        self, by: Sequence[str], excluded: frozenset[Pseudonym]
    ) -> dict[str, dict[str, set[str]]]:
        """Return who of the matching subjects has which value, one query for each field."""
        found = {}
        for field in (FIELDS[name] for name in by):
            if self._has(field):
                members: dict[str, set[str]] = {}
                for value, who, is_in in self._values_of(field, excluded):
                    label = shown_as(field, value)
                    if label is not None:
                        members.setdefault(label, set()).update([who] if is_in else [])
                found[field.name] = members
        return found

    def cuts(
        self, cuts: Mapping[str, Cut], excluded: frozenset[Pseudonym]
    ) -> dict[str, dict[str, set[str]]]:
        """Return who of the matching subjects is in which cell of each cut."""
        found = {}
        for label, cut in cuts.items():
            fields = [FIELDS[name] for name in cut.fields]
            if all(map(self._has, fields)):
                values = {one.name: self._values_of(one, excluded) for one in fields}
                found[label] = crossed(cut, self.studies(excluded)[0], values)
        return found

    def _has(self, field: Field) -> bool:
        columns = self._columns[field.level]
        return bool(columns and field.column in columns and self._filled(field.level, [field]))

    def studies(self, excluded: frozenset[Pseudonym]) -> tuple[dict[str, int], int]:
        """Return the number of counted studies of each matching subject, and the bound."""
        predicates = Predicates()
        matching = self._matching(predicates, excluded)
        study = predicates.of_counted_study(self._where)
        sql = f"""
            {matching}
            SELECT m.subject, count(DISTINCT t.study_uid) FILTER (WHERE {study})
            FROM matching m LEFT JOIN study_rows t ON t.subject = m.subject GROUP BY m.subject
        """  # noqa: S608  # names of this project only; values and paths are parameters
        parameters: dict[str, object] = {}
        every = self._rows(Level.STUDY, parameters)
        all_of = f"WITH {every} SELECT count(DISTINCT study_uid) FROM study_rows GROUP BY subject"  # noqa: S608
        with failures("the query could not be evaluated"):
            rows = self._cursor.execute(sql, predicates.parameters).fetchall()
            n_all = self._cursor.execute(all_of, parameters).fetchall()
        return dict(rows), studies_bound(np.array([n for (n,) in n_all], np.intp))

    def _values_of(
        self, field: Field, excluded: frozenset[Pseudonym]
    ) -> list[tuple[Value, str, bool]]:
        """Return each value, whose it is, and whether that is a matching subject."""
        predicates = Predicates()
        matching = self._matching(predicates, excluded)
        sql = f"""
            {matching}
            SELECT {column_of(field)} AS value, r.subject,
                   r.subject IN (SELECT subject FROM matching)
            FROM {field.level}_rows r WHERE value IS NOT NULL GROUP BY ALL
        """  # noqa: S608  # names of this project only; values and paths are parameters
        with failures("the query could not be evaluated"):
            return self._cursor.execute(sql, predicates.parameters).fetchall()

    def _matching(self, predicates: Predicates, excluded: frozenset[Pseudonym]) -> str:
        """Return the common tables of a statement, up to the matching subjects."""
        subject = predicates.of_subject(self._where)
        tables = [self._rows(level, predicates.parameters) for level in Level]
        predicates.parameters["excluded"] = sorted(excluded)
        return f"""
            WITH {", ".join(tables)},
            left_out AS MATERIALIZED (SELECT unnest($excluded::VARCHAR[]) AS subject),
            matching AS MATERIALIZED (
                SELECT DISTINCT p.subject FROM patient_rows p
                WHERE p.subject IS NOT NULL AND {subject}
                AND p.subject NOT IN (SELECT subject FROM left_out))"""  # noqa: S608

    def matching(self, excluded: frozenset[Pseudonym]) -> Matching | NotSupported:
        missing = self._lacking()
        if missing:
            return missing
        predicates = Predicates()
        matching = self._matching(predicates, excluded)
        study = predicates.of_counted_study(self._where)
        sql = f"""
            {matching}
            SELECT subject, NULL FROM matching UNION ALL
            SELECT NULL, t.study_uid FROM study_rows t
            WHERE t.subject IN (SELECT subject FROM matching) AND {study}
        """  # noqa: S608  # names of this project only; values and paths are parameters
        with failures("the query could not be evaluated"):
            rows = self._cursor.execute(sql, predicates.parameters).fetchall()
        return Matching(
            frozenset(str(subject) for subject, _ in rows if subject is not None),
            frozenset(str(study) for _, study in rows if study is not None),
        )

    def _lacking(self) -> NotSupported | None:
        if self._columns[Level.PATIENT] is None:
            raise Unavailable(f"{self._path(Level.PATIENT).name} is missing in this version")
        missing = self._not_supported()
        return NotSupported(tuple(sorted(missing))) if missing else None

    def _not_supported(self) -> set[str]:
        unknown = {c.field for c in conditions(self._where) if isinstance(c, UnknownField)}
        if self._columns[Level.STUDY] is None:
            unknown |= _inside_study_groups(self._where)
        for level in Level:
            columns = self._columns[level]
            fields = [field for field in self._asked if field.level is level]
            present = [field for field in fields if columns and field.column in columns]
            filled = self._filled(level, present)
            unknown |= {field.name for field in fields if field.name not in filled}
        return unknown

    def _filled(self, level: Level, fields: list[Field]) -> set[str]:
        """Return the names of the fields in which enough subjects have a value."""
        if not fields:
            return set()
        parameters: dict[str, object] = {}
        # A row without a subject is damage; all such rows together count as one.
        subject = "count(DISTINCT coalesce(subject, ''))"
        counts = ", ".join(
            f"{subject} FILTER (WHERE {column_of(field)} IS NOT NULL)" for field in fields
        )
        sql = f"WITH {self._rows(level, parameters)} SELECT {counts} FROM {level}_rows"  # noqa: S608
        with failures(f"{self._path(level).name} cannot be read"):
            row = self._cursor.execute(sql, parameters).fetchone() or ()
        if self._least_subjects > 1 and self._n_subjects() < self._least_subjects:
            # Too few in all: no count can say more, and whether a field is filled would.
            return {field.name for field in fields}
        counted = zip(fields, row, strict=True)
        return {field.name for field, n in counted if n >= self._least_subjects}

    def _n_subjects(self) -> int:
        path = self._path(Level.PATIENT)
        sql = "SELECT count(DISTINCT subject) FROM read_parquet($path)"
        with failures(f"{path.name} cannot be read"):
            row = self._cursor.execute(sql, {"path": _literal(path)}).fetchone() or (0,)
        return int(row[0])

    def _columns_of(self, level: Level) -> set[str] | None:
        """Return the columns of a table's file, or None when there is no such file."""
        path = self._path(level)
        if not path.is_file():
            return None
        with failures(f"{path.name} cannot be read"):
            found = self._cursor.execute(
                "DESCRIBE SELECT * FROM read_parquet($path)", {"path": _literal(path)}
            ).fetchall()
        columns = {str(row[0]) for row in found}
        lacking = [key for key in _KEYS[level] if key not in columns]
        if lacking:
            raise Unavailable(f"{path.name} has no column {lacking[0]}")
        return columns

    def _rows(self, level: Level, parameters: dict[str, object]) -> str:
        """Return a common table expression with the keys and the fields the query names."""
        columns = self._columns[level]
        keys = _KEYS[level]
        if columns is None:
            nothing = ", ".join(f"NULL::VARCHAR AS {key}" for key in keys)
            return f"{level}_rows AS (SELECT {nothing} WHERE FALSE)"
        fields = [f for f in self._fields if f.level is level and f.column in columns]
        values = [f"{normalised(field)} AS {column_of(field)}" for field in fields]
        parameters[f"{level}_path"] = _literal(self._path(level))
        source = f"read_parquet(${level}_path){row_filter(level, columns)}"
        selected = ", ".join((*keys, *values, *row_columns(level)))
        return f"{level}_rows AS MATERIALIZED (SELECT {selected} FROM {source})"  # noqa: S608

    def _path(self, level: Level) -> Path:
        return self._dir / f"{level}.parquet"


def _literal(path: Path) -> str:
    """Return a path that DuckDB takes for one file: it would expand *, ? and [ as a pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def _inside_study_groups(where: Expression) -> set[str]:
    match where:
        case And(children) | Or(children):
            return {name for child in children for name in _inside_study_groups(child)}
        case Not(child):
            return _inside_study_groups(child)
        case InOne(Level.STUDY, child):
            return {condition.field for condition in conditions(child)}
        case _:
            return set()
