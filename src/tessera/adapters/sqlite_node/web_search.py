"""A query as SQL. The condition that finds the fewest rows leads; nothing is ever sorted."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tessera.domain.dicomweb.levels import ORDER, Level
from tessera.domain.dicomweb.query import Between, Condition, Like, OneOf, WebQuery
from tessera.ports.web_index import Sight

_TABLE: Final[dict[Level, str]] = {"studies": "s", "series": "r", "instances": "i"}
_LEADS: Final = {
    "study_uid": "web_study_uid",
    "series_uid": "web_series_uid",
    "patient_id": "web_study_patient",
    "accession": "web_study_accession",
    "patient_name": "web_study_name",
    "study_date": "web_study_date",
    "body_part": "web_series_body_part",
    "series_description": "web_series_description",
    "modality": "web_series_modality",
}
"""Column → its index; the likely narrowest first."""
NOT_HIDDEN: Final = "NOT EXISTS (SELECT 1 FROM temp.hidden h WHERE h.subject = s.subject)"
_OF_STUDY: Final = "modalities"
_ORDER: Final = (*_LEADS.values(), _OF_STUDY)
_ENOUGH: Final = 3000
"""Rows up to which candidates are counted."""
_COLUMNS: Final[dict[Level, str]] = {
    "studies": "s.answer, s.rest, (SELECT group_concat('\"' || modality || '\"', ',') FROM "
    "web_modality WHERE study = s.id AND modality <> ''), s.n_series, s.n_instances",
    "series": "r.answer, r.rest, r.n_instances, s.answer, s.rest",
    "instances": "i.study_uid, i.series_uid, i.instance_uid, i.sop_class_uid, i.instance_number, "
    "i.frames, i.rows, i.columns, i.bits_allocated, i.has_pixels, w.json, r.first",
}


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a WHERE clause on one table."""

    table: str
    sql: str
    values: tuple[object, ...]
    index: str = ""
    """What finds its rows, when it may lead."""
    by_modality: bool = False
    """Leads from the table of modalities; `sql` is for when it does not lead."""

    @property
    def lead_sql(self) -> str:
        return "m.modality = ?" if self.by_modality else self.sql

    @property
    def lead_from(self) -> str:
        if self.by_modality:
            return "web_modality m"
        name = {"s": "web_study", "r": "web_series"}[self.table]
        return f"{name} {self.table} INDEXED BY {self.index}"


def rows_of(db: sqlite3.Connection, query: WebQuery, sight: Sight) -> Iterator[tuple[object, ...]]:
    """Yield up to limit + 1 rows of the columns of the query's level."""
    parts = [_part(one) for one in query.conditions]
    lead = _lead(db, parts)
    tables = _joined(query.level, lead)
    where = [one.lead_sql if one is lead else one.sql for one in parts]
    values: list[object] = [value for one in parts for value in one.values]
    if sight.key:
        where.append(
            "EXISTS (SELECT 1 FROM web_key_study k WHERE k.key = ? AND k.study_uid = s.study_uid)"
        )
        values.append(sight.key)
    if sight.hidden:
        where.append(NOT_HIDDEN)
    clause = f"WHERE {' AND '.join(where)}" if where else ""
    columns = _COLUMNS[query.level]
    if not (query.include or query.include_all):
        columns = columns.replace("s.rest", "NULL").replace("r.rest", "NULL")
        columns = columns.replace("w.json", "NULL").replace("r.first", "NULL")
    sql = f"SELECT {columns} FROM {tables} {clause} LIMIT ? OFFSET ?"  # noqa: S608 - names of our own
    yield from db.execute(sql, (*values, query.limit + 1, query.offset))


def _part(one: Condition) -> _Part:
    matched, criterion = one.matched, one.criterion
    table = _TABLE[matched.level]
    column = f"{table}.{matched.column}"
    if matched.kind == "modalities":
        inner, values = _test("m.modality", criterion)
        is_one = isinstance(criterion, OneOf) and len(values) == 1
        return _Part(
            table,
            f"EXISTS (SELECT 1 FROM web_modality m WHERE m.study = s.id AND {inner})",  # noqa: S608 - names of our own
            values,
            _OF_STUDY if is_one else "",
            is_one,
        )
    sql, values = _test(column, criterion)
    index = _LEADS.get(matched.column, "") if matched.level != "instances" else ""
    if isinstance(criterion, Like) and not criterion.prefix:
        index = ""
    return _Part(table, sql, values, index)


def _test(column: str, criterion: OneOf | Like | Between) -> tuple[str, tuple[object, ...]]:
    if isinstance(criterion, OneOf):
        if len(criterion.values) == 1:
            return f"{column} = ?", criterion.values
        return f"{column} IN ({', '.join('?' * len(criterion.values))})", criterion.values
    if isinstance(criterion, Between):
        tests, values = [f"{column} >= ?"], [criterion.low or "0"]
        if criterion.high:
            tests.append(f"{column} <= ?")
            values.append(criterion.high)
        return f"({' AND '.join(tests)})", tuple(values)
    prefix, pattern = criterion.prefix, criterion.pattern.replace("[", "[[]")
    if not prefix:
        return f"{column} GLOB ?", (pattern,)
    after = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return f"({column} >= ? AND {column} < ? AND {column} GLOB ?)", (prefix, after, pattern)


def _lead(db: sqlite3.Connection, parts: Sequence[_Part]) -> _Part | None:
    """Return the condition that fewest rows meet; counting stops where it is plain."""
    able = sorted((one for one in parts if one.index), key=lambda one: _ORDER.index(one.index))
    if len(able) < 2 or able[0].index in _ORDER[:2]:
        return able[0] if able else None
    best, fewest = able[0], _ENOUGH
    for one in able:
        n = db.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {one.lead_from} "  # noqa: S608 - the same
            f"WHERE {one.lead_sql} LIMIT {_ENOUGH})",
            one.values,
        ).fetchone()[0]
        if n < fewest:
            best, fewest = one, n
    return best


def _joined(level: Level, lead: _Part | None) -> str:
    """Return the FROM clause. CROSS JOIN fixes the order, and with it the order of answers."""
    wanted = ORDER[level]
    instances = "CROSS JOIN web_instance w ON w.series = r.id CROSS JOIN instance i ON "
    instances += "i.instance_uid = w.instance_uid"
    if lead is not None and lead.table == "s":
        tables = lead.lead_from
        if lead.by_modality:
            tables += " CROSS JOIN web_study s ON s.id = m.study"
        if wanted >= 1:
            tables += " CROSS JOIN web_series r ON r.study = s.id"
    elif wanted == 0:
        tables = "web_study s NOT INDEXED"
    else:
        first = lead.lead_from if lead else "web_series r NOT INDEXED"
        tables = f"{first} CROSS JOIN web_study s ON s.id = r.study"
    return f"{tables} {instances}" if wanted == 2 else tables
