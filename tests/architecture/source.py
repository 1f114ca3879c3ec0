"""The project's own source as text and syntax trees, for the tests that hold its rules."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]
SRC = REPO / "src"
_NOT_OURS = {".venv", ".git", ".tools", "__pycache__", "demo-data", "dist", "node_modules"}


@dataclass(frozen=True, slots=True)
class Module:
    """One module of the product. `name` is dotted: `tessera.domain.zones`."""

    name: str
    path: Path
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @property
    def n_lines(self) -> int:
        return len(self.text.splitlines())


@dataclass(frozen=True, slots=True)
class Breach:
    """One place where a rule does not hold."""

    where: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.what}"


def made_module(name: str, text: str) -> Module:
    """Return a module that exists only in a test, to show that a rule can fail."""
    return Module(name, Path(f"{name.replace('.', '/')}.py"), text)


def product_modules(under: str = "") -> list[Module]:
    """Return every module of `tessera`, or of the package `under` (`tessera.domain`)."""
    return [module for module in _walk() if is_within(module.name, under or "tessera")]


def is_within(name: str, package: str) -> bool:
    """Whole labels: `tessera.domainx` is not within `tessera.domain`."""
    return name == package or name.startswith(package + ".")


def _walk() -> Iterator[Module]:
    for path in sorted((SRC / "tessera").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield Module(dotted, path, path.read_text("utf-8"))


def project_files() -> list[Path]:
    """Return the files that are, or are about to be, in version control.

    From an unpacked archive, where there is no version control: every file outside
    the folders that tools make.
    """
    if (REPO / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True)
        found: Iterable[Path] = (REPO / name for name in listed.stdout.split("\0") if name)
    else:
        found = (p for p in REPO.rglob("*") if not _NOT_OURS & set(p.relative_to(REPO).parts))
    return sorted(path for path in found if path.is_file())


def report(breaches: Iterable[object]) -> str:
    """Return the breaches, one per line, for an assertion's message."""
    return "\n" + "\n".join(str(breach) for breach in breaches)
