"""Where a home keeps the list of those who opted out."""

from functools import lru_cache
from pathlib import Path

from tessera.bootstrap.node import NodeSettings
from tessera.bootstrap.store_settings import StoreSettings
from tessera.bootstrap.stores import exclusion_list_of
from tessera.ports.exclusions import ExclusionList


def exclusions_of(home: Path) -> ExclusionList:
    """Return the list of the home, opened anew at each use."""
    return exclusion_list_of(home, store_settings_of(home))


def store_settings_of(home: Path) -> StoreSettings:
    """Return where the stores are, as node.toml says now. Raises NotFound, InvalidSettings."""
    try:
        status = (home / "node.toml").stat()
    except FileNotFoundError:
        return NodeSettings.load(home)
    return _read(home, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=32)
def _read(home: Path, _mtime_ns: int, _inode: int) -> StoreSettings:
    """Read once for each state of the file: the list is asked for at every query."""
    return NodeSettings.load(home)
