"""What tests share: patience with a busy machine, and an order that keeps both cores at work."""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "shared", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")

# The keys that open the vaults of test nodes lie in the settings folder: not in the tester's own.
if "TESSERA_CONFIG" not in os.environ:
    os.environ["TESSERA_CONFIG"] = tempfile.mkdtemp(prefix="tessera-config-")
    atexit.register(shutil.rmtree, os.environ["TESSERA_CONFIG"], ignore_errors=True)

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

_E2E = Path(__file__).parent / "e2e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest; a file stays on one core, so that its running whole is built once."""
    items.sort(key=lambda item: (not item.path.is_relative_to(_E2E), not _is_slow(item)))


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None
