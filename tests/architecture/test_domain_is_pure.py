"""The domain is functions of their arguments: no I/O, clock, randomness, environment or log."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.architecture.source import Breach, Module, made_module, product_modules, report

CALLS = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}
ATTRIBUTES = {
    "now",
    "today",
    "utcnow",
    "urandom",
    "uuid1",
    "uuid4",
    "environ",
    "getenv",
    "dcmread",
    "dcmwrite",
    "save_as",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "getLogger",
    "default_rng",
    "random",
}
IMPORTS = {
    "asyncio",
    "glob",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib.request",
    "warnings",
    "numpy.random",
    "pydicom.filewriter",
    "pydicom.filereader",
    "pydicom.config",
}
ALLOWED: dict[tuple[str, str], str] = {}
"""(module, name) to the reason why this one use is still pure."""


def impurities(modules: Iterable[Module]) -> list[Breach]:
    return [
        Breach(module.name, getattr(node, "lineno", 0), f"uses {name}")
        for module in modules
        for node in ast.walk(module.tree)
        for name in _impure_names(node)
        if (module.name, name) not in ALLOWED
    ]


def _impure_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        yield node.func.id
    elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        yield node.attr
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_impure_import(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            names = (node.module, f"{node.module}.{alias.name}")
            yield from [name for name in names if _is_impure_import(name)][:1]
            if alias.name in ATTRIBUTES:
                yield alias.name


def _is_impure_import(name: str) -> bool:
    return any(name == banned or name.startswith(banned + ".") for banned in IMPORTS)


def test_the_domain_is_pure() -> None:
    found = impurities(product_modules("tessera.domain"))
    assert not found, report(found)


def test_every_allowance_has_a_reason_and_is_needed() -> None:
    modules = {module.name: module for module in product_modules("tessera.domain")}
    for (module, name), reason in ALLOWED.items():
        assert reason
        assert name in {n for node in ast.walk(modules[module].tree) for n in _impure_names(node)}


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "print('x')",
        "from datetime import date\ndate.today()",
        "from datetime import datetime, UTC\ndatetime.now(UTC)",
        "import time\ntime.time()",
        "from time import monotonic",
        "import random",
        "from numpy.random import default_rng",
        "import numpy as np\nnp.random.normal()",
        "import os\nos.environ['X']",
        "from os import environ",
        "import logging",
        "from pathlib import Path",
        "from pydicom import dcmread",
        "import pydicom\npydicom.dcmread('x')",
        "import uuid\nuuid.uuid4()",
        "path.read_bytes()",
    ],
)
def test_each_impurity_is_seen(text: str) -> None:
    assert impurities([made_module("tessera.domain.breach", text)])


def test_pure_code_is_let_through() -> None:
    text = (
        "import hmac\nimport re\nfrom datetime import date, timedelta\n"
        "def earlier(day: date, days: int) -> date:\n    return day - timedelta(days=days)\n"
    )
    assert not impurities([made_module("tessera.domain.dates", text)])
