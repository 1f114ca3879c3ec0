"""Rows of many tables, subject by subject, without holding a table in memory.

DuckDB sorts each table by subject (in its own memory, and on disk when that is short); the tables
are then read side by side, in batches.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tessera.domain.clinical.cdm import TABLES
from tessera.domain.errors import InvalidInput
from tessera.domain.exchange.eucaim_in import LINE
from tessera.domain.exchange.rows import Row, SubjectRows, columns_of, key_of, without_nulls

_BATCH = 10_000
_MEMORY = "512MB"


@contextmanager
def sorting(spill: Path) -> Iterator[Any]:
    """Yield a DuckDB connection that spills into a private folder under `spill`, then gone."""
    import duckdb

    with TemporaryDirectory(prefix=".sorting-", dir=spill) as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": folder,
            "memory_limit": _MEMORY,
            "threads": 2,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(config=settings) as connection:
            yield connection


def version_subjects(connection: Any, folder: Path) -> Iterator[SubjectRows]:
    """Yield the rows of each subject of a frozen version, in the order of their pseudonyms.

    Instances are not among them: `version_instances`. Raises InvalidInput: a table is damaged.
    """
    streams = {
        table.name: _known(
            table.name, _stream(connection, _sorted_parquet(folder, table.name), "subject")
        )
        for table in TABLES
        if table.name != "instance" and (folder / f"{table.name}.parquet").is_file()
    }
    if "patient" not in streams:
        raise InvalidInput(f"{folder}: it has no patient.parquet")
    yield from _merged(streams, "patient")


@dataclass(frozen=True, slots=True)
class PlacedInstance:
    """An instance of a version and where it lies."""

    subject: str
    study_uid: str
    series_uid: str
    instance_uid: str
    path: str
    """Place in the node's store."""
    sha256: str
    n_bytes: int


def version_instances(connection: Any, folder: Path) -> Iterator[PlacedInstance]:
    """Yield each instance of a version, by subject, study, series and number."""
    query = (
        "SELECT s.subject, s.study_uid, s.series_uid, i.instance_uid, i.path, i.sha256, i.n_bytes "  # noqa: S608
        f"FROM {_parquet(folder, 'instance')} i "
        f"JOIN {_parquet(folder, 'series')} s USING (series_uid) "
        "ORDER BY s.subject, s.study_uid, s.series_uid, i.instance_number, i.instance_uid"
    )
    for row in _fetched(connection, query):
        yield PlacedInstance(**row)


def version_results(
    connection: Any, folder: Path, tables: Sequence[str], columns: Sequence[str]
) -> dict[str, dict[str, list[str]]]:
    """Return table → code → which of `columns` have a value somewhere."""
    found: dict[str, dict[str, list[str]]] = {}
    for table in tables:
        if not (folder / f"{table}.parquet").is_file():
            continue
        own = [name for name in columns if name in columns_of(table)]
        counts = ", ".join(f'count("{name}") AS "{name}"' for name in own)
        query = f"SELECT code, {counts} FROM {_parquet(folder, table)} GROUP BY code"  # noqa: S608
        for row in _fetched(connection, query):
            found.setdefault(table, {})[row["code"]] = [name for name in own if row[name]]
    return found


def csv_groups(
    connection: Any,
    files: Mapping[str, Path],
    by: str,
    driver: str,
    joins: Mapping[str, tuple[str, str]],
) -> Iterator[tuple[str, dict[str, list[Row]]]]:
    """Yield (key, lines by file) for each value of column `by`, from CSV files with a header.

    `joins`: file without that column → (file that has it, column that both have). Files that have
    it in neither way are left out. Every cell is text, "" when empty; `#line` numbers the lines.
    """
    streams = {}
    for name, path in files.items():
        query = _sorted_csv(connection, files, name, path, by, joins)
        if query:
            streams[name] = _stream(connection, query, "#by")
    if driver not in streams:
        raise InvalidInput(f"{driver}.csv: it is missing, or it has no column {by}")
    for one in _merged(streams, driver):
        yield one.subject, {name: list(rows) for name, rows in one.tables.items()}


def concept_codes(
    connection: Any,
    files: Mapping[str, Path],
    columns: Mapping[str, Sequence[str]],
    vocabularies: Sequence[str],
) -> list[tuple[str, str, str]]:
    """Return (concept's id, vocabulary, code) of the concepts that columns of the files name.

    Only those of `vocabularies`: concept.csv of a full download has millions of rows.
    """
    if "concept" not in files:
        return []
    used = [
        f'SELECT "{column}" AS concept_id FROM {_csv(files[table])}'  # noqa: S608
        for table, names in columns.items()
        if table in files
        for column in set(names) & set(_header(connection, files[table]))
    ]
    if not used or not {"concept_id", *_OF_CONCEPT} <= set(_header(connection, files["concept"])):
        return []
    words = ", ".join(f"'{name}'" for name in vocabularies)
    query = (
        f"SELECT concept_id, vocabulary_id, concept_code FROM {_csv(files['concept'])} "  # noqa: S608
        f"WHERE vocabulary_id IN ({words}) AND concept_id IN ({' UNION '.join(used)})"
    )
    return [tuple(row.values()) for row in _fetched(connection, query)]


_OF_CONCEPT = ("vocabulary_id", "concept_code")


def _sorted_csv(
    connection: Any,
    files: Mapping[str, Path],
    name: str,
    path: Path,
    by: str,
    joins: Mapping[str, tuple[str, str]],
) -> str:
    header = _header(connection, path)
    own = f'*, row_number() OVER () AS "{LINE}"'
    if by in header:
        source = f'SELECT {own}, "{by}" AS "#by" FROM {_csv(path)}'  # noqa: S608
    elif name in joins and joins[name][0] in files and joins[name][1] in header:
        other, column = joins[name]
        source = (
            f'SELECT a.*, b."{by}" AS "#by" FROM (SELECT {own} FROM {_csv(path)}) a '  # noqa: S608
            f'JOIN {_csv(files[other])} b ON a."{column}" = b."{column}"'
        )
    else:
        return ""
    return f'SELECT * FROM ({source}) ORDER BY "#by", "{LINE}"'  # noqa: S608


def _header(connection: Any, path: Path) -> list[str]:
    import duckdb

    try:
        read = connection.execute(f"SELECT * FROM {_csv(path)} LIMIT 0")  # noqa: S608
        return [one[0] for one in read.description]
    except duckdb.Error as cause:
        raise InvalidInput(f"{path.name}: not a CSV file with a header, in UTF-8") from cause


def _csv(path: Path) -> str:
    """Return the reader of a CSV file; with tabs and no quotes, as OMOP's vocabularies come."""
    with path.open("rb") as stream:
        is_tabbed = b"\t" in stream.readline(1 << 16)
    form = "delim='\t', quote=''" if is_tabbed else "delim=',', quote='\"', escape='\"'"
    return f"read_csv({_text(path)}, header=true, all_varchar=true, sample_size=-1, {form})"


def _parquet(folder: Path, table: str) -> str:
    return f"read_parquet({_text(folder / f'{table}.parquet')})"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _sorted_parquet(folder: Path, table: str) -> str:
    key = key_of(table)
    order = f'subject, length("{key}"), "{key}"'
    return f"SELECT * FROM {_parquet(folder, table)} ORDER BY {order}"  # noqa: S608


def _fetched(connection: Any, query: str) -> Iterator[dict[str, Any]]:
    import duckdb

    try:
        cursor = connection.cursor()
        batches = cursor.sql(query).to_arrow_reader(_BATCH)
        for batch in batches:
            yield from batch.to_pylist()
    except duckdb.Error as cause:
        raise InvalidInput("a table cannot be read: it is damaged, or lacks a column") from cause


def _stream(connection: Any, query: str, by: str) -> Iterator[tuple[str, Row]]:
    for row in _fetched(connection, query):
        key = str(row[by])
        if by == "#by":
            del row[by]
            yield key, {name: "" if v is None else str(v) for name, v in row.items()}
        else:
            yield key, without_nulls(row)


def _known(table: str, rows: Iterator[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
    """Leave out the columns that a version repeats for searching."""
    columns = columns_of(table)
    for key, row in rows:
        yield key, {name: value for name, value in row.items() if name in columns}


def _merged(streams: Mapping[str, Iterator[tuple[str, Row]]], driver: str) -> Iterator[SubjectRows]:
    """Yield the rows of all streams by key, for the keys of the driver's. Each is sorted by key."""
    heads = {name: next(stream, None) for name, stream in streams.items()}

    def taken(name: str, key: str) -> list[Row]:
        found: list[Row] = []
        head = heads[name]
        while head is not None and head[0] <= key:
            if head[0] == key:
                found.append(head[1])
            head = next(streams[name], None)
        heads[name] = head
        return found

    while (head := heads[driver]) is not None:
        key = head[0]
        rows = {name: taken(name, key) for name in streams}
        yield SubjectRows(key, {name: found for name, found in rows.items() if found})
