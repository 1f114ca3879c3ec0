"""Write the stored databases that are missing: `python -m tests.stored tests/stored`."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from tessera.adapters.sqlite_node.connection import connect
from tests.stored import hub
from tests.stored.contents import STORES


def main(folder: Path) -> None:
    for name, store in STORES.items():
        newest = len(store.migrations)
        for version in sorted({*store.former, newest}):
            path = folder / f"{name}-v{version}.sqlite"
            if path.exists():
                continue
            if version == newest:
                store.fill(path)
            else:
                with closing(connect(path, store.migrations[:version])) as db:
                    store.former[version](db)
            one_small_file(path)
    path = folder / f"hub-v{len(hub.MIGRATIONS)}.sqlite"
    if not path.exists():
        hub.fill(path)
        one_small_file(path)


def one_small_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA page_size = 1024")
        db.execute("VACUUM")


main(Path(sys.argv[1]))
