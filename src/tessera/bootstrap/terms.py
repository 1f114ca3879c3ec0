"""Bring a table of an older version of the terminology to the present one: reads and writes CSV."""

import csv
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TypedDict

from tessera.domain.errors import InvalidInput
from tessera.domain.terms.load import read_group
from tessera.domain.terms.migration import migrated, migrations
from tessera.domain.terms.terminology import groups


class Unknown(TypedDict):
    """A value that the terminology does not have, and in how many rows."""

    column: str
    value: str
    rows: int


class Migration(TypedDict):
    """What was done: rows read, values changed, values that are not in the terminology."""

    rows: int
    changed: int
    unknown: list[Unknown]


def migrate_table(table: Path, since: str, out: Path | None) -> Migration:
    """Return what changes; write the new table to `out` (row by row) when it is given.

    Columns that are no group and no column of a migration table are passed on as they are.

    Raises:
        UnknownVersion: no migration table begins with `since`.
        InvalidInput: it is no CSV table with a header, or `out` is the table itself.
    """
    moves = migrations(since)
    group_of = {move.old_group: move.new_group for move in moves}
    group_of |= {name: name for name in groups() if name not in group_of}
    if out is not None and out.resolve() == table.resolve():
        raise InvalidInput("--out is the table itself; name another file")
    rows = changed = 0
    unknown: Counter[tuple[str, str]] = Counter()
    with ExitStack() as stack:
        source = csv.reader(stack.enter_context(table.open(encoding="utf-8-sig", newline="")))
        header = next(source, [])
        coded = [(at, name) for at, name in enumerate(header) if name in group_of]
        if not coded:
            raise InvalidInput(f"{table.name} has no column that the terminology knows")
        goal = None
        if out is not None:
            goal = csv.writer(stack.enter_context(out.open("w", encoding="utf-8", newline="")))
            goal.writerow(header)
        for row in source:
            rows += 1
            for at, name in coded:
                if at >= len(row) or not row[at]:
                    continue
                now = migrated(moves, name, row[at])
                if now is None or now not in read_group(group_of[name]):
                    unknown[name, row[at]] += 1
                elif now != row[at]:
                    row[at] = now
                    changed += 1
            if goal is not None:
                goal.writerow(row)
    told = [Unknown(column=c, value=v, rows=n) for (c, v), n in sorted(unknown.items())]
    return Migration(rows=rows, changed=changed, unknown=told)
