"""A database of each version that there was is opened, brought up to date, and found whole."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread

import pytest

from tessera.adapters.sqlite_hub.migrations import MIGRATIONS
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.adapters.sqlite_node.connection import connect, statements
from tests.stored import hub
from tests.stored.contents import STORES, schema

FOLDER = Path(__file__).parent
HUBS = sorted(FOLDER.glob("hub-v*.sqlite"))
FILES = sorted(set(FOLDER.glob("*.sqlite")) - set(HUBS))


def store_and_version(path: Path) -> tuple[str, int]:
    name, _, version = path.stem.rpartition("-v")
    return name, int(version)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_database_is_brought_up_to_date_and_is_whole(path: Path, tmp_path: Path) -> None:
    name, version = store_and_version(path)
    store = STORES[name]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
    copy, fresh = tmp_path / path.name, tmp_path / "fresh.sqlite"
    shutil.copyfile(path, copy)
    store.check(copy)
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(store.migrations),)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connect(fresh, store.migrations).close()
    assert schema(copy) == schema(fresh)


def test_each_former_version_is_stored() -> None:
    stored = {store_and_version(path) for path in FILES}
    former = {
        (name, version)
        for name, store in STORES.items()
        for version in range(1, len(store.migrations))
    }
    assert former <= stored, "keep a database of that version: see tests/stored/__init__.py"


def test_programs_that_open_an_old_database_at_once_migrate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    first = "CREATE TABLE n (n INTEGER NOT NULL); INSERT INTO n VALUES (0)"
    connect(path, [first]).close()
    ready, problems = Barrier(8), []

    def open_it() -> None:
        ready.wait()
        try:
            connect(path, [first, "UPDATE n SET n = n + 1", "ALTER TABLE n ADD COLUMN m"]).close()
        except Exception as err:
            problems.append(err)

    threads = [Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT n FROM n").fetchall() == [(1,)]


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    connect(path, ["CREATE TABLE a (n)"]).close()
    with pytest.raises(sqlite3.OperationalError):
        connect(path, ["CREATE TABLE a (n)", "CREATE TABLE b (n); CREATE TABLE a (n)"])
    with closing(connect(path, ["CREATE TABLE a (n)"])) as db:
        assert not re.search(r"\bb\b", str(db.execute("SELECT name FROM sqlite_master").fetchall()))


def test_a_trigger_is_one_statement() -> None:
    trigger = "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'no; never'); END"
    assert [one.strip() for one in statements(f"CREATE TABLE a (n);\n{trigger};\n")] == [
        "CREATE TABLE a (n);",
        f"{trigger};",
    ]


@pytest.mark.parametrize("path", HUBS, ids=lambda path: path.stem)
def test_a_stored_hub_is_brought_up_to_date_and_is_whole(path: Path, tmp_path: Path) -> None:
    _, version = store_and_version(path)
    copy, fresh = tmp_path / path.name, tmp_path / "fresh.sqlite"
    shutil.copyfile(path, copy)
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT max(number) FROM migration").fetchone() == (version,)
    hub.check(copy, version)
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT max(number) FROM migration").fetchone() == (len(MIGRATIONS),)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    SqliteHubStore(fresh).close()
    assert schema(copy) == schema(fresh)


def test_each_former_version_of_the_hub_is_stored() -> None:
    stored = {store_and_version(path)[1] for path in HUBS}
    former = set(range(1, len(MIGRATIONS) + 1)) - hub.NEVER
    assert former <= stored, "keep a database of that version: see tests/stored/__init__.py"


@pytest.mark.parametrize("number", range(len(MIGRATIONS) + 1))
def test_a_hub_of_each_former_version_is_brought_up_to_date(number: int, tmp_path: Path) -> None:
    old, fresh = tmp_path / "old.sqlite", tmp_path / "fresh.sqlite"
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute("CREATE TABLE migration (number INTEGER PRIMARY KEY)")
        for done, parts in enumerate(MIGRATIONS[:number], start=1):
            for statement in parts:
                db.execute(statement)
            db.execute("INSERT INTO migration VALUES (?)", (done,))
    for path in (old, fresh):
        SqliteHubStore(path).close()
    assert schema(old) == schema(fresh)
