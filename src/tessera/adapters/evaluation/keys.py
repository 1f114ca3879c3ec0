"""Read an answer key and what a tool mapped: our lines of JSON, MIDI-B's database and tables."""

import csv
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tessera.domain.errors import InvalidInput
from tessera.domain.evaluation.key import Entry, parse_key, parse_mapping, parse_midi_b

_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class ToolMapping:
    """What a tool made of the identifiers."""

    uids: dict[str, str] = field(repr=False)
    patients: dict[str, str] = field(repr=False)


def read_entries(path: Path) -> tuple[tuple[Entry, ...], bool]:
    """Return (entries, is MIDI-B's own). Raises InvalidInput, OSError."""
    with path.open("rb") as stream:
        is_database = stream.read(16) == _SQLITE
    if is_database:
        return _from_database(path), True
    try:
        with path.open(encoding="utf-8") as lines:
            return parse_key(lines), False
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is neither lines of JSON in UTF-8 nor a SQLite file") from None


def _from_database(path: Path) -> tuple[Entry, ...]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        try:
            rows = database.execute("SELECT * FROM answer_data")
            return parse_midi_b(dict(row) for row in rows)
        except sqlite3.DatabaseError as err:
            raise InvalidInput(
                f"{path} has no readable table answer_data ({err}); is it MIDI-B's answer database?"
            ) from err


def read_mapping(uids: Path, patients: Path) -> ToolMapping:
    """Read the two tables `id_old,id_new`. Raises InvalidInput, OSError."""
    return ToolMapping(_table(uids), _table(patients))


def _table(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse_mapping(csv.DictReader(lines), path.name)
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not in UTF-8; save it as CSV UTF-8") from None
