"""The PostgreSQL stores of a node against the specifications that SQLite passes, and its own."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from time import sleep
from uuid import uuid4

import pytest

pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

from tessera.adapters.postgres_node import (
    MirroredInstanceIndex,
    PostgresClinicalStore,
    PostgresDatabase,
    PostgresExclusions,
    PostgresInstanceIndex,
    PostgresLedger,
    PostgresReviewQueue,
    copying,
)
from tessera.adapters.postgres_node import connection as connection_module
from tessera.adapters.postgres_node.tables import IDENTIFIED, RESEARCH
from tessera.adapters.sqlite_node import SqliteInstanceIndex
from tessera.domain.errors import Conflict, InvalidSettings, Unavailable
from tessera.domain.ids import InstanceUid
from tessera.ports.ledger import LedgerEntry, SourceFile, State
from tessera.testing import clinical_store
from tessera.testing.clinical_store import ClinicalStoreContract
from tessera.testing.exclusions import ExclusionListContract, exclusion
from tessera.testing.node_stores import (
    InstanceIndexContract,
    LedgerContract,
    row,
    sealed,
    source,
)
from tessera.testing.review_queue import ReviewQueueContract
from tests.postgres_server import PostgresServer, running_postgres
from tests.stored.contents import DELIVERY, STORES, schema

PARTS = {**IDENTIFIED, **RESEARCH}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as running:
        yield running


@pytest.fixture
def database(server: PostgresServer) -> Iterator[PostgresDatabase]:
    made = PostgresDatabase(server.dsn, f"t_{uuid4().hex}", PARTS, patience_s=20)
    made.prepare()
    yield made
    made.close()


class _OnPostgres:
    @pytest.fixture(autouse=True)
    def _database(self, database: PostgresDatabase) -> None:
        self.database = database


class TestPostgresInstanceIndex(_OnPostgres, InstanceIndexContract):
    def make(self) -> PostgresInstanceIndex:
        return PostgresInstanceIndex(self.database)


class TestMirroredInstanceIndex(_OnPostgres, InstanceIndexContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.copy = tmp_path / "index.sqlite"

    def make(self) -> MirroredInstanceIndex:
        return MirroredInstanceIndex(PostgresInstanceIndex(self.database), self.copy)

    def test_its_copy_holds_what_it_holds(self) -> None:
        index = self.make()
        index.put(sealed(row(1), row(2), row(1, study=2)))
        index.remove([row(2).instance_uid])
        assert list(SqliteInstanceIndex(self.copy).all()) == list(index.all())

    def test_its_copy_catches_up_after_a_kill_and_after_another_machine(self) -> None:
        self.make().put(sealed(row(1), row(2)))
        elsewhere = PostgresInstanceIndex(self.database)
        elsewhere.put(sealed(row(3), replace(row(1), sha256="cd" * 32)))
        elsewhere.remove([row(2).instance_uid])
        copy = SqliteInstanceIndex(self.copy)
        assert list(copy.all()) == [row(1), row(2)]
        index = self.make()
        index.put(sealed(row(4)))
        assert list(copy.all()) == list(index.all())
        assert len(list(copy.all())) == 3

    def test_a_copy_that_is_gone_is_made_anew(self) -> None:
        index = self.make()
        index.put(sealed(row(1)))
        index.close()
        self.copy.unlink()
        self.make().put(sealed(row(2)))
        assert list(SqliteInstanceIndex(self.copy).all()) == [row(1), row(2)]

    def test_a_look_now_and_then_catches_up_with_another_machine(self) -> None:
        index = self.make()
        index.put(sealed(row(1)))
        PostgresInstanceIndex(self.database).put(sealed(row(2)))
        copy = SqliteInstanceIndex(self.copy)
        index.catch_up_if_left_behind()
        assert list(copy.all()) == [row(1)], "it may be a change that is on its way here"
        index.catch_up_if_left_behind()
        assert list(copy.all()) == [row(1), row(2)]


class TestPostgresLedger(_OnPostgres, LedgerContract):
    def make(self) -> PostgresLedger:
        return PostgresLedger(self.database)


class TestPostgresExclusions(_OnPostgres, ExclusionListContract):
    def make(self) -> PostgresExclusions:
        return PostgresExclusions(self.database)


class TestPostgresClinicalStore(_OnPostgres, ClinicalStoreContract):
    def make(self) -> PostgresClinicalStore:
        return PostgresClinicalStore(self.database)


class TestPostgresReviewQueue(_OnPostgres, ReviewQueueContract):
    def make(self) -> PostgresReviewQueue:
        return PostgresReviewQueue(self.database)


def test_a_source_with_a_very_long_name_is_kept(database: PostgresDatabase) -> None:
    ledger = PostgresLedger(database)
    sources = [
        SourceFile(path=f"/pacs/{'å' * 4000}{end}", size=1, modified_ns=2) for end in ("a", "b")
    ]
    ledger.record([LedgerEntry(source=one, state=State.STORED) for one in sources])
    assert ledger.settled(sources) == {one.key for one in sources}


def test_a_row_with_a_null_character_is_kept(database: PostgresDatabase) -> None:
    ledger = PostgresLedger(database)
    held = LedgerEntry(source=source("a"), state=State.HELD, message="bad\0value")
    ledger.record([held])
    assert [one.message for one in ledger.entries((State.HELD,))] == ["bad�value"]


def test_a_server_that_restarts_is_waited_for_and_nothing_is_lost_or_done_twice(
    server: PostgresServer, database: PostgresDatabase
) -> None:
    ledger, index = PostgresLedger(database), PostgresInstanceIndex(database)
    n_done, stop, problems = [0], Event(), list[Exception]()

    def write() -> None:
        try:
            while not stop.is_set():
                number = n_done[0]
                index.put(sealed(row(number)))
                entry = LedgerEntry(source=source(str(number)), state=State.STORED)
                ledger.record([entry], {"taken": 1})
                n_done[0] += 1
        except Exception as err:
            problems.append(err)

    writer = Thread(target=write)
    writer.start()
    for mode in ("immediate", "fast"):
        while n_done[0] < 5:
            sleep(0.01)
        server.stop(mode)
        sleep(0.2)
        before = n_done[0]
        server.start()
        while n_done[0] < before + 5 and not problems:
            sleep(0.01)
    stop.set()
    writer.join()
    assert problems == []
    assert index.totals().n_instances == n_done[0]
    assert ledger.counts() == {(State.STORED, ""): n_done[0]}
    assert ledger.tally() == {"taken": n_done[0]}


def test_a_commit_whose_answer_is_lost_is_not_made_again(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, lost = PostgresLedger(database), [True]
    real = connection_module.psycopg.Connection.transaction

    def transaction(self: object, *args: object, **more: object) -> object:
        return _LosesItsAnswer(real(self, *args, **more), lost)  # type: ignore[arg-type]

    monkeypatch.setattr(connection_module.psycopg.Connection, "transaction", transaction)
    ledger.record([], {"taken": 1})
    assert (lost, ledger.tally()) == ([], {"taken": 1})


class _LosesItsAnswer:
    """A transaction that commits, and whose connection then breaks: once."""

    def __init__(self, transaction: object, lost: list[bool]) -> None:
        self._transaction, self._lost = transaction, lost

    def __enter__(self) -> object:
        return self._transaction.__enter__()  # type: ignore[attr-defined]

    def __exit__(self, *error: object) -> object:
        done = self._transaction.__exit__(*error)  # type: ignore[attr-defined]
        if self._lost:
            self._lost.clear()
            raise connection_module.psycopg.OperationalError("the connection is lost")
        return done


def test_a_server_that_stays_away_is_told_without_its_address(server: PostgresServer) -> None:
    password = "not-to-be-shown"
    nowhere = f"host={server.folder}/nowhere user=tessera password={password}"
    away = PostgresDatabase(nowhere, "t", PARTS, patience_s=0.1)
    with pytest.raises(Unavailable, match="nothing is lost") as told:
        PostgresLedger(away).counts()
    with pytest.raises(Unavailable, match="nobody is counted"):
        PostgresExclusions(away).excluded()
    assert password not in f"{told.value}{away!r}{told.value.__cause__!r}"


def test_an_address_that_is_none_is_told_without_it() -> None:
    with pytest.raises(InvalidSettings, match="no PostgreSQL address") as told:
        PostgresLedger(PostgresDatabase("secret without form", "t", PARTS)).counts()
    assert "secret" not in f"{told.value}{told.value.__cause__!r}"
    assert told.value.__suppress_context__


def test_an_empty_database_is_no_empty_list_of_those_who_opted_out(
    server: PostgresServer,
) -> None:
    empty = PostgresDatabase(server.dsn, "t_not_made", PARTS, patience_s=5)
    assert not empty.exists()
    with pytest.raises(Unavailable, match="is it the right one"):
        PostgresExclusions(empty).excluded()


def test_tables_of_a_newer_program_are_refused(database: PostgresDatabase) -> None:
    database.write(lambda cursor: cursor.execute("UPDATE schema_version SET version = 99"))
    again = PostgresDatabase(database._dsn, database.schema, PARTS)
    with pytest.raises(Conflict, match="newer version"):
        PostgresLedger(again).counts()


def test_tables_of_each_former_version_are_brought_up_to_date(server: PostgresServer) -> None:
    schema = f"t_{uuid4().hex}"
    first = {part: migrations[:1] for part, migrations in PARTS.items()}
    old = PostgresDatabase(server.dsn, schema, first)
    old.prepare()
    old.write(
        lambda cursor: cursor.execute(
            "INSERT INTO intake VALUES ('/pacs/a', '/pacs/a', '', 10, 1700000000000000001, "
            "'stored', '', '', '', '', '2.25.1', '')"
        )
    )
    old.close()
    with ThreadPoolExecutor(4) as pool:  # several programs at once
        opened = [PostgresDatabase(server.dsn, schema, PARTS) for _ in range(4)]
        assert list(pool.map(lambda one: PostgresLedger(one).tally(), opened)) == [{}] * 4
    ledger = PostgresLedger(opened[0])
    assert ledger.settled([source("a")]) == {"/pacs/a"}
    for one in opened:
        one.close()


def test_a_database_that_is_read_only_is_told_and_written_again_when_mended(
    server: PostgresServer, database: PostgresDatabase
) -> None:
    index = PostgresInstanceIndex(database)
    index.put(sealed(row(1)))
    admin = PostgresDatabase(server.dsn, database.schema, PARTS)

    def set_read_only(value: str) -> None:
        with admin._connection() as connection:
            connection.execute(f"ALTER ROLE tessera SET default_transaction_read_only = {value}")

    set_read_only("on")
    database.close()
    try:
        with pytest.raises(Conflict, match="read-only"):
            index.put(sealed(row(2)))
        assert set(index.find([row(1).instance_uid, InstanceUid("x")])) == {row(1).instance_uid}
    finally:
        set_read_only("off")
        database.close()
    index.put(sealed(row(2)))
    assert index.totals().n_instances == 2
    admin.close()


def test_writers_at_once_leave_one_truth(database: PostgresDatabase) -> None:
    ledger, listed = PostgresLedger(database), PostgresExclusions(database)

    def write(number: int) -> frozenset[str]:
        names = dict.fromkeys(("a", "b") if number % 2 else ("b", "a"), 1)
        ledger.record([LedgerEntry(source=source("x"), state=State.STORED)], names)
        return frozenset(listed.add([exclusion("TES-A")]))

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(write, range(40)))
    assert sum(map(len, added)) == 1
    assert ledger.tally() == {"a": 40, "b": 40}


def test_every_row_comes_over_and_back_and_is_proved(
    server: PostgresServer, tmp_path: Path
) -> None:
    zones = (
        ("identified", copying.IDENTIFIED, IDENTIFIED),
        ("research", copying.RESEARCH, RESEARCH),
    )
    for zone, parts, tables in zones:
        database = PostgresDatabase(server.dsn, f"t_{uuid4().hex}_{zone}", tables)
        database.prepare()
        for name, part in parts.items():
            path = tmp_path / "home" / part.file
            path.parent.mkdir(parents=True, exist_ok=True)
            STORES[name].fill(path)
            before = copying.sqlite_summary(tmp_path / "home", part)
            assert sum(one.n_rows for one in before.values())
            for _ in range(2):  # again is the same
                copying.into_postgres(tmp_path / "home", database, part)
            assert copying.postgres_summary(database, part) == before
            copying.into_sqlite(database, tmp_path / "back", part)
            assert copying.sqlite_summary(tmp_path / "back", part) == before
            assert schema(tmp_path / "back" / part.file) == schema(path)
            STORES[name].check(tmp_path / "back" / part.file)
        if zone == "research":
            store = PostgresClinicalStore(database)
            store.replace(clinical_store.sealed(clinical_store.record("TES-Z")), DELIVERY)
            assert len(store.deliveries()) == 2, "its numbers go on after those that came over"
        database.close()


def test_every_table_of_sqlite_has_its_like_in_postgres(database: PostgresDatabase) -> None:
    rows = database.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s",
        (database.schema,),
    )
    for name, part in {**copying.IDENTIFIED, **copying.RESEARCH}.items():
        with closing(sqlite3.connect(":memory:")) as db:
            for migration in part.migrations:
                db.executescript(migration)
            tables = {
                table
                for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
            }
        local = {table for table in tables if table.startswith("web_")}
        assert tables - local == set(part.tables), name
        for table in part.tables:
            assert {column for of, column in rows if of == table} == set(
                copying._columns(part, table)
            )
