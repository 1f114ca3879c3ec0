"""Where a home keeps the list of those who opted out."""

from pathlib import Path

from tessera.adapters.sqlite_exclusions import SqliteExclusions


def exclusions_of(home: Path) -> SqliteExclusions:
    """Return the list of the home, opened anew at each use."""
    return SqliteExclusions(home / "identified" / "opt-out.sqlite")
