"""The program starts at once: heavy libraries wait for the command that needs them."""

import subprocess
import sys

import pytest

HEAVY = [
    *("pydicom", "highdicom", "numpy", "PIL", "duckdb", "pyarrow", "openpyxl"),
    *("rdflib", "pyshacl", "starlette", "uvicorn"),
]


def heavy_after(code: str) -> list[str]:
    """Return the heavy libraries that a fresh interpreter holds after `code`."""
    probe = (
        f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit:\n    pass\n"
        f"print('heavy', *[n for n in {HEAVY!r} if n in sys.modules])"
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


def test_a_heavy_import_is_seen() -> None:
    assert "numpy" in heavy_after("import numpy")
