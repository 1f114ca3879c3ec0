"""Wire what a hub's operator sets for everybody to read: incidence and calls."""

from dataclasses import replace
from pathlib import Path

from tessera.adapters.files.hub_tables import HubTables
from tessera.bootstrap.hub import HubSettings
from tessera.domain.catalogue.calls import Call, call_id_of
from tessera.domain.catalogue.incidence import Incidence, read_incidence
from tessera.domain.errors import InvalidInput


def tables_of(home: Path) -> HubTables:
    """Return the tables of a hub. Raises NotFound when `home` is none."""
    HubSettings.load(home)
    return HubTables(home)


def set_incidence(
    home: Path, table: Path, *, source: str, address: str, year: int, licence: str
) -> Incidence:
    """Show a table from now on. Raises InvalidInput naming the row and the mend."""
    try:
        text = table.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidInput(f"{table}: cannot be read as UTF-8 text ({err})") from err
    found = Incidence(
        source=source,
        address=address,
        year=year,
        licence=licence,
        rows=read_incidence(text, table.name),
    )
    tables_of(home).set_incidence(found)
    return found


def add_call(home: Path, call: Call) -> Call:
    """Put a call on the list, under a name that no other has."""
    tables = tables_of(home)
    taken = [one.call_id for one in tables.calls()]
    named = replace(call, call_id=call_id_of(next(iter(call.title.values())), taken))
    tables.add_call(named)
    return named
