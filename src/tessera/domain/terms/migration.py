"""What names of an older version of the terminology are called now. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from pkgutil import get_data

from tessera.domain.terms.errors import UnknownVersion
from tessera.domain.terms.load import read_group
from tessera.domain.terms.terminology import groups, version


@dataclass(frozen=True, slots=True)
class Move:
    """One name of the older version, and what it is now; `new_name` "" when there is nothing."""

    old_group: str
    old_name: str
    new_group: str
    new_name: str
    why: str

    @property
    def is_change(self) -> bool:
        """True when a value that said the old name must now say another."""
        return self.old_name != self.new_name


def migrations(from_version: str) -> tuple[Move, ...]:
    """Return the table old → new from a version of the terminology to the present one.

    `*` in a table of the data stands for every name that the group had by then. Concepts that
    were retired since, with `replaced_by`, are in it too.

    Raises:
        UnknownVersion: no table begins with this version.
    """
    if from_version == version():
        return ()
    steps = [line for line in _lines() if line[0].split()[0] == from_version]
    if not steps:
        known = sorted({line[0].split()[0] for line in _lines()})
        raise UnknownVersion(
            f"no table begins with version {from_version}; there are: {', '.join(known)}"
        )
    moves = [move for step in steps for move in _moves(from_version, *step[1:])]
    listed = {(move.old_group, move.old_name) for move in moves}
    for group in groups():
        for one in read_group(group).values():
            if one.retired and (group, one.name) not in listed:
                moves.append(Move(group, one.name, group, one.replaced_by, "retired"))
    return tuple(moves)


def migrated(moves: tuple[Move, ...], group: str, value: str) -> str | None:
    """Return what a value of a column or group of the older version is now.

    The value itself when it needs no change; None when it was retired and nothing replaced it.
    """
    for move in moves:
        if (move.old_group, move.old_name) == (group, value):
            return move.new_name or None
    return value


def _moves(
    since: str, old_group: str, old_name: str, new_group: str, new_name: str, why: str
) -> Iterator[Move]:
    if old_name != "*":
        yield Move(old_group, old_name, new_group, new_name, why)
        return
    for one in read_group(new_group).values():
        if one.since == since:
            now = one.replaced_by if one.retired else one.name
            yield Move(old_group, one.name, new_group, now, why)


def _lines() -> list[list[str]]:
    text = (get_data("tessera.domain.terms", "data/migrations.txt") or b"").decode()
    return [
        [part.strip() for part in line.split("|")]
        for line in text.splitlines()
        if line and not line.startswith("#")
    ]
