"""The program starts at once: heavy libraries wait for the command that needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = [
    *("pydicom", "highdicom", "numpy", "PIL", "duckdb", "pyarrow", "openpyxl"),
    *("rdflib", "pyshacl", "starlette", "uvicorn"),
]


TABLES_AND_SERVERS = [
    *("highdicom", "PIL", "duckdb", "pyarrow", "openpyxl", "rdflib", "pyshacl"),
    *("starlette", "uvicorn"),
]
"""Not even a command that looks at a home and asks nobody needs these."""


def heavy_after(code: str, heavy: list[str] = HEAVY) -> list[str]:
    """Return the heavy libraries that a fresh interpreter holds after `code`."""
    probe = (
        f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit:\n    pass\n"
        f"print('heavy', *[n for n in {heavy!r} if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1].split()
    assert last[0] == "heavy"
    return last[1:]


@pytest.mark.parametrize(
    "code",
    [
        "import tessera",
        "import tessera.cli",
        "import sys; sys.argv = ['tessera', '--help']; from tessera.cli import main; main()",
        "import sys; sys.argv = ['tessera', '--version']; from tessera.cli import main; main()",
    ],
)
def test_start_up_loads_no_heavy_library(code: str) -> None:
    assert heavy_after(code) == []


def after_command(*arguments: str) -> list[str]:
    words = ["tessera", *arguments]
    code = f"import sys; sys.argv = {words!r}; from tessera.cli import main; main()"
    return heavy_after(code, [*TABLES_AND_SERVERS, "httpx"])


def test_a_nodes_status_needs_no_table_no_server_and_no_client(tmp_path: Path) -> None:
    home = str(tmp_path / "node")
    assert after_command("node", "init", home, "--name", "Linköping", "--country", "SE") == []
    assert after_command("node", "status", home) == []
    assert after_command("node", "dataset", "list", home) == []


def test_a_hubs_list_needs_no_server_and_no_client(tmp_path: Path) -> None:
    home = str(tmp_path / "hub")
    url = "http://127.0.0.1:9"
    assert after_command("hub", "init", home, "--name", "Trial", "--url", url) == []
    assert after_command("hub", "nodes", home) == []


def test_a_persons_command_needs_no_table_and_no_server() -> None:
    code = "import tessera.bootstrap.access, tessera.bootstrap.accounts"
    assert heavy_after(code, [*TABLES_AND_SERVERS, "argon2", "numpy"]) == []


def test_a_heavy_import_is_seen() -> None:
    assert "numpy" in heavy_after("import numpy")
