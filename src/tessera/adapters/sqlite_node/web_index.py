"""WebIndex on SQLite, in the same file as the instance index."""

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from weakref import finalize

from tessera.adapters.sqlite_node.connection import connect, transaction
from tessera.adapters.sqlite_node.instance_index import MIGRATIONS
from tessera.adapters.sqlite_node.web_search import NOT_HIDDEN, rows_of
from tessera.adapters.sqlite_node.web_tables import SERIES_COLUMNS, STUDY_COLUMNS
from tessera.domain.dicomweb.answers import (
    filled,
    instance_answer,
    series_answer,
    series_rest,
    study_answer,
    study_rest,
    value_in,
    with_addresses,
    with_more,
)
from tessera.domain.dicomweb.levels import (
    INSTANCE_ANSWER,
    SERIES_ANSWER,
    SERIES_UID,
    STUDY_ANSWER,
    STUDY_UID,
)
from tessera.domain.dicomweb.query import WebQuery
from tessera.domain.errors import InvalidInput
from tessera.domain.imaging.dicom_json import Described
from tessera.ports.web_index import Found, Sight, Waiting, WebObject

_MOST_S: Final = 3.0
"""So long may a search take."""
_DICTIONARY_BYTES: Final = 32_000
_FIND: Final = (
    "SELECT i.study_uid, i.series_uid, i.instance_uid, i.sop_class_uid, i.transfer_syntax_uid, "
    "i.modality, i.frames, i.n_bytes, i.sha256, i.path{more} FROM web_study s "
    "CROSS JOIN web_series r ON r.study = s.id CROSS JOIN web_instance w ON w.series = r.id "
    "CROSS JOIN instance i ON i.instance_uid = w.instance_uid WHERE {where} "
    "ORDER BY r.id, i.instance_number, i.instance_uid"
)


class SqliteWebIndex:
    """A connection for each thread: searches run beside each other and beside an ingest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        connect(path, MIGRATIONS).close()
        self._threads = threading.local()

    def waiting(self, most: int) -> Sequence[Waiting]:
        rows = self._db.execute(
            "SELECT w.instance_uid, i.path FROM web_waiting w JOIN instance i USING (instance_uid) "
            "LIMIT ?",
            (most,),
        )
        return [Waiting(instance_uid=uid, place=place) for uid, place in rows]

    def put(self, described: Sequence[Described], failed: Sequence[str] = ()) -> None:
        db = self._db
        with transaction(db):
            series: dict[str, tuple[int, bytes]] = {}
            for one in described:
                if not _is_there(db, one.instance_uid):
                    continue  # it left the index meanwhile
                uid = value_in(one.parts, (SERIES_UID,))
                if uid not in series:
                    series[uid] = _series(db, one, uid)
                number, first = series[uid]
                db.execute(
                    "INSERT INTO web_instance VALUES (?, ?, ?) ON CONFLICT (instance_uid) "
                    "DO UPDATE SET json = excluded.json",
                    (one.instance_uid, number, _packed(one.json(), first)),
                )
            done = [(one.instance_uid,) for one in described]
            db.executemany("INSERT OR IGNORE INTO web_failed VALUES (?)", [(u,) for u in failed])
            db.executemany(
                "DELETE FROM web_waiting WHERE instance_uid = ?", [*done, *((u,) for u in failed)]
            )

    def search(self, query: WebQuery, sight: Sight, base: str) -> Found:
        db = self._db
        self._hide(db, sight)
        stop = time.monotonic() + _MOST_S
        db.set_progress_handler(lambda: int(time.monotonic() > stop), 20_000)
        try:
            rows = list(rows_of(db, query, sight))
        except sqlite3.OperationalError as err:
            if "interrupted" in str(err):
                raise InvalidInput(
                    "this search takes too long; add a UID, a PatientID or a StudyDate"
                ) from err
            raise
        finally:
            db.set_progress_handler(None, 0)
        write = {"studies": _study, "series": _series_told, "instances": _instance}[query.level]
        answers = tuple(write(row, query, base.encode()) for row in rows[: query.limit])
        return Found(answers, len(rows) > query.limit)

    def objects(
        self, sight: Sight, study_uid: str, series_uid: str = "", instance_uid: str = ""
    ) -> Sequence[WebObject]:
        return [
            WebObject(
                study_uid=row[0],
                series_uid=row[1],
                instance_uid=row[2],
                sop_class_uid=row[3],
                transfer_syntax_uid=row[4],
                modality=row[5],
                frames=row[6],
                n_bytes=row[7],
                sha256=row[8],
                place=row[9],
            )
            for row in self._found("", sight, study_uid, series_uid, instance_uid)
        ]

    def metadata(
        self, sight: Sight, base: str, study_uid: str, series_uid: str = "", instance_uid: str = ""
    ) -> Iterator[bytes]:
        first, dictionary = b"", b""
        rows = self._found(", w.json, r.first", sight, study_uid, series_uid, instance_uid)
        for row in rows:
            if row[11] != first:
                first = row[11]
                dictionary = zlib.decompress(first)
            text = _unpacked(row[10], dictionary)
            yield with_addresses(text, base, row[0], row[1], row[2])

    def _found(self, more: str, sight: Sight, *uids: str) -> Iterator[Sequence[Any]]:
        db = self._db
        self._hide(db, sight)
        columns = ("s.study_uid", "r.series_uid", "w.instance_uid")
        given = [(column, uid) for column, uid in zip(columns, uids, strict=True) if uid]
        where, values = [f"{column} = ?" for column, _ in given], [uid for _, uid in given]
        if sight.key:
            where.append(
                "EXISTS (SELECT 1 FROM web_key_study k WHERE k.key = ? "
                "AND k.study_uid = s.study_uid)"
            )
            values.append(sight.key)
        if sight.hidden:
            where.append(NOT_HIDDEN)
        yield from db.execute(_FIND.format(more=more, where=" AND ".join(where)), values)

    def _hide(self, db: sqlite3.Connection, sight: Sight) -> None:
        if sight.hidden is not getattr(self._threads, "hidden", None):
            db.execute(
                "CREATE TEMP TABLE IF NOT EXISTS hidden (subject TEXT PRIMARY KEY) WITHOUT ROWID"
            )
            db.execute("BEGIN")
            db.execute("DELETE FROM temp.hidden")
            db.executemany("INSERT INTO temp.hidden VALUES (?)", [(s,) for s in sight.hidden])
            db.execute("COMMIT")
            self._threads.hidden = sight.hidden

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._threads, "db", None)
        if db is None:
            db = connect(self._path, MIGRATIONS)
            db.execute("PRAGMA cache_size = -65536")
            db.execute("PRAGMA mmap_size = 1073741824")
            self._threads.db = db
            finalize(threading.current_thread(), db.close)
        return db


def _is_there(db: sqlite3.Connection, uid: str) -> bool:
    found = db.execute("SELECT 1 FROM instance WHERE instance_uid = ?", (uid,)).fetchone()
    return found is not None


def _series(db: sqlite3.Connection, one: Described, uid: str) -> tuple[int, bytes]:
    """Return the number of a series and the JSON that its instances are packed against."""
    row = db.execute("SELECT id, first FROM web_series WHERE series_uid = ?", (uid,)).fetchone()
    if row:
        return row[0], zlib.decompress(row[1])
    study_uid = value_in(one.parts, (STUDY_UID,))
    found = db.execute("SELECT id FROM web_study WHERE study_uid = ?", (study_uid,)).fetchone()
    study = found[0] if found else _study_made(db, one, study_uid)
    first = one.json()[:_DICTIONARY_BYTES]
    columns = [value_in(one.parts, path) for path in SERIES_COLUMNS.values()]
    cursor = db.execute(
        f"INSERT INTO web_series (study, n_instances, {', '.join(SERIES_COLUMNS)}, answer, rest, "  # noqa: S608 - names of our own
        f"first) VALUES (?, 0, {', '.join('?' * len(columns))}, ?, ?, ?)",
        (
            study,
            *columns,
            series_answer(one.parts, study_uid, uid),
            zlib.compress(series_rest(one.parts)),
            zlib.compress(first),
        ),
    )
    return int(cursor.lastrowid or 0), first


def _study_made(db: sqlite3.Connection, one: Described, uid: str) -> int:
    columns = [value_in(one.parts, path) for path in STUDY_COLUMNS.values()]
    cursor = db.execute(
        f"INSERT INTO web_study (subject, n_series, n_instances, {', '.join(STUDY_COLUMNS)}, "  # noqa: S608 - the same
        f"answer, rest) VALUES (?, 0, 0, {', '.join('?' * len(columns))}, ?, ?)",
        (
            value_in(one.parts, (0x00100020,)),
            *columns,
            study_answer(one.parts, uid),
            zlib.compress(study_rest(one.parts)),
        ),
    )
    return int(cursor.lastrowid or 0)


def _packed(text: bytes, dictionary: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, dictionary)
    return packer.compress(text) + packer.flush()


def _unpacked(packed: bytes, dictionary: bytes) -> bytes:
    return zlib.decompressobj(-15, dictionary).decompress(packed)


def _study(row: Sequence[object], query: WebQuery, base: bytes) -> bytes:
    answer, rest, modalities, n_series, n_instances = row
    gaps = (str(modalities or "").encode(), str(n_series).encode(), str(n_instances).encode())
    told = filled(_bytes(answer), base, *gaps)
    return _more(told, query, STUDY_ANSWER, _bytes(rest))


def _series_told(row: Sequence[object], query: WebQuery, base: bytes) -> bytes:
    answer, rest, n_instances, _, study_rest_ = row
    told = filled(_bytes(answer), base, str(n_instances).encode())
    return _more(told, query, SERIES_ANSWER, _bytes(rest), _bytes(study_rest_))


def _instance(row: Sequence[object], query: WebQuery, base: bytes) -> bytes:
    study, series, uid, sop_class, number, frames, rows, columns, bits, pixels, packed, first = row
    numbers: dict[int, object] = {0x00200013: number}
    if pixels:
        numbers |= {0x00280010: rows, 0x00280011: columns, 0x00280100: bits}
        if isinstance(frames, int) and frames > 1:
            numbers[0x00280008] = frames
    told = filled(
        instance_answer(
            study_uid=str(study),
            series_uid=str(series),
            instance_uid=str(uid),
            sop_class_uid=str(sop_class),
            numbers={t: v if isinstance(v, int) else None for t, v in numbers.items()},
        ),
        base,
    )
    if query.include_all or query.include - INSTANCE_ANSWER:
        text = _unpacked(_bytes(packed), zlib.decompress(_bytes(first)))
        text = with_addresses(text, base.decode(), str(study), str(series), str(uid))
        return with_more(told, text, query.include, everything=query.include_all)
    return told


def _more(told: bytes, query: WebQuery, own: frozenset[int], *rests: bytes) -> bytes:
    if not query.include_all and not query.include - own:
        return told
    merged: dict[str, object] = {}
    for rest in reversed(rests):
        merged |= json.loads(zlib.decompress(rest))
    return with_more(told, json.dumps(merged).encode(), query.include, everything=query.include_all)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
