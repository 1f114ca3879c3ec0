"""Tools as folders: read one, write one, find those that come with Tessera."""

import os
import shutil
from collections.abc import Iterator
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import mkdtemp

from tessera.adapters.files.instance_store import sync_folder
from tessera.domain.access.tool import (
    MANIFEST,
    MAX_BYTES,
    MAX_FILES,
    InvalidTool,
    ToolBundle,
    tool_bundle,
)
from tessera.domain.errors import NotFound

_BUILTIN = "tessera.toolbox"
_NOT_PART = {"__pycache__"}


def read_tool(folder: Path) -> ToolBundle:
    """Return the tool in a folder; hidden files and `__pycache__` are no part of it.

    Raises InvalidTool, also for a link or a file too large to be read, and NotFound.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder; a tool is a folder with a {MANIFEST}")
    found: dict[str, bytes] = {}
    n_bytes = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        n_bytes += path.stat().st_size
        if n_bytes > MAX_BYTES or len(found) == MAX_FILES:
            raise InvalidTool(
                f"{folder} holds more than {MAX_FILES} files or {MAX_BYTES} bytes; "
                "data does not belong in a tool"
            )
        found[name] = path.read_bytes()
    return tool_bundle(found)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _NOT_PART:
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise InvalidTool(f"{path.name}: only plain files and folders belong in a tool")
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def write_tool(bundle: ToolBundle, folder: Path) -> None:
    """Write a bundle as a read-only folder, whole or not at all; one that is there stays.

    A folder is named by the bundle's digest where tools are kept, so what is there is the same.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(mkdtemp(prefix=".tool-", dir=folder.parent))
    try:
        for name, content in bundle.files.items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            path.chmod(0o444)
        for inner in (staged, *(p for p in staged.rglob("*") if p.is_dir())):
            inner.chmod(0o755)
            sync_folder(inner)
        try:
            staged.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def builtin_tools() -> tuple[str, ...]:
    """Return the names of the tools that come with Tessera, sorted."""
    return tuple(
        sorted(
            child.name.replace("_", "-")
            for child in files(_BUILTIN).iterdir()
            if child.is_dir() and (child / MANIFEST).is_file()
        )
    )


def builtin_tool(name: str) -> ToolBundle:
    """Return a tool that comes with Tessera, by its name. Raises NotFound."""
    if name not in builtin_tools():
        raise NotFound(f"no built-in tool {name!r}; there are {', '.join(builtin_tools())}")
    place: Traversable = files(_BUILTIN) / name.replace("-", "_")
    with as_file(place) as folder:
        return read_tool(folder)


def find_tool(text: str) -> ToolBundle:
    """Return a tool by the name of a built-in one or by the path of a folder.

    Raises NotFound and InvalidTool. A folder in the current directory with the name of a
    built-in tool is meant only when written with a slash.
    """
    if text in builtin_tools():
        return builtin_tool(text)
    folder = Path(text)
    if not folder.is_dir():
        known = ", ".join(builtin_tools())
        raise NotFound(f"{text!r} is no folder and no built-in tool; built in are {known}")
    return read_tool(folder)
