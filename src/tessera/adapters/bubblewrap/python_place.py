"""What of this machine a Python program needs to see in order to run: folders, files, links."""

import site
import sys
from dataclasses import dataclass
from pathlib import Path

_SYSTEM = ("/lib", "/lib32", "/lib64", "/libx32")
_LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32")
_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/usr/share/zoneinfo")
_PARTS = ("lib", "lib64")


@dataclass(frozen=True, slots=True)
class PythonPlace:
    """Everything at the same path inside as outside, read-only."""

    executable: Path
    """The interpreter to start: that of the virtual environment, if there is one."""
    plain: Path
    """The interpreter itself, without the packages of an environment."""
    shown: tuple[Path, ...]
    links: tuple[tuple[str, Path], ...]
    """What a link says → where it is."""


def python_place() -> PythonPlace:
    """Return what the running interpreter stands on: system, pyenv, uv, in a venv or not."""
    shown = {Path(text) for text in (*_LIBRARIES, *_FILES) if Path(text).exists()}
    links: dict[Path, str] = {}
    for text in _SYSTEM:
        if Path(text).is_symlink():
            links[Path(text)] = str(Path(text).readlink())
        elif Path(text).exists():
            shown.add(Path(text))
    base = Path(sys.base_prefix)
    plain = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    executable = plain
    # an installation may be known by a link to it; the interpreter looks beside itself
    for root in {base, base.resolve(), plain.parent.parent}:
        shown |= {root / part for part in _PARTS if (root / part).exists()}
    shown |= {Path(text) for text in site.getsitepackages() if Path(text).exists()}
    shown.add(executable)
    if Path(sys.prefix) != base:
        prefix = Path(sys.prefix)
        shown.add(prefix / "pyvenv.cfg")
        inside = prefix / "bin" / executable.name
        links[inside] = str(executable)
        executable = inside
    return PythonPlace(executable, plain, _without_covered(shown), _links(links, shown))


def _without_covered(shown: set[Path]) -> tuple[Path, ...]:
    return tuple(sorted(p for p in shown if not any(q in p.parents for q in shown)))


def _links(links: dict[Path, str], shown: set[Path]) -> tuple[tuple[str, Path], ...]:
    is_new = {p: all(q not in p.parents for q in shown) for p in links}
    return tuple((text, path) for path, text in sorted(links.items()) if is_new[path])
