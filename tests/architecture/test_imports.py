"""The import contracts of pyproject.toml hold, and each of them can fail."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import REPO

LINT = Path(sys.executable).parent / "lint-imports"
LAYERS = (
    *("testing", "cli", "bootstrap", "http", "client", "adapters", "phantom", "toolbox"),
    *("node", "hub", "ports", "wire", "domain"),
)


def lint(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts over the package `tessera` under `folder`."""
    return subprocess.run(
        [str(LINT), "--config", str(config), "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def contract_names() -> list[str]:
    settings = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


def test_every_import_contract_is_kept() -> None:
    done = lint(REPO / "src", REPO / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def miniature(tmp_path: Path) -> Path:
    """A package of the same shape with nothing in it, under the same contracts."""
    for layer in ("", *LAYERS):
        package = tmp_path / "tessera" / layer
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
    return tmp_path


def test_the_empty_house_keeps_its_contracts(miniature: Path) -> None:
    done = lint(miniature, REPO / "pyproject.toml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "text", "contract"),
    [
        ("domain/breach.py", "import tessera.node\n", "Layers"),
        ("node/breach.py", "import tessera.hub\n", "Layers"),
        ("adapters/breach.py", "import tessera.phantom\n", "Layers"),
        ("cinema/__init__.py", "", "Layers"),
        ("adapters/breach.py", "import tessera.hub\n", "Adapters serve ports"),
        ("http/breach.py", "import tessera.adapters\n", "Routes get use cases"),
        ("domain/breach.py", "import sqlite3\n", "The domain does no I/O"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    miniature: Path, module: str, text: str, contract: str
) -> None:
    breach = miniature / "tessera" / module
    breach.parent.mkdir(exist_ok=True)
    breach.write_text(text)
    done = lint(miniature, REPO / "pyproject.toml")
    assert done.returncode != 0
    broken = [line for line in done.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken) or contract in done.stderr, (
        done.stdout + done.stderr
    )


def test_every_contract_has_a_breach_that_shows_it_can_fail() -> None:
    shown = {"Layers", "Adapters serve ports", "Routes get use cases", "The domain does no I/O"}
    unshown = [n for n in contract_names() if not any(n.startswith(begin) for begin in shown)]
    assert not unshown
