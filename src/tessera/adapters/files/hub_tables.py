"""PublicTables as two JSON files in a hub's home, read anew when they have changed."""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from tessera.domain.catalogue.calls import MOST, Call
from tessera.domain.catalogue.incidence import EUROPE_2020, Incidence
from tessera.domain.errors import Conflict, InvalidInput, NotFound, TesseraError
from tessera.wire import fields
from tessera.wire.fields import Json
from tessera.wire.public_tables import (
    call_from_json,
    call_to_json,
    incidence_from_json,
    incidence_to_json,
)

_log = logging.getLogger(__name__)
_MOST_BYTES: Final = 4_000_000
T = TypeVar("T")


class HubTables:
    """`home`: the hub's. A file that cannot be read is as none, and an error in the log."""

    def __init__(self, home: Path) -> None:
        self._incidence = home / "incidence.json"
        self._calls = home / "calls.json"
        self._kept: dict[Path, tuple[tuple[int, int], object]] = {}

    def incidence(self) -> Incidence:
        """See the port."""
        return self._read(self._incidence, incidence_from_json, EUROPE_2020)

    def set_incidence(self, table: Incidence) -> None:
        _write(self._incidence, incidence_to_json(table))

    def remove_incidence(self) -> bool:
        """Go back to the table that is shipped; False when that is shown already."""
        was_set = self._incidence.exists()
        self._incidence.unlink(missing_ok=True)
        return was_set

    def calls(self) -> Sequence[Call]:
        """See the port."""
        return self._read(self._calls, _calls, ())

    def add_call(self, call: Call) -> None:
        """Raises Conflict when the list is full or has the name already."""
        calls = self._calls_to_change()
        if len(calls) >= MOST or any(one.call_id == call.call_id for one in calls):
            raise Conflict(f"the list has {call.call_id!r} already, or {MOST} calls")
        self._put_calls([*calls, call])

    def remove_call(self, call_id: str) -> None:
        """Raises NotFound."""
        calls = self._calls_to_change()
        left = [one for one in calls if one.call_id != call_id]
        if len(left) == len(calls):
            raise NotFound(f"no call {call_id!r}; `tessera hub calls list` shows them")
        self._put_calls(left)

    def _calls_to_change(self) -> Sequence[Call]:
        """Here a file that cannot be read is an error, so that nothing in it is lost."""
        if not self._calls.exists():
            return ()
        try:
            return _calls(fields.decode(self._calls.read_bytes()))
        except TesseraError as err:
            raise InvalidInput(f"{self._calls}: {err}; mend the file or take it away") from err

    def _put_calls(self, calls: Sequence[Call]) -> None:
        _write(self._calls, {"calls": [call_to_json(one) for one in calls]})

    def _read(self, path: Path, read: Callable[[Json], T], otherwise: T) -> T:
        try:
            status = path.stat()
        except FileNotFoundError:
            return otherwise
        mark = status.st_mtime_ns, status.st_size
        if path not in self._kept or self._kept[path][0] != mark:
            found = otherwise
            try:
                if status.st_size > _MOST_BYTES:
                    raise InvalidInput(f"larger than {_MOST_BYTES} bytes")
                found = read(fields.decode(path.read_bytes()))
            except (TesseraError, OSError) as err:
                _log.error("%s is not shown: %s", path, err)
            self._kept[path] = mark, found
        return self._kept[path][1]  # type: ignore[return-value]


def _calls(body: Json) -> tuple[Call, ...]:
    return fields.objects(body, "calls", call_from_json)


def _write(path: Path, body: Json) -> None:
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(fields.encode(body))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
