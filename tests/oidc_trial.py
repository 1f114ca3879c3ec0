"""A real OpenID Connect provider, run with Node beside the tests."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).with_name("oidc_provider")
_INSTALLED = HERE.parents[1] / ".tools" / "oidc-provider"
_FILES = ("package.json", "package-lock.json", "provider.mjs")


def installed() -> Path:
    """Return the folder with the provider, installed there once; skip where it cannot be."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs Node and npm for a real OpenID Connect provider")
    lock = (HERE / "package-lock.json").read_bytes()
    done = _INSTALLED / "done"
    if not done.exists() or done.read_bytes() != lock:
        part = _INSTALLED.with_name(f"oidc-provider-{os.getpid()}")
        part.mkdir(parents=True, exist_ok=True)
        for name in _FILES[:2]:
            shutil.copy(HERE / name, part)
        words = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        made = subprocess.run(words, cwd=part, capture_output=True, check=False, timeout=180)
        if made.returncode:
            shutil.rmtree(part)
            pytest.skip("the OpenID Connect provider cannot be installed: no npm registry")
        (part / "done").write_bytes(lock)
        shutil.rmtree(_INSTALLED, ignore_errors=True)
        part.replace(_INSTALLED)
    shutil.copy(HERE / "provider.mjs", _INSTALLED)
    return _INSTALLED


@contextmanager
def provider(back: str, log: Path) -> Iterator[str]:
    """Run the provider; gives its issuer. `back`: where it sends browsers to."""
    folder = installed()
    with log.open("wb") as file:
        running = subprocess.Popen(
            ["node", "provider.mjs", back], cwd=folder, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        end = time.monotonic() + 60
        while "provider at " not in log.read_text("utf-8"):
            assert running.poll() is None and time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.05)
        yield log.read_text("utf-8").split("provider at ")[1].split()[0]
    finally:
        running.terminate()
        running.wait(10)
